// Between the messages of the worker stream and the session's inputs and outputs. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "common/wire/convert.h"
#include "interceptor/v1/worker_service.pb.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

v1::Inventory ToProto(const ChunkFiles& files);

// Who speaks; stands in every hello.
struct Speaker {
  std::string member;
  std::string box;
  std::string incarnation;
  std::string device_name;
  std::string device_model;
  v1::CoordinatorIncarnation last_coordinator;
};

v1::WorkerUpdate ToProto(const SendHello& hello, const Speaker& speaker);
v1::WorkerUpdate ToProto(const SendChunkFiles& files);
v1::WorkerUpdate ToProto(const SendProgress& progress);
v1::WorkerUpdate ToProto(const SendPublication& publication);
v1::WorkerUpdate ToProto(const SendGoodbye& goodbye);

// What a directive means for the session; `memory` of an assignment stays empty. INVALID_ARGUMENT for one
// that this worker does not know.
absl::StatusOr<SessionInput> FromProto(const v1::Directive& directive);

}  // namespace interceptor::worker
