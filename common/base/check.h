// ICPT_CHECK(condition) << detail: our own bug, in every build. Logs where and what, then aborts; a
// supervisor restarts the program and its journal recovers. Bad input is a Status, never a check.
#pragma once

#include <sstream>

namespace interceptor {

class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

}  // namespace interceptor

#define ICPT_CHECK(condition)  \
  switch (0)                   \
  case 0:                      \
  default:                     \
    if (condition) [[likely]]  \
      ;                        \
    else                       \
      ::interceptor::CheckFailure(__FILE__, __LINE__, #condition).stream()
