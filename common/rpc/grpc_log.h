// gRPC logs faults that our statuses carry already, in lines of its own shape.
#pragma once

namespace interceptor {

// Keeps gRPC's own lines off stderr unless GRPC_VERBOSITY is set. Safe to call often, from any thread.
void QuietGrpcLog();

}  // namespace interceptor
