// Facts as bytes and back (proto/interceptor/journal/v1). Pure. The same fact always gives the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/core/event.h"

namespace interceptor::coordinator {

std::string EncodeFact(const Fact& fact);

// DATA_LOSS when the bytes are no record, or one without an event that this version knows.
absl::StatusOr<Fact> DecodeFact(std::string_view bytes);

}  // namespace interceptor::coordinator
