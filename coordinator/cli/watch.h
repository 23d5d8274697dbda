// `interceptor watch`: the status redrawn in place for a person at a terminal, one line per change for a file
// or a pipe, one JSON object per snapshot for a script.
#pragma once

#include <ostream>

#include "absl/status/statusor.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/terminal.h"

namespace interceptor::coordinator {

struct WatchOptions {
  // Leave with 0 once the plan is done.
  bool until_done = false;
  bool json = false;
};

// The exit code: 0 when done (until_done) or on the key q, 128 + number after a signal. A coordinator that
// goes away is tried again for as long as the client's timeout, then UNAVAILABLE; one that never answered is
// an error at once.
absl::StatusOr<int> Watch(Client& client, const WatchOptions& options, const Terminal& terminal,
                          std::ostream& out, std::ostream& err);

}  // namespace interceptor::coordinator
