#include "tests/support/scripted_worker.h"

#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"

namespace interceptor {
namespace {

// A zip's digest that every scripted box agrees on.
std::string ChunkDigest(int chunk) { return DigestOf(Cat("zip ", chunk)).hex; }

template <typename Message>
std::string Identify(Message& message) {
  if (message.request_id().empty()) message.set_request_id(NewId());
  return message.request_id();
}

}  // namespace

ScriptedWorker::ScriptedWorker(const std::string& address)
    : stub_(v1::WorkerService::NewStub(NewChannel(address))), stream_(stub_->Attach(&context_)) {
  reader_ = std::thread([this] { ReadAll(); });
}

ScriptedWorker::~ScriptedWorker() {
  context_.TryCancel();
  reader_.join();
}

void ScriptedWorker::ReadAll() {
  v1::Directive directive;
  while (stream_->Read(&directive)) directives_.TryPush(directive);
  end_ = FromGrpcStatus(stream_->Finish());
  directives_.Close();
}

v1::Hello ScriptedWorker::MakeHello(const std::string& member, const std::string& box, int chunks) {
  v1::Hello hello;
  hello.set_protocol(1);
  hello.set_member(member);
  hello.set_box(box);
  hello.set_incarnation(NewId());
  hello.mutable_device()->set_name("cpu");
  for (int i = 0; i < chunks; ++i) {
    v1::ChunkOnBox& chunk = *hello.mutable_inventory()->add_chunks();
    chunk.set_chunk(Cat("0", i));
    chunk.set_size_bytes(1000 + i);
    chunk.set_sha256(ChunkDigest(i));
  }
  return hello;
}

absl::StatusOr<v1::Welcome> ScriptedWorker::Attach(const v1::Hello& hello) {
  v1::WorkerUpdate update;
  *update.mutable_hello() = hello;
  Send(std::move(update));
  ICPT_ASSIGN_OR_RETURN(v1::Directive directive, Await(v1::Directive::kWelcome));
  return std::move(*directive.mutable_welcome());
}

void ScriptedWorker::Send(v1::WorkerUpdate update) {
  update.set_number(++last_number_);
  // A broken stream shows in what is read.
  (void)stream_->Write(update);
}

absl::StatusOr<v1::Directive> ScriptedWorker::Await(v1::Directive::DirectiveCase kind) {
  const absl::Time deadline = absl::Now() + kTestDeadline;
  while (true) {
    std::optional<v1::Directive> directive = directives_.Pop(deadline - absl::Now());
    if (!directive.has_value()) {
      if (absl::Now() >= deadline)
        return absl::DeadlineExceededError(Cat("no directive of kind ", kind, " came"));
      return end_.ok() ? Unavailable("the stream ended with OK") : end_;
    }
    if (directive->directive_case() == kind) return *std::move(directive);
  }
}

absl::Status ScriptedWorker::AwaitEnd() {
  const absl::Time deadline = absl::Now() + kTestDeadline;
  while (directives_.Pop(deadline - absl::Now()).has_value()) {
  }
  if (absl::Now() >= deadline) return absl::DeadlineExceededError("the stream goes on");
  return end_;
}

absl::Status ScriptedWorker::Leave() {
  stream_->WritesDone();
  return AwaitEnd();
}

absl::StatusOr<v1::Assignment> ScriptedWorker::AwaitAssignment(const std::string& task,
                                                               const std::vector<v1::TaskRef>& working) {
  const absl::Time deadline = absl::Now() + kTestDeadline;
  while (absl::Now() < deadline) {
    for (const v1::TaskRef& one : working) SendProgress(one, ++activity_);
    const absl::Time next_report = working.empty() ? deadline : absl::Now() + absl::Milliseconds(200);
    while (std::optional<v1::Directive> directive = directives_.Pop(next_report - absl::Now())) {
      if (directive->has_assignment() && directive->assignment().task().task() == task) {
        return std::move(*directive->mutable_assignment());
      }
    }
    if (absl::Now() < next_report) return end_.ok() ? Unavailable("the stream ended with OK") : end_;
  }
  return absl::DeadlineExceededError(Cat("no assignment of ", task, " came"));
}

absl::Status ScriptedWorker::AwaitAnswer(const std::string& request_id) {
  const absl::Time deadline = absl::Now() + kTestDeadline;
  while (std::optional<v1::Directive> directive = directives_.Pop(deadline - absl::Now())) {
    if (directive->has_accepted() && directive->accepted().request_id() == request_id)
      return absl::OkStatus();
    if (directive->has_rejected() && directive->rejected().request_id() == request_id) {
      return absl::Status(static_cast<absl::StatusCode>(directive->rejected().code()),
                          directive->rejected().text());
    }
  }
  if (absl::Now() >= deadline) return absl::DeadlineExceededError("no answer came");
  return Annotate(end_, "the stream ended");
}

absl::Status ScriptedWorker::Propose(v1::DataManifestProposal proposal) {
  const std::string id = Identify(proposal);
  v1::WorkerUpdate update;
  *update.mutable_data_manifest() = std::move(proposal);
  Send(std::move(update));
  return AwaitAnswer(id);
}

absl::Status ScriptedWorker::Propose(v1::CheckpointProposal proposal) {
  const std::string id = Identify(proposal);
  v1::WorkerUpdate update;
  *update.mutable_checkpoint() = std::move(proposal);
  Send(std::move(update));
  return AwaitAnswer(id);
}

absl::Status ScriptedWorker::Report(v1::EvaluationReport report) {
  const std::string id = Identify(report);
  v1::WorkerUpdate update;
  *update.mutable_evaluation() = std::move(report);
  Send(std::move(update));
  return AwaitAnswer(id);
}

absl::Status ScriptedWorker::Finish(v1::ChunkFinished finished) {
  const std::string id = Identify(finished);
  v1::WorkerUpdate update;
  *update.mutable_chunk_finished() = std::move(finished);
  Send(std::move(update));
  return AwaitAnswer(id);
}

absl::Status ScriptedWorker::Fail(v1::TaskFailed failed) {
  const std::string id = Identify(failed);
  v1::WorkerUpdate update;
  *update.mutable_task_failed() = std::move(failed);
  Send(std::move(update));
  return AwaitAnswer(id);
}

void ScriptedWorker::SendProgress(const v1::TaskRef& task, int64_t activity, double training_seconds) {
  v1::WorkerUpdate update;
  v1::Progress& progress = *update.mutable_progress();
  *progress.mutable_task() = task;
  progress.set_phase(v1::PHASE_TRAINING);
  progress.set_activity(activity);
  progress.set_step(activity);
  progress.set_training_seconds(training_seconds);
  Send(std::move(update));
}

v1::Digest ToProtoDigest(const Digest& digest) {
  v1::Digest out;
  out.set_sha256(digest.hex);
  out.set_size_bytes(digest.size_bytes);
  return out;
}

absl::Status UploadBlob(const std::string& address, const Digest& blob, std::string_view bytes,
                        int64_t offset, int64_t part_bytes, int64_t bytes_max) {
  const auto stub = v1::CheckpointService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  v1::WriteBlobResponse response;
  const auto writer = stub->WriteBlob(&context, &response);
  v1::WriteBlobRequest request;
  *request.mutable_blob() = ToProtoDigest(blob);
  request.set_offset(offset);
  int64_t sent = 0;
  do {
    request.set_data(std::string(bytes.substr(offset + sent, part_bytes)));
    sent += static_cast<int64_t>(request.data().size());
    if (!writer->Write(request)) break;
    request.clear_blob();
    request.clear_offset();
  } while (offset + sent < static_cast<int64_t>(bytes.size()) && sent < bytes_max);
  writer->WritesDone();
  return FromGrpcStatus(writer->Finish());
}

absl::StatusOr<std::string> DownloadBlob(const std::string& address, const Digest& blob, int64_t offset) {
  const auto stub = v1::CheckpointService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  v1::ReadBlobRequest request;
  *request.mutable_blob() = ToProtoDigest(blob);
  request.set_offset(offset);
  const auto reader = stub->ReadBlob(&context, request);
  v1::ReadBlobResponse part;
  std::string bytes;
  while (reader->Read(&part)) bytes += part.data();
  ICPT_RETURN_IF_ERROR(FromGrpcStatus(reader->Finish()));
  return bytes;
}

absl::StatusOr<v1::GetStatusResponse> GetStatus(const std::string& address) {
  const auto stub = v1::ClusterService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  context.set_wait_for_ready(true);
  v1::GetStatusResponse response;
  ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub->GetStatus(&context, {}, &response)));
  return response;
}

absl::StatusOr<v1::GetStatusResponse> AwaitStatus(
    const std::string& address, const std::function<bool(const v1::GetStatusResponse&)>& wanted) {
  const auto stub = v1::ClusterService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  const auto reader = stub->WatchStatus(&context, {});
  v1::GetStatusResponse response;
  while (reader->Read(&response)) {
    if (!wanted(response)) continue;
    context.TryCancel();
    (void)reader->Finish();
    return response;
  }
  return FromGrpcStatus(reader->Finish());
}

}  // namespace interceptor
