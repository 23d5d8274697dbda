// Messages as JSON for scripts: protobuf's own mapping with the field names of proto/, every field printed,
// 64-bit integers as strings, times in RFC 3339. docs/cli.md documents it, tests/golden/cli holds it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace interceptor::coordinator {

enum class JsonLayout { kIndented, kOneLine };

// Ends in a line break.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, JsonLayout layout);

// An indented object whose members are messages, in the order given.
absl::StatusOr<std::string> ToJsonObject(
    const std::vector<std::pair<std::string, const google::protobuf::Message*>>& members);

}  // namespace interceptor::coordinator
