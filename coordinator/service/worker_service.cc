#include "coordinator/service/worker_service.h"

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/plan/plan.h"
#include "common/rpc/status_bridge.h"
#include "coordinator/service/convert.h"
#include "coordinator/service/service_fields.h"

namespace interceptor::coordinator {
namespace {

// A worker that reads nothing while so much is said to it is gone.
constexpr size_t kOutboxMax = 4096;

// One stream. gRPC calls the On... functions one at a time for reads and one at a time for writes; the loop
// calls Send and Close. Reads and the end are started under the lock, which is safe because reactions never run
// inside the call that starts them. Writes are started after it: most are done, and their reaction waits for the
// lock, before that call returns.
class WorkerStream : public grpc::ServerBidiReactor<v1::WorkerUpdate, v1::Directive>,
                     public SessionSink,
                     public std::enable_shared_from_this<WorkerStream> {
 public:
  WorkerStream(Loop& loop, const v1::Plan& plan, const std::string& plan_digest)
      : loop_(loop), plan_(plan), plan_digest_(plan_digest) {}

  // Keeps itself alive until OnDone.
  void Begin() {
    self_ = shared_from_this();
    StartRead(&update_);
  }

  void Send(const Directive& directive) override { Write(ToProto(directive)); }

  void Close(const absl::Status& status) override {
    absl::MutexLock lock(&mutex_);
    CloseLocked(status);
  }

  void OnReadDone(bool ok) override {
    const absl::Status handled = ok ? Handle() : absl::OkStatus();
    absl::MutexLock lock(&mutex_);
    if (!ok || !handled.ok()) {
      // Without a reader nothing that is still queued would be acted on.
      CloseLocked(handled);
    } else if (!finished_) {
      StartRead(&update_);
    }
  }

  void OnWriteDone(bool ok) override {
    const v1::Directive* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      outbox_.pop_front();
      if (!ok) outbox_.clear();
      if (outbox_.empty()) {
        if (closing_.has_value()) FinishNow();
        return;
      }
      next = &outbox_.front();
    }
    StartWrite(next);
  }

  void OnDone() override {
    const std::shared_ptr<WorkerStream> self = std::move(self_);
    if (session_ != 0) loop_.EndSession(session_);
  }

 private:
  void Write(v1::Directive directive) {
    const v1::Directive* first = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      if (closing_.has_value()) return;
      if (outbox_.size() >= kOutboxMax) {
        return CloseLocked(ResourceExhausted("this worker left ", outbox_.size(),
                                             " directives unread; the limit is ", kOutboxMax));
      }
      outbox_.push_back(std::move(directive));
      if (outbox_.size() > 1) return;
      first = &outbox_.front();
    }
    StartWrite(first);
  }

  // Ends the stream once all is written.
  void CloseLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (closing_.has_value()) return;
    closing_ = status;
    if (outbox_.empty()) FinishNow();
  }

  void FinishNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    finished_ = true;
    Finish(ToGrpcStatus(*closing_));
  }

  // An error ends the stream.
  absl::Status Handle() {
    if (update_.number() <= last_number_) {
      return InvalidArgument("update.number is ", update_.number(), ", allowed: more than ", last_number_);
    }
    last_number_ = update_.number();
    if (session_ == 0 && !update_.has_hello()) return InvalidArgument("the first update must be hello");
    switch (update_.update_case()) {
      case v1::WorkerUpdate::kHello:
        return HandleHello();
      case v1::WorkerUpdate::kProgress:
        return Tell(ProgressReported{session_, update_.number(), FromProto(update_.progress())});
      case v1::WorkerUpdate::kInventory:
        // A worker says it again only when it changes or at the next hello: one that is lost ends the stream.
        return Tell(InventoryReported{session_, FromProto(update_.inventory())}, /*may_be_lost=*/false);
      case v1::WorkerUpdate::kGoodbye:
        return Tell(Goodbye{session_, update_.goodbye().reason()});
      case v1::WorkerUpdate::kDataManifest:
        return Mutate<ManifestProposed>(update_.data_manifest());
      case v1::WorkerUpdate::kCheckpoint:
        return Mutate<CheckpointProposed>(update_.checkpoint());
      case v1::WorkerUpdate::kEvaluation:
        return Mutate<EvaluationReported>(update_.evaluation());
      case v1::WorkerUpdate::kChunkFinished:
        return Mutate<ChunkFinished>(update_.chunk_finished());
      case v1::WorkerUpdate::kTaskFailed:
        return Mutate<TaskFailed>(update_.task_failed());
      case v1::WorkerUpdate::UPDATE_NOT_SET:
        break;
    }
    return InvalidArgument("update ", update_.number(),
                           " is empty or of a kind this coordinator does not know");
  }

  absl::Status HandleHello() {
    if (session_ != 0) return InvalidArgument("hello comes once, as the first update");
    session_ = loop_.NewSession(shared_from_this());
    loop_.Submit(SessionOpened{session_, FromProto(update_.hello())},
                 [self = shared_from_this()](absl::StatusOr<Reply> reply) {
                   if (!reply.ok()) return self->Close(reply.status());
                   self->Write(ToProto(std::get<Welcome>(*reply), self->plan_, self->plan_digest_));
                 });
    return absl::OkStatus();
  }

  // For updates that nobody waits for: an error says that the stream cannot go on, unless it will pass and the
  // update `may_be_lost`.
  absl::Status Tell(CommandBody body, bool may_be_lost = true) {
    loop_.Submit(std::move(body),
                 [self = shared_from_this(), may_be_lost](const absl::StatusOr<Reply>& reply) {
                   if (reply.ok() || (may_be_lost && absl::IsResourceExhausted(reply.status()))) return;
                   self->Close(reply.status());
                 });
    return absl::OkStatus();
  }

  // Each is answered by itself; none ends the stream.
  template <typename Mutation>
  absl::Status Mutate(const google::protobuf::Message& message) {
    Mutation mutation;
    const absl::Status read = Read(message, mutation);
    mutation.session = session_;
    const auto answer = [self = shared_from_this(), id = mutation.request_id](const auto& reply) {
      self->Answer(id, reply);
    };
    if (read.ok()) {
      loop_.Submit(std::move(mutation),
                   [answer](const absl::StatusOr<Reply>& reply) { answer(reply.status()); });
    } else {
      answer(read);
    }
    return absl::OkStatus();
  }

  void Answer(const std::string& request_id, const absl::Status& status) {
    v1::Directive directive;
    if (status.ok()) {
      directive.mutable_accepted()->set_request_id(request_id);
    } else {
      directive.mutable_rejected()->set_request_id(request_id);
      directive.mutable_rejected()->set_code(static_cast<int>(status.code()));
      directive.mutable_rejected()->set_text(Message(status));
    }
    Write(std::move(directive));
  }

  Loop& loop_;
  const v1::Plan& plan_;
  const std::string& plan_digest_;
  std::shared_ptr<WorkerStream> self_;

  // Reading side; reads come one at a time.
  v1::WorkerUpdate update_;
  int64_t last_number_ = 0;
  SessionId session_ = 0;

  absl::Mutex mutex_;
  std::deque<v1::Directive> outbox_ ABSL_GUARDED_BY(mutex_);  // the first one is being written
  std::optional<absl::Status> closing_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

WorkerService::WorkerService(Loop& loop, v1::Plan plan)
    : loop_(loop), plan_digest_(PlanDigest(plan)), plan_(std::move(plan)) {
  plan_.clear_members();
}

grpc::ServerBidiReactor<v1::WorkerUpdate, v1::Directive>* WorkerService::Attach(
    grpc::CallbackServerContext*) {
  auto stream = std::make_shared<WorkerStream>(loop_, plan_, plan_digest_);
  stream->Begin();
  return stream.get();
}

}  // namespace interceptor::coordinator
