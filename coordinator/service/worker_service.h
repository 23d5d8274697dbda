// WorkerService: one reactor a stream, which only converts and queues; the loop decides.
#pragma once

#include <string>

#include "coordinator/runtime/loop.h"
#include "interceptor/v1/plan.pb.h"
#include "interceptor/v1/worker_service.grpc.pb.h"

namespace interceptor::coordinator {

class WorkerService : public v1::WorkerService::CallbackService {
 public:
  // `loop` must outlive the service and its streams.
  WorkerService(Loop& loop, v1::Plan plan);

  grpc::ServerBidiReactor<v1::WorkerUpdate, v1::Directive>* Attach(
      grpc::CallbackServerContext* context) override;

 private:
  Loop& loop_;
  const std::string plan_digest_;
  v1::Plan plan_;  // as every welcome says it: without members
};

}  // namespace interceptor::coordinator
