// Why a task or a child process stopped. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace interceptor {

struct Failure {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string text;
  bool retryable = false;  // the same work may succeed later

  friend bool operator==(const Failure&, const Failure&) = default;
};

// "DATA_LOSS", as absl names it; kUnknown for a name that is none of its.
absl::StatusCode ParseStatusCode(std::string_view name);

// Nothing but space is missing: such work is tried again for ever, here as at the vault.
inline bool IsDiskFull(const Failure& failure) {
  return failure.code == absl::StatusCode::kResourceExhausted && failure.retryable;
}

}  // namespace interceptor
