// A bare gRPC server of the workers' service, with the coordinator's callback API, limits and message sizes
// and nothing behind it: what the same streams cost on this machine whoever serves them.
#pragma once

#include "absl/status/status.h"

namespace interceptor {

// Prints "listening on ADDRESS" and serves until it is killed. `hello` is answered with an assignment,
// `progress` with `renewed`.
absl::Status ServeEcho();

}  // namespace interceptor
