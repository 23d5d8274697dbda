#include "common/facts/failure.h"

namespace interceptor {

absl::StatusCode ParseStatusCode(std::string_view name) {
  for (int i = 1; i <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    if (name == absl::StatusCodeToString(code)) return code;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace interceptor
