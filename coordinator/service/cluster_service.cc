#include "coordinator/service/cluster_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/status_bridge.h"
#include "coordinator/service/status_watch.h"

namespace interceptor::coordinator {
namespace {

using Context = ClusterService::Context;
using Reactor = ClusterService::Reactor;

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

Reactor* AnswerNow(Context* context, const absl::Status& status) {
  Reactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// One page of those of `values` that `wanted` holds for, and where the next begins.
template <typename Request, typename Response, typename Item>
absl::Status Fill(const Request& request, Response& response, Item* (Response::*add)(), const auto& values,
                  const auto& wanted) {
  ICPT_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  int64_t index = 0;
  for (const auto& value : values) {
    if (!wanted(value) || index++ < page.begin) continue;
    if (index > page.begin + page.size) {
      response.set_next_page_token(Cat(page.begin + page.size));
      break;
    }
    *(response.*add)() = ToProto(value);
  }
  return absl::OkStatus();
}

// Whether `specialist` is the one that the request asks for, or it asks for all.
bool IsAskedFor(const auto& request, const std::string& specialist) {
  return request.specialist().empty() || specialist == request.specialist();
}

}  // namespace

Reactor* ClusterService::GetStatus(Context* context, const v1::GetStatusRequest*,
                                   v1::GetStatusResponse* response) {
  *response = *status_.Newest();
  return AnswerNow(context, absl::OkStatus());
}

grpc::ServerWriteReactor<v1::GetStatusResponse>* ClusterService::WatchStatus(Context*,
                                                                             const v1::WatchStatusRequest*) {
  return NewStatusWatch(loop_, status_);
}

Reactor* ClusterService::DescribeWorker(Context* context, const v1::DescribeWorkerRequest* request,
                                        v1::DescribeWorkerResponse* response) {
  const StatusCache::Message status = status_.Newest();
  const auto& workers = status->workers();
  const auto worker = std::ranges::find(workers, request->member(), &v1::WorkerStatus::member);
  if (worker == workers.end()) {
    return AnswerNow(context, NotFound("member '", request->member(), "' is not in the plan"));
  }
  *response->mutable_worker() = *worker;
  for (const v1::TaskStatus& task : status->tasks()) {
    if (task.home_member() == worker->member() || task.holder_member() == worker->member()) {
      *response->add_tasks() = task;
    }
  }
  Reactor* reactor = context->DefaultReactor();
  loop_.ReadEvents({.before = 0, .subject_prefix = worker->member(), .limit = kEventsOfWorker},
                   [reactor, response](const absl::StatusOr<std::vector<NumberedFact>>& events) {
                     if (!events.ok()) return reactor->Finish(ToGrpcStatus(events.status()));
                     for (const NumberedFact& event : *events)
                       *response->add_recent_events() = ToProto(event);
                     reactor->Finish(grpc::Status::OK);
                   });
  return reactor;
}

Reactor* ClusterService::ListChunks(Context* context, const v1::ListChunksRequest* request,
                                    v1::ListChunksResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto all = [](const ChunkView&) { return true; };
  return AnswerNow(
      context, Fill(*request, *response, &v1::ListChunksResponse::add_chunks, snapshot->view.chunks, all));
}

Reactor* ClusterService::ListCheckpoints(Context* context, const v1::ListCheckpointsRequest* request,
                                         v1::ListCheckpointsResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto wanted = [&](const CheckpointFacts& facts) {
    return IsAskedFor(*request, facts.checkpoint.specialist);
  };
  return AnswerNow(context, Fill(*request, *response, &v1::ListCheckpointsResponse::add_checkpoints,
                                 snapshot->view.checkpoints, wanted));
}

Reactor* ClusterService::ListEvaluations(Context* context, const v1::ListEvaluationsRequest* request,
                                         v1::ListEvaluationsResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto wanted = [&](const Evaluation& evaluation) {
    return IsAskedFor(*request, evaluation.specialist);
  };
  return AnswerNow(context, Fill(*request, *response, &v1::ListEvaluationsResponse::add_evaluations,
                                 snapshot->view.evaluations, wanted));
}

Reactor* ClusterService::ListEvents(Context* context, const v1::ListEventsRequest* request,
                                    v1::ListEventsResponse* response) {
  const absl::StatusOr<Page> page = ParsePage(request->page_size(), request->page_token());
  if (!page.ok()) return AnswerNow(context, page.status());
  Reactor* reactor = context->DefaultReactor();
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

Reactor* ClusterService::Wish(Context* context, CommandBody body) {
  Reactor* reactor = context->DefaultReactor();
  loop_.Submit(std::move(body), [reactor](const absl::StatusOr<Reply>& reply) {
    reactor->Finish(ToGrpcStatus(reply.status()));
  });
  return reactor;
}

Reactor* ClusterService::DrainWorker(Context* context, const v1::DrainWorkerRequest* request,
                                     v1::DrainWorkerResponse*) {
  return Wish(context, coordinator::DrainWorker{request->request_id(), request->member()});
}

Reactor* ClusterService::PausePlan(Context* context, const v1::PausePlanRequest* request,
                                   v1::PausePlanResponse*) {
  return Wish(context, coordinator::PausePlan{request->request_id(), request->reason()});
}

Reactor* ClusterService::ResumePlan(Context* context, const v1::ResumePlanRequest* request,
                                    v1::ResumePlanResponse*) {
  return Wish(context, coordinator::ResumePlan{request->request_id()});
}

Reactor* ClusterService::PinCheckpoint(Context* context, const v1::PinCheckpointRequest* request,
                                       v1::PinCheckpointResponse*) {
  return Wish(context, coordinator::PinCheckpoint{request->request_id(), request->id()});
}

Reactor* ClusterService::UnpinCheckpoint(Context* context, const v1::UnpinCheckpointRequest* request,
                                         v1::UnpinCheckpointResponse*) {
  return Wish(context, coordinator::UnpinCheckpoint{request->request_id(), request->id()});
}

Reactor* ClusterService::VerifyCheckpoint(Context* context, const v1::VerifyCheckpointRequest* request,
                                          v1::VerifyCheckpointResponse* response) {
  const std::shared_ptr<const Snapshot> snapshot = loop_.snapshot();
  const auto& all = snapshot->view.checkpoints;
  const auto found = std::find_if(all.begin(), all.end(), [&](const CheckpointFacts& view) {
    return view.checkpoint.id == request->id();
  });
  if (found == all.end()) {
    return AnswerNow(context, NotFound("checkpoint '", CleanText(request->id()), "' is not there"));
  }
  Reactor* reactor = context->DefaultReactor();
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

Reactor* ClusterService::Backup(Context* context, const v1::BackupRequest*, v1::BackupResponse* response) {
  Reactor* reactor = context->DefaultReactor();
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
