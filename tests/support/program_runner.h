// Tests only: the real `interceptor` as a process of its own, with pipes or on a terminal of 80x24.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace interceptor::coordinator {

struct Finished {
  // 128 + number after a signal.
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs it to its end in an environment of nothing but `environment`.
Finished RunInterceptor(const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& environment);

// The same on a terminal: what it prints is what a terminal would get.
class TerminalSession {
 public:
  TerminalSession(const std::vector<std::string>& arguments,
                  const std::map<std::string, std::string>& environment);
  ~TerminalSession();
  TerminalSession(const TerminalSession&) = delete;
  TerminalSession& operator=(const TerminalSession&) = delete;

  // Reads until `text` has appeared; false when the program ended, or a minute passed, without it.
  bool Await(const std::string& text);
  void Type(const std::string& keys);
  void Signal(int number);
  // Reads to the end; the exit code.
  int Wait();
  const std::string& output() const { return output_; }

 private:
  // False at the end or after a minute of silence.
  bool ReadMore();

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string output_;
};

}  // namespace interceptor::coordinator
