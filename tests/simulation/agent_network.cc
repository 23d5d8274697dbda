// The agent's side of the network: the stream and its reconnects (worker/agent/coordinator_client), uploads
// and downloads (worker/agent/blob_transfer).
#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/box.h"

namespace interceptor::simulation {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(1);
constexpr int kUploadAttemptsMax = 5;
constexpr int64_t kUploadParts = 3;

absl::Duration ReconnectPause(int attempt, double draw) {
  const absl::Duration full =
      std::min(absl::Milliseconds(200) * (1 << std::clamp(attempt, 0, 10)), absl::Seconds(10));
  return full * (0.5 + 0.5 * draw);
}

bool IsFinal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) || absl::IsAborted(status) ||
         absl::IsUnimplemented(status);
}

}  // namespace

// --- the stream ---

void AgentHost::TryConnect() {
  const Link& link = box_.link();
  const Process& server = box_.coordinator().process();
  if (link.open() && server.alive() && !server.paused()) {
    process_.Post(box_.link().Delay(), [this] { OpenStream(); });
  } else {
    process_.Post(kConnectLimit, [this] { RetryLater(); });
  }
}

void AgentHost::RetryLater() {
  process_.Post(ReconnectPause(attempt_++, draws_.Uniform()), [this] { TryConnect(); });
}

void AgentHost::OpenStream() {
  CoordinatorHost& host = box_.coordinator();
  if (!box_.link().open() || !host.process().alive()) return RetryLater();
  auto connection = std::make_shared<Connection>();
  connection->up = std::make_shared<Pipe>(box_.world(), box_.link(), Way::kUp);
  connection->down = std::make_shared<Pipe>(box_.world(), box_.link(), Way::kDown);
  const std::weak_ptr<Connection> weak = connection;
  const auto guarded = [this, weak, life = process_.life()](std::function<void()> run) {
    process_.RunIn(life, [this, weak, run = std::move(run)] {
      if (connection_ != nullptr && connection_ == weak.lock()) run();
    });
  };
  connection->on_directive = [this, guarded](const Directive& directive) {
    guarded([this, directive] {
      heard_ = true;
      OnDirective(directive);
    });
  };
  connection->on_end = [this, guarded](const absl::Status& status) {
    guarded([this, status] { OnStreamEnd(status); });
  };
  connection_ = connection;
  server_ = host.Attach(connection);
  heard_ = said_hello_ = false;
  last_number_ = 0;
  Feed(worker::Connected{});
}

void AgentHost::Do(const worker::SendHello& hello) {
  Send({0, HelloUpdate{{box_.member(), box_.id(), incarnation_, last_coordinator_}, hello}});
}

void AgentHost::Send(Update update) {
  if (connection_ == nullptr) return;
  const bool hello = std::holds_alternative<HelloUpdate>(update.body);
  if (!said_hello_ && !hello) return;
  said_hello_ = true;
  update.number = ++last_number_;
  CoordinatorHost& host = box_.coordinator();
  connection_->up->Send([&host, server = server_, life = host.process().life(), update = std::move(update)] {
    host.process().RunIn(life, [server, update] { server->OnUpdate(update); });
  });
}

void AgentHost::OnStreamEnd(const absl::Status& status) {
  connection_->up->Break(nullptr);
  connection_.reset();
  process_.Tell(Cat("out of touch: ", status));
  if (heard_) attempt_ = 0;
  const int life = process_.life();
  Feed(worker::Disconnected{});
  if (life != process_.life()) return;
  if (IsFinal(status)) return LeaveWith(status);
  RetryLater();
}

void AgentHost::LoseConnection(Loss loss) {
  if (connection_ == nullptr) return;
  CoordinatorHost& host = box_.coordinator();
  const auto end = [&host, server = server_, life = host.process().life()] {
    host.process().RunIn(life, [server] { server->OnEnd(); });
  };
  connection_->up->Break(loss == Loss::kReset ? std::function<void()>(end) : nullptr);
  if (loss == Loss::kBothGave) end();
  process_.RunIn(process_.life(), [this, lost = connection_] {
    if (connection_ == lost) OnStreamEnd(Unavailable("connection lost"));
  });
}

// --- blobs ---

void AgentHost::Do(const worker::UploadBlob& upload) {
  uploads_.push_back(upload);
  if (uploads_.size() == 1) Upload();
}

// A turn of one upload: asks what is there and goes on behind it.
void AgentHost::Upload() {
  const worker::UploadBlob upload = uploads_.front();
  upload_attempts_ = 0;
  const auto file = box_.disk().files.find(upload.path);
  if (file == box_.disk().files.end()) {
    process_.Post(absl::ZeroDuration(), [this, upload] { Uploaded(NotFound("no file ", upload.path)); });
    return;
  }
  uploading_ = file->second;
  UploadPart(-1);
}

// With a negative offset the vault is asked for it first.
void AgentHost::UploadPart(int64_t offset) {
  CoordinatorHost& host = box_.coordinator();
  const Digest blob = uploads_.front().blob;
  auto next = std::make_shared<int64_t>(offset);
  const auto serve = [&host, blob, next, body = uploading_](const Reply& reply) {
    if (host.vault().Has(blob)) {
      *next = blob.size_bytes;
      return reply(absl::OkStatus());
    }
    if (*next < 0) {
      *next = host.vault().Query(blob);
      return reply(absl::OkStatus());
    }
    const int64_t bytes = std::min(blob.size_bytes / kUploadParts + 1, blob.size_bytes - *next);
    const absl::Status status = host.Receive({blob, body, *next, bytes, host.machine().WallTime()});
    if (status.ok()) *next += bytes;
    reply(status);
  };
  Ask(box_.world(),
      {box_.link(), process_, host.process(), serve, [this, blob, next](const absl::Status& status) {
         if (status.ok() && *next >= blob.size_bytes) return Uploaded(status);
         if (status.ok()) return UploadPart(*next);
         const bool again =
             absl::IsOutOfRange(status) || absl::IsDataLoss(status) || absl::IsUnavailable(status);
         if (!again || ++upload_attempts_ >= kUploadAttemptsMax) return Uploaded(status);
         UploadPart(-1);
       }});
}

void AgentHost::Uploaded(const absl::Status& status) {
  const worker::UploadBlob upload = uploads_.front();
  uploads_.pop_front();
  process_.Tell(Cat("uploaded ", upload.path, " ", upload.blob.hex.substr(0, 8), ": ", status));
  if (!uploads_.empty()) Upload();
  Feed(worker::BlobUploaded{upload.blob, status});
}

void AgentHost::Do(const worker::FetchBlob& fetch) {
  downloads_.push_back({fetch.blob, BasePath(fetch.specialist, fetch.blob), fetch.specialist, ""});
  if (downloads_.size() == 1) Download();
}

void AgentHost::Do(const worker::FetchTable& fetch) {
  const std::string name = Cat(fetch.chunk, "-", fetch.specialist, ".csv");
  downloads_.push_back({fetch.blob, Cat("results/tables/", name), "", Cat("score table ", name)});
  if (downloads_.size() == 1) Download();
}

void AgentHost::Fetch(const Digest& blob, const std::string& base_of,
                      std::function<void(absl::StatusOr<BodyPtr>)> done) {
  CoordinatorHost& host = box_.coordinator();
  auto body = std::make_shared<absl::StatusOr<BodyPtr>>(Unavailable("nothing came"));
  Ask(box_.world(), {box_.link(), process_, host.process(),
                     [&box = box_, &host, blob, base_of, body](const Reply& reply) {
                       *body = host.vault().Read(blob);
                       // Judged here: by the time the answer arrives a person may have put the blob back.
                       if (!base_of.empty() && absl::IsNotFound(body->status()))
                         box.OnBaseMissing(blob, base_of);
                       reply(body->status());
                     },
                     [body, done = std::move(done)](const absl::Status& status) {
                       if (!status.ok()) return done(status);
                       done(*body);
                     }});
}

void AgentHost::Download() {
  const Wanted wanted = downloads_.front();
  Fetch(wanted.blob, wanted.base_of, [this, wanted](const absl::StatusOr<BodyPtr>& body) {
    downloads_.pop_front();
    if (absl::IsNotFound(body.status()) && !wanted.table_text.empty())
      box_.world().Violate("I18 what is committed is in the vault", wanted.table_text);
    absl::Status status = body.status();
    if (status.ok() && box_.disk().full) status = ResourceExhausted("the disk is full");
    if (status.ok()) box_.disk().files[wanted.path] = *body;
    process_.Tell(Cat("fetched ", wanted.blob.hex.substr(0, 8), ": ", status));
    if (!downloads_.empty()) Download();
    Feed(worker::BlobFetched{wanted.blob, status, wanted.path});
  });
}

}  // namespace interceptor::simulation
