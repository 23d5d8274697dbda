// The bytes of a file, read where they lie instead of copied.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace interceptor {

struct MappedFile {
  std::string_view bytes;  // valid as long as `mapping` lives
  std::shared_ptr<const void> mapping = {};
};

// Maps all of the open file `fd`, which may be closed afterwards; `what` names it in messages.
// REQUIRES: nobody cuts the file meanwhile; reading past its end is a SIGBUS.
absl::StatusOr<MappedFile> MapFile(int fd, std::string_view what);

}  // namespace interceptor
