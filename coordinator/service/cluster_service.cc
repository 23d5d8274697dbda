#include "coordinator/service/cluster_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/status_bridge.h"
#include "coordinator/service/status_watch.h"

namespace interceptor::coordinator {
namespace {

constexpr int kPageUsual = 100;
constexpr int kPageMax = 1000;
constexpr int kEventsOfWorker = 20;

// Where a page begins and how long it is. Tokens are numbers; people should not count on that.
struct Page {
  int64_t begin = 0;
  int size = kPageUsual;
};

absl::StatusOr<Page> ParsePage(int page_size, const std::string& token) {
  Page page;
  if (page_size < 0) return InvalidArgument("page_size is ", page_size, ", allowed: 0 to ", kPageMax);
  if (page_size > 0) page.size = std::min(page_size, kPageMax);
  if (token.empty()) return page;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), page.begin);
  if (error != std::errc() || end != token.data() + token.size() || page.begin < 0) {
    return InvalidArgument("page_token '", token, "' is not one that this coordinator gave");
  }
  return page;
}

grpc::ServerUnaryReactor* AnswerNow(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// One page of those of `items` that `wanted` holds for, through `add`; sets the response's next_page_token.
template <typename Request, typename Response, typename Items, typename Wanted, typename Add>
absl::Status Fill(const Request& request, Response& response, const Items& items, const Wanted& wanted,
                  const Add& add) {
  ICPT_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  int64_t index = 0;
  for (const auto& item : items) {
    if (!wanted(item) || index++ < page.begin) continue;
    if (index > page.begin + page.size) {
      response.set_next_page_token(Cat(page.begin + page.size));
      break;
    }
    add(item);
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* ClusterService::GetStatus(grpc::CallbackServerContext* context,
                                                    const v1::GetStatusRequest*,
                                                    v1::GetStatusResponse* response) {
  *response = *status_.Newest();
  return AnswerNow(context, absl::OkStatus());
}

grpc::ServerWriteReactor<v1::GetStatusResponse>* ClusterService::WatchStatus(grpc::CallbackServerContext*,
                                                                             const v1::WatchStatusRequest*) {
  return NewStatusWatch(loop_, status_);
}

grpc::ServerUnaryReactor* ClusterService::DescribeWorker(grpc::CallbackServerContext* context,
                                                         const v1::DescribeWorkerRequest* request,
                                                         v1::DescribeWorkerResponse* response) {
  const StatusCache::Message status = status_.Newest();
  const auto& workers = status->workers();
  const auto worker = std::find_if(workers.begin(), workers.end(), [&](const v1::WorkerStatus& w) {
    return w.member() == request->member();
  });
  if (worker == workers.end()) {
    return AnswerNow(context, NotFound("member '", request->member(), "' is not in the plan"));
  }
  *response->mutable_worker() = *worker;
  for (const v1::TaskStatus& task : status->tasks()) {
    if (task.home_member() == worker->member() || task.holder_member() == worker->member()) {
      *response->add_tasks() = task;
    }
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_.ReadEvents({.before = 0, .subject_prefix = worker->member(), .limit = kEventsOfWorker},
                   [reactor, response](const absl::StatusOr<std::vector<NumberedFact>>& events) {
                     if (!events.ok()) return reactor->Finish(ToGrpcStatus(events.status()));
                     for (const NumberedFact& event : *events)
                       *response->add_recent_events() = ToProto(event);
                     reactor->Finish(grpc::Status::OK);
                   });
  return reactor;
}

grpc::ServerUnaryReactor* ClusterService::ListChunks(grpc::CallbackServerContext* context,
                                                     const v1::ListChunksRequest* request,
                                                     v1::ListChunksResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  return AnswerNow(context,
                   Fill(
                       *request, *response, snapshot->view.chunks, [](const ChunkView&) { return true; },
                       [&](const ChunkView& chunk) { *response->add_chunks() = ToProto(chunk); }));
}

grpc::ServerUnaryReactor* ClusterService::ListCheckpoints(grpc::CallbackServerContext* context,
                                                          const v1::ListCheckpointsRequest* request,
                                                          v1::ListCheckpointsResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto wanted = [&](const CheckpointView& view) {
    return request->specialist().empty() || view.checkpoint.specialist == request->specialist();
  };
  return AnswerNow(context,
                   Fill(*request, *response, snapshot->view.checkpoints, wanted,
                        [&](const CheckpointView& view) { *response->add_checkpoints() = ToProto(view); }));
}

grpc::ServerUnaryReactor* ClusterService::ListEvaluations(grpc::CallbackServerContext* context,
                                                          const v1::ListEvaluationsRequest* request,
                                                          v1::ListEvaluationsResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto wanted = [&](const Evaluation& evaluation) {
    return request->specialist().empty() || evaluation.specialist == request->specialist();
  };
  return AnswerNow(context, Fill(*request, *response, snapshot->view.evaluations, wanted,
                                 [&](const Evaluation& evaluation) {
                                   *response->add_evaluations() = ToProto(evaluation);
                                 }));
}

grpc::ServerUnaryReactor* ClusterService::ListEvents(grpc::CallbackServerContext* context,
                                                     const v1::ListEventsRequest* request,
                                                     v1::ListEventsResponse* response) {
  const absl::StatusOr<Page> page = ParsePage(request->page_size(), request->page_token());
  if (!page.ok()) return AnswerNow(context, page.status());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // One more than asked for says whether there is a next page.
  loop_.ReadEvents({.before = page->begin, .subject_prefix = request->subject(), .limit = page->size + 1},
                   [reactor, response, size = static_cast<size_t>(page->size)](
                       const absl::StatusOr<std::vector<NumberedFact>>& events) {
                     if (!events.ok()) return reactor->Finish(ToGrpcStatus(events.status()));
                     for (size_t i = 0; i < std::min(size, events->size()); ++i) {
                       *response->add_events() = ToProto((*events)[i]);
                     }
                     if (events->size() > size)
                       response->set_next_page_token(Cat((*events)[size - 1].number));
                     reactor->Finish(grpc::Status::OK);
                   });
  return reactor;
}

grpc::ServerUnaryReactor* ClusterService::Wish(grpc::CallbackServerContext* context, CommandBody body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_.Submit(std::move(body), [reactor](const absl::StatusOr<Reply>& reply) {
    reactor->Finish(ToGrpcStatus(reply.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* ClusterService::DrainWorker(grpc::CallbackServerContext* context,
                                                      const v1::DrainWorkerRequest* request,
                                                      v1::DrainWorkerResponse*) {
  return Wish(context, coordinator::DrainWorker{request->request_id(), request->member()});
}

grpc::ServerUnaryReactor* ClusterService::PausePlan(grpc::CallbackServerContext* context,
                                                    const v1::PausePlanRequest* request,
                                                    v1::PausePlanResponse*) {
  return Wish(context, coordinator::PausePlan{request->request_id(), request->reason()});
}

grpc::ServerUnaryReactor* ClusterService::ResumePlan(grpc::CallbackServerContext* context,
                                                     const v1::ResumePlanRequest* request,
                                                     v1::ResumePlanResponse*) {
  return Wish(context, coordinator::ResumePlan{request->request_id()});
}

grpc::ServerUnaryReactor* ClusterService::PinCheckpoint(grpc::CallbackServerContext* context,
                                                        const v1::PinCheckpointRequest* request,
                                                        v1::PinCheckpointResponse*) {
  return Wish(context, coordinator::PinCheckpoint{request->request_id(), request->id()});
}

grpc::ServerUnaryReactor* ClusterService::UnpinCheckpoint(grpc::CallbackServerContext* context,
                                                          const v1::UnpinCheckpointRequest* request,
                                                          v1::UnpinCheckpointResponse*) {
  return Wish(context, coordinator::UnpinCheckpoint{request->request_id(), request->id()});
}

grpc::ServerUnaryReactor* ClusterService::VerifyCheckpoint(grpc::CallbackServerContext* context,
                                                           const v1::VerifyCheckpointRequest* request,
                                                           v1::VerifyCheckpointResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto& all = snapshot->view.checkpoints;
  const auto found = std::find_if(all.begin(), all.end(), [&](const CheckpointView& view) {
    return view.checkpoint.id == request->id();
  });
  if (found == all.end()) {
    return AnswerNow(context, NotFound("checkpoint '", CleanText(request->id()), "' is not there"));
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_.VerifyBlob(found->checkpoint.blob, [reactor, response](const absl::Status& status) {
    response->set_intact(status.ok());
    if (status.ok() || absl::IsNotFound(status) || absl::IsDataLoss(status)) {
      response->set_fault(Message(status));
      reactor->Finish(grpc::Status::OK);
    } else {
      reactor->Finish(ToGrpcStatus(status));
    }
  });
  return reactor;
}

grpc::ServerUnaryReactor* ClusterService::Backup(grpc::CallbackServerContext* context,
                                                 const v1::BackupRequest*, v1::BackupResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_.MakeBackup([reactor, response](const absl::StatusOr<BackupReport>& report) {
    if (!report.ok()) return reactor->Finish(ToGrpcStatus(report.status()));
    response->set_folder(report->folder);
    response->set_events(report->events);
    response->set_blobs(report->blobs);
    response->set_blob_bytes(report->blob_bytes);
    response->set_missing(report->missing);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace interceptor::coordinator
