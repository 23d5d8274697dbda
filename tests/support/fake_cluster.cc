#include "tests/support/fake_cluster.h"

#include <algorithm>
#include <chrono>

#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

constexpr int kPageMax = 2;

grpc::Status Unknown(const std::string& what) { return {grpc::StatusCode::NOT_FOUND, what}; }

}  // namespace

FakeCluster::~FakeCluster() {
  if (server_ != nullptr) Stop();
}

void FakeCluster::Start(const std::string& address) {
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start({.address = address, .services = {{v1::ClusterService::service_full_name(), this}}});
  ICPT_CHECK(server.ok()) << Message(server.status());
  server_ = *std::move(server);
  server_->SetServing(true);
}

void FakeCluster::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  std::lock_guard lock(mutex_);
  stopping_ = false;
}

void FakeCluster::Continue() {
  {
    std::lock_guard lock(mutex_);
    continued_ = true;
  }
  changed_.notify_all();
}

void FakeCluster::AwaitWatchers(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return watches_ >= count; });
}

std::vector<std::string> FakeCluster::mutations() const {
  std::lock_guard lock(mutex_);
  return mutations_;
}

// A synchronous handler learns of a cancelled call only by asking.
void FakeCluster::AwaitEnd(grpc::ServerContext* context) {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !continued_ && !context->IsCancelled())
    changed_.wait_for(lock, std::chrono::milliseconds(20));
}

grpc::Status FakeCluster::GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                                    v1::GetStatusResponse* response) {
  if (silent) AwaitEnd(context);
  *response = status;
  return grpc::Status::OK;
}

grpc::Status FakeCluster::WatchStatus(grpc::ServerContext* context, const v1::WatchStatusRequest*,
                                      grpc::ServerWriter<v1::GetStatusResponse>* writer) {
  for (const v1::GetStatusResponse& snapshot : snapshots) writer->Write(snapshot);
  {
    std::lock_guard lock(mutex_);
    ++watches_;
  }
  changed_.notify_all();
  if (!hold_watchers) return grpc::Status::OK;
  AwaitEnd(context);
  if (context->IsCancelled() || !continued_) return grpc::Status::CANCELLED;
  writer->Write(last_snapshot);
  return grpc::Status::OK;
}

grpc::Status FakeCluster::DescribeWorker(grpc::ServerContext*, const v1::DescribeWorkerRequest* request,
                                         v1::DescribeWorkerResponse* response) {
  if (request->member() != worker.worker().member()) return Unknown(Cat("no member ", request->member()));
  *response = worker;
  return grpc::Status::OK;
}

template <typename Items>
std::string FakeCluster::Page(const Items& all, int page_size, const std::string& token, Items* page) const {
  const int begin = token.empty() ? 0 : std::stoi(token);
  const int end = std::min({begin + page_size, begin + kPageMax, static_cast<int>(all.size())});
  for (int i = begin; i < end; ++i) *page->Add() = all[i];
  if (endless_pages) return "0";
  return end < static_cast<int>(all.size()) ? Cat(end) : std::string();
}

grpc::Status FakeCluster::ListChunks(grpc::ServerContext*, const v1::ListChunksRequest* request,
                                     v1::ListChunksResponse* response) {
  response->set_next_page_token(
      Page(chunks.chunks(), request->page_size(), request->page_token(), response->mutable_chunks()));
  return grpc::Status::OK;
}

grpc::Status FakeCluster::ListCheckpoints(grpc::ServerContext*, const v1::ListCheckpointsRequest* request,
                                          v1::ListCheckpointsResponse* response) {
  v1::ListCheckpointsResponse chosen;
  for (const v1::Checkpoint& checkpoint : checkpoints.checkpoints()) {
    const bool wanted = request->specialist().empty() || checkpoint.specialist() == request->specialist();
    if (wanted) *chosen.add_checkpoints() = checkpoint;
  }
  response->set_next_page_token(Page(chosen.checkpoints(), request->page_size(), request->page_token(),
                                     response->mutable_checkpoints()));
  return grpc::Status::OK;
}

grpc::Status FakeCluster::ListEvents(grpc::ServerContext*, const v1::ListEventsRequest* request,
                                     v1::ListEventsResponse* response) {
  v1::ListEventsResponse chosen;
  for (const v1::Event& event : events.events()) {
    if (event.subject().rfind(request->subject(), 0) == 0) *chosen.add_events() = event;
  }
  response->set_next_page_token(
      Page(chosen.events(), request->page_size(), request->page_token(), response->mutable_events()));
  return grpc::Status::OK;
}

grpc::Status FakeCluster::ListEvaluations(grpc::ServerContext*, const v1::ListEvaluationsRequest* request,
                                          v1::ListEvaluationsResponse* response) {
  v1::ListEvaluationsResponse chosen;
  for (const v1::Evaluation& evaluation : evaluations.evaluations()) {
    const bool wanted = request->specialist().empty() || evaluation.specialist() == request->specialist();
    if (wanted) *chosen.add_evaluations() = evaluation;
  }
  response->set_next_page_token(Page(chosen.evaluations(), request->page_size(), request->page_token(),
                                     response->mutable_evaluations()));
  return grpc::Status::OK;
}

grpc::Status FakeCluster::Mutation(const std::string& text, const std::string& request_id) {
  if (request_id.size() != 32) return {grpc::StatusCode::INVALID_ARGUMENT, "request_id must have 32 digits"};
  std::lock_guard lock(mutex_);
  mutations_.push_back(text);
  return grpc::Status::OK;
}

bool FakeCluster::Knows(const std::string& checkpoint) const {
  return std::any_of(checkpoints.checkpoints().begin(), checkpoints.checkpoints().end(),
                     [&](const v1::Checkpoint& c) { return c.id() == checkpoint; });
}

grpc::Status FakeCluster::DrainWorker(grpc::ServerContext*, const v1::DrainWorkerRequest* request,
                                      v1::DrainWorkerResponse*) {
  if (request->member() != worker.worker().member()) return Unknown(Cat("no member ", request->member()));
  return Mutation(Cat("drain: ", request->member()), request->request_id());
}

grpc::Status FakeCluster::PausePlan(grpc::ServerContext*, const v1::PausePlanRequest* request,
                                    v1::PausePlanResponse*) {
  return Mutation(Cat("pause: ", request->reason()), request->request_id());
}

grpc::Status FakeCluster::ResumePlan(grpc::ServerContext*, const v1::ResumePlanRequest* request,
                                     v1::ResumePlanResponse*) {
  return Mutation("resume", request->request_id());
}

grpc::Status FakeCluster::PinCheckpoint(grpc::ServerContext*, const v1::PinCheckpointRequest* request,
                                        v1::PinCheckpointResponse*) {
  if (!Knows(request->id())) return Unknown(Cat("no checkpoint ", request->id()));
  return Mutation(Cat("pin: ", request->id()), request->request_id());
}

grpc::Status FakeCluster::UnpinCheckpoint(grpc::ServerContext*, const v1::UnpinCheckpointRequest* request,
                                          v1::UnpinCheckpointResponse*) {
  if (!Knows(request->id())) return Unknown(Cat("no checkpoint ", request->id()));
  return Mutation(Cat("unpin: ", request->id()), request->request_id());
}

grpc::Status FakeCluster::VerifyCheckpoint(grpc::ServerContext*, const v1::VerifyCheckpointRequest* request,
                                           v1::VerifyCheckpointResponse* response) {
  if (!Knows(request->id())) return Unknown(Cat("no checkpoint ", request->id()));
  response->set_intact(request->id() != damaged);
  if (!response->intact()) response->set_fault("holds other bytes");
  return grpc::Status::OK;
}

grpc::Status FakeCluster::Backup(grpc::ServerContext*, const v1::BackupRequest*,
                                 v1::BackupResponse* response) {
  *response = backup;
  return grpc::Status::OK;
}

}  // namespace interceptor::coordinator
