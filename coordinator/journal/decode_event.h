// The event of a journal record. Used by event_codec alone.
#pragma once

#include "absl/status/statusor.h"
#include "coordinator/core/event.h"
#include "interceptor/journal/v1/journal.pb.h"

namespace interceptor::coordinator {

// DATA_LOSS when the record holds no event that this version knows, or an enum value out of range.
absl::StatusOr<DurableEvent> DecodeEvent(const journal::v1::Record& record);

}  // namespace interceptor::coordinator
