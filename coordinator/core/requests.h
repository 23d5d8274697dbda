// Retries are answered, not repeated: every accepted mutation leaves its request id in the journal.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/core/event.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

struct RequestCheck {
  RequestMark mark;    // for the event that answers it
  bool known = false;  // accepted before: answer OK and do nothing
};

enum class RequestId { kRequired, kOptional };

// `content` is whatever makes two requests the same one. INVALID_ARGUMENT: the id is not 32 hexadecimal
// digits (or absent though required), or it was accepted for other content.
absl::StatusOr<RequestCheck> CheckRequest(const State& state, std::string_view id, std::string_view content,
                                          RequestId rule);

}  // namespace interceptor::coordinator
