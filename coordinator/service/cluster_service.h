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
  // `loop` must outlive the service and its calls.
  ClusterService(Loop& loop, Exposure exposure) : loop_(loop), status_(loop, exposure) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerWriteReactor<v1::GetStatusResponse>* WatchStatus(
      grpc::CallbackServerContext* context, const v1::WatchStatusRequest* request) override;
  grpc::ServerUnaryReactor* DescribeWorker(grpc::CallbackServerContext* context,
                                           const v1::DescribeWorkerRequest* request,
                                           v1::DescribeWorkerResponse* response) override;
  grpc::ServerUnaryReactor* ListChunks(grpc::CallbackServerContext* context,
                                       const v1::ListChunksRequest* request,
                                       v1::ListChunksResponse* response) override;
  grpc::ServerUnaryReactor* ListCheckpoints(grpc::CallbackServerContext* context,
                                            const v1::ListCheckpointsRequest* request,
                                            v1::ListCheckpointsResponse* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;
  grpc::ServerUnaryReactor* ListEvaluations(grpc::CallbackServerContext* context,
                                            const v1::ListEvaluationsRequest* request,
                                            v1::ListEvaluationsResponse* response) override;
  grpc::ServerUnaryReactor* DrainWorker(grpc::CallbackServerContext* context,
                                        const v1::DrainWorkerRequest* request,
                                        v1::DrainWorkerResponse* response) override;
  grpc::ServerUnaryReactor* PausePlan(grpc::CallbackServerContext* context,
                                      const v1::PausePlanRequest* request,
                                      v1::PausePlanResponse* response) override;
  grpc::ServerUnaryReactor* ResumePlan(grpc::CallbackServerContext* context,
                                       const v1::ResumePlanRequest* request,
                                       v1::ResumePlanResponse* response) override;
  grpc::ServerUnaryReactor* PinCheckpoint(grpc::CallbackServerContext* context,
                                          const v1::PinCheckpointRequest* request,
                                          v1::PinCheckpointResponse* response) override;
  grpc::ServerUnaryReactor* UnpinCheckpoint(grpc::CallbackServerContext* context,
                                            const v1::UnpinCheckpointRequest* request,
                                            v1::UnpinCheckpointResponse* response) override;
  grpc::ServerUnaryReactor* VerifyCheckpoint(grpc::CallbackServerContext* context,
                                             const v1::VerifyCheckpointRequest* request,
                                             v1::VerifyCheckpointResponse* response) override;
  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* context, const v1::BackupRequest* request,
                                   v1::BackupResponse* response) override;

 private:
  grpc::ServerUnaryReactor* Wish(grpc::CallbackServerContext* context, CommandBody body);

  Loop& loop_;
  StatusCache status_;
};

}  // namespace interceptor::coordinator
