#include "worker/agent/coordinator_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "common/base/bounded_queue.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/steady_wait.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "interceptor/v1/worker_service.grpc.pb.h"

namespace interceptor::worker {
namespace {

// Far above what a session sends between two reports; a stream that takes less is as good as broken.
constexpr size_t kUnwrittenMax = 1000;

bool IsFinal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) || absl::IsAborted(status) ||
         absl::IsUnimplemented(status);
}

}  // namespace

absl::Duration ReconnectPause(int attempt, double draw) {
  const absl::Duration full =
      std::min(absl::Milliseconds(200) * (1 << std::clamp(attempt, 0, 10)), absl::Seconds(10));
  return full * (0.5 + 0.5 * draw);
}

struct CoordinatorClient::Impl {
  // One attempt at a stream: its context, what is to be written, and who writes it.
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerUpdate, v1::Directive>> calls;
    BoundedQueue<v1::WorkerUpdate> unwritten{kUnwrittenMax};
    int64_t id = 0;
    int64_t updates = 0;
  };

  Impl(const std::string& address, Sink sink)
      : sink(std::move(sink)), channel(NewChannel(address)), stub(v1::WorkerService::NewStub(channel)) {}

  const Sink sink;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::WorkerService::Stub> stub;
  absl::Mutex mutex;
  std::shared_ptr<Stream> stream ABSL_GUARDED_BY(mutex);
  int64_t streams = 0;          // the reader's
  SteadyNotification stopping;  // notified under the mutex: a stream that begins after it is cancelled
  SteadyNotification ended;
  std::thread reader;

  static void WriteAll(Stream& stream) {
    while (auto update = stream.unwritten.Pop()) {
      if (!stream.calls->Write(*update)) {
        stream.unwritten.Close();
        return;
      }
    }
    stream.calls->WritesDone();
  }

  // One stream from its opening to its end. True when the coordinator answered.
  bool RunStream(absl::Status& status) {
    auto current = std::make_shared<Stream>();
    current->id = ++streams;
    // Not under the mutex: this may wait for the network.
    current->calls = stub->Attach(&current->context);
    {
      absl::MutexLock lock(&mutex);
      stream = current;
      if (stopping.HasBeenNotified()) current->context.TryCancel();
    }
    sink(StreamOpened{current->id});
    std::thread writer([&current] { WriteAll(*current); });
    bool heard = false;
    v1::Directive directive;
    while (current->calls->Read(&directive)) {
      heard = true;
      sink(directive);
    }
    current->unwritten.Close();
    {
      absl::MutexLock lock(&mutex);
      stream.reset();
    }
    // The call is over, so a write under way fails; cancelling now would hide the coordinator's reason.
    writer.join();
    status = FromGrpcStatus(current->calls->Finish());
    return heard;
  }

  void Run() {
    const RandomKey jitter = MakeRandomKey(0, NewId());
    uint64_t pauses = 0;
    bool logged_waiting = false;
    for (int attempt = 0; !stopping.HasBeenNotified(); ++attempt) {
      const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(1);
      if (!channel->WaitForConnected(deadline)) {
        if (!std::exchange(logged_waiting, true)) ICPT_LOG(kWarning) << "no coordinator yet; trying on";
        stopping.Await(ReconnectPause(attempt, RandomUniform(jitter, pauses++)));
        continue;
      }
      logged_waiting = false;
      absl::Status status;
      if (RunStream(status)) attempt = 0;
      if (stopping.HasBeenNotified()) break;
      if (IsFinal(status)) {
        sink(StreamRefused{status});
        break;
      }
      sink(StreamClosed{status});
      stopping.Await(ReconnectPause(attempt, RandomUniform(jitter, pauses++)));
    }
    ended.Notify();
  }
};

CoordinatorClient::CoordinatorClient(const std::string& address, Sink sink)
    : impl_(std::make_unique<Impl>(address, std::move(sink))) {
  impl_->reader = std::thread([this] { impl_->Run(); });
}

CoordinatorClient::~CoordinatorClient() { Finish(absl::ZeroDuration()); }

void CoordinatorClient::Send(int64_t stream, v1::WorkerUpdate update) {
  absl::MutexLock lock(&impl_->mutex);
  Impl::Stream* current = impl_->stream.get();
  if (current == nullptr || current->id != stream) return;
  update.set_number(++current->updates);
  if (!current->unwritten.TryPush(std::move(update))) current->context.TryCancel();
}

void CoordinatorClient::Drop(int64_t stream) {
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->stream != nullptr && impl_->stream->id == stream) impl_->stream->context.TryCancel();
}

void CoordinatorClient::Finish(absl::Duration patience) {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping.Notify();
    if (impl_->stream != nullptr) impl_->stream->unwritten.Close();
  }
  if (!impl_->ended.Await(patience)) {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->stream != nullptr) impl_->stream->context.TryCancel();
  }
  if (impl_->reader.joinable()) impl_->reader.join();
}

}  // namespace interceptor::worker
