// ClusterService: questions are answered from the loop's snapshot on the spot; wishes are queued to the loop.
#pragma once

#include <memory>

#include "coordinator/runtime/loop.h"
#include "coordinator/service/convert.h"
#include "coordinator/service/status_cache.h"
#include "interceptor/v1/cluster_service.grpc.pb.h"

namespace interceptor::coordinator {

class ClusterService : public v1::ClusterService::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  // `loop` must outlive the service and its calls.
  ClusterService(Loop& loop, Exposure exposure) : loop_(loop), status_(loop, exposure) {}

  Reactor* GetStatus(Context*, const v1::GetStatusRequest*, v1::GetStatusResponse*) override;
  grpc::ServerWriteReactor<v1::GetStatusResponse>* WatchStatus(Context*,
                                                               const v1::WatchStatusRequest*) override;
  Reactor* DescribeWorker(Context*, const v1::DescribeWorkerRequest*, v1::DescribeWorkerResponse*) override;
  Reactor* ListChunks(Context*, const v1::ListChunksRequest*, v1::ListChunksResponse*) override;
  Reactor* ListCheckpoints(Context*, const v1::ListCheckpointsRequest*,
                           v1::ListCheckpointsResponse*) override;
  Reactor* ListEvents(Context*, const v1::ListEventsRequest*, v1::ListEventsResponse*) override;
  Reactor* ListEvaluations(Context*, const v1::ListEvaluationsRequest*,
                           v1::ListEvaluationsResponse*) override;
  Reactor* DrainWorker(Context*, const v1::DrainWorkerRequest*, v1::DrainWorkerResponse*) override;
  Reactor* PausePlan(Context*, const v1::PausePlanRequest*, v1::PausePlanResponse*) override;
  Reactor* ResumePlan(Context*, const v1::ResumePlanRequest*, v1::ResumePlanResponse*) override;
  Reactor* PinCheckpoint(Context*, const v1::PinCheckpointRequest*, v1::PinCheckpointResponse*) override;
  Reactor* UnpinCheckpoint(Context*, const v1::UnpinCheckpointRequest*,
                           v1::UnpinCheckpointResponse*) override;
  Reactor* VerifyCheckpoint(Context*, const v1::VerifyCheckpointRequest*,
                            v1::VerifyCheckpointResponse*) override;
  Reactor* Backup(Context*, const v1::BackupRequest*, v1::BackupResponse*) override;

 private:
  Reactor* Wish(Context* context, CommandBody body);

  Loop& loop_;
  StatusCache status_;
};

}  // namespace interceptor::coordinator
