// Client channels with the keepalive that common/rpc/server expects, and deadlines.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace interceptor {

// Never fails: a channel connects when first used and again whenever needed, with pauses that grow from 0.2 s
// to 10 s. Each call makes a connection of its own, so that one channel's bytes never wait behind another's.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address);

// Every call carries a deadline; streams that live long carry none and lean on keepalive.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

}  // namespace interceptor
