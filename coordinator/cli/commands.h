// What each verb does.
#pragma once

#include <ostream>

#include "coordinator/cli/arguments.h"
#include "coordinator/cli/terminal.h"

namespace interceptor::coordinator {

struct Streams {
  // Data only.
  std::ostream& out;
  // Everything else.
  std::ostream& err;
};

// Carries out `options` and returns the exit code. An error is one line on streams.err.
int RunCommand(const Options& options, const Terminal& terminal, Streams streams);

}  // namespace interceptor::coordinator
