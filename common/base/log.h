// One line per event on stderr: time, level, program, then text. Safe from any thread; a line is written
// with one write(2), so lines of several processes on one terminal never mix.
//   ICPT_LOG(kInfo) << "listening on " << address;
#pragma once

#include <sstream>
#include <string_view>

namespace interceptor {

enum class LogLevel { kInfo, kWarning, kError };

// The name every line carries; set once in main before threads start.
void SetProgramName(std::string_view name);

class LogLine {
 public:
  explicit LogLine(LogLevel level) : level_(level) {}
  ~LogLine();
  std::ostream& stream() { return stream_; }

 private:
  LogLevel level_;
  std::ostringstream stream_;
};

}  // namespace interceptor

#define ICPT_LOG(level) ::interceptor::LogLine(::interceptor::LogLevel::level).stream()
