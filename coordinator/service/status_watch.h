// One WatchStatus stream.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "coordinator/service/status_cache.h"

namespace interceptor::coordinator {

// Deletes itself when the stream is over. Both must outlive it.
grpc::ServerWriteReactor<v1::GetStatusResponse>* NewStatusWatch(Loop& loop, StatusCache& status);

}  // namespace interceptor::coordinator
