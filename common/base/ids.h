// Names and identities.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace interceptor {

// 128 random bits of the kernel as 32 hexadecimal digits: box ids, incarnations, request ids.
std::string NewId();

// INVALID_ARGUMENT unless `name` is 1 to 64 of a-z, A-Z, 0-9, '-', '_' and starts with a letter or digit.
// `what` says in the message what was being named.
absl::Status ValidateName(std::string_view what, std::string_view name);

}  // namespace interceptor
