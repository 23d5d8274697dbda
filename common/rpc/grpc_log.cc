#include "common/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdlib>

namespace interceptor {

void QuietGrpcLog() {
  static const bool quiet = [] {
    if (std::getenv("GRPC_VERBOSITY") != nullptr) return false;
    gpr_set_log_function([](gpr_log_func_args*) {});
    return true;
  }();
  (void)quiet;
}

}  // namespace interceptor
