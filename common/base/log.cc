#include "common/base/log.h"

#include <unistd.h>

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace interceptor {
namespace {

std::string& ProgramName() {
  static std::string* name = new std::string("interceptor");
  return *name;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "?";
}

}  // namespace

void SetProgramName(std::string_view name) { ProgramName() = std::string(name); }

LogLine::~LogLine() {
  std::ostringstream line;
  line << absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()) << " "
       << LevelName(level_) << " " << ProgramName() << ": ";
  for (char c : stream_.str()) line << (static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  line << "\n";
  const std::string text = line.str();
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace interceptor
