#include "tests/support/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "common/base/status.h"

namespace interceptor {
namespace {

// The number after "NAME:" in /proc/PID/FILE.
int64_t NumberIn(pid_t pid, const std::string& file, const std::string& name) {
  std::ifstream lines(Cat("/proc/", pid, "/", file));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stoll(line.substr(name.size() + 1));
  }
  return 0;
}

}  // namespace

int64_t MemoryOf(pid_t pid, const std::string& name) { return NumberIn(pid, "status", name) * 1024; }

absl::Duration ProcessorTimeOf(pid_t pid) {
  std::ifstream file(Cat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(file, text);
  // The name in brackets may hold spaces; user and system time are the 12th and 13th fields after it.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  int64_t user = 0;
  int64_t system = 0;
  fields >> user >> system;
  return absl::Seconds(1) * (user + system) / sysconf(_SC_CLK_TCK);
}

int64_t BytesWrittenBy(pid_t pid) { return NumberIn(pid, "io", "write_bytes"); }

}  // namespace interceptor
