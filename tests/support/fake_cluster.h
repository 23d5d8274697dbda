// Tests only: a coordinator as the network shows it, with canned answers, behind the real server.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/rpc/server.h"
#include "interceptor/v1/cluster_service.grpc.pb.h"

namespace interceptor::coordinator {

class FakeCluster : public v1::ClusterService::Service {
 public:
  // What is answered. Set before Start; lists are cut into pages of two.
  v1::GetStatusResponse status;
  v1::ListChunksResponse chunks;
  v1::ListCheckpointsResponse checkpoints;
  v1::ListEventsResponse events;
  v1::ListEvaluationsResponse evaluations;
  v1::DescribeWorkerResponse worker;
  v1::BackupResponse backup;
  std::string damaged;  // id of the checkpoint that is
  // Sent one after the other to each watcher; then the stream stays open until Continue, the watcher or the
  // server ends it, or it ends by itself.
  std::vector<v1::GetStatusResponse> snapshots;
  bool hold_watchers = true;
  // Sent after Continue.
  v1::GetStatusResponse last_snapshot;
  // GetStatus never answers.
  bool silent = false;
  // Pages carry the same token for ever.
  bool endless_pages = false;

  ~FakeCluster() override;

  // "127.0.0.1:0" or "unix:PATH".
  void Start(const std::string& address);
  const std::string& address() const { return server_->address(); }
  void Stop();
  // Lets every watcher that waits go on.
  void Continue();
  // Waits until all snapshots have been sent on `count` streams, one after the other or at once.
  void AwaitWatchers(int count);

  // The mutations that arrived, as "pause: reason".
  std::vector<std::string> mutations() const;

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override;
  grpc::Status WatchStatus(grpc::ServerContext* context, const v1::WatchStatusRequest* request,
                           grpc::ServerWriter<v1::GetStatusResponse>* writer) override;
  grpc::Status DescribeWorker(grpc::ServerContext* context, const v1::DescribeWorkerRequest* request,
                              v1::DescribeWorkerResponse* response) override;
  grpc::Status ListChunks(grpc::ServerContext* context, const v1::ListChunksRequest* request,
                          v1::ListChunksResponse* response) override;
  grpc::Status ListCheckpoints(grpc::ServerContext* context, const v1::ListCheckpointsRequest* request,
                               v1::ListCheckpointsResponse* response) override;
  grpc::Status VerifyCheckpoint(grpc::ServerContext* context, const v1::VerifyCheckpointRequest* request,
                                v1::VerifyCheckpointResponse* response) override;
  grpc::Status Backup(grpc::ServerContext* context, const v1::BackupRequest* request,
                      v1::BackupResponse* response) override;
  grpc::Status ListEvents(grpc::ServerContext* context, const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* response) override;
  grpc::Status ListEvaluations(grpc::ServerContext* context, const v1::ListEvaluationsRequest* request,
                               v1::ListEvaluationsResponse* response) override;
  grpc::Status DrainWorker(grpc::ServerContext* context, const v1::DrainWorkerRequest* request,
                           v1::DrainWorkerResponse* response) override;
  grpc::Status PausePlan(grpc::ServerContext* context, const v1::PausePlanRequest* request,
                         v1::PausePlanResponse* response) override;
  grpc::Status ResumePlan(grpc::ServerContext* context, const v1::ResumePlanRequest* request,
                          v1::ResumePlanResponse* response) override;
  grpc::Status PinCheckpoint(grpc::ServerContext* context, const v1::PinCheckpointRequest* request,
                             v1::PinCheckpointResponse* response) override;
  grpc::Status UnpinCheckpoint(grpc::ServerContext* context, const v1::UnpinCheckpointRequest* request,
                               v1::UnpinCheckpointResponse* response) override;

 private:
  template <typename Items>
  std::string Page(const Items& all, int page_size, const std::string& token, Items* page) const;
  grpc::Status Mutation(const std::string& text, const std::string& request_id);
  bool Knows(const std::string& checkpoint) const;
  void AwaitEnd(grpc::ServerContext* context);

  std::unique_ptr<Server> server_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> mutations_;
  int watches_ = 0;
  bool continued_ = false;
  bool stopping_ = false;
};

}  // namespace interceptor::coordinator
