// The agent's stream to the coordinator. A thread of its own connects, reads and connects again with growing,
// jittered pauses; another one writes, so that nobody who sends ever waits for the network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "interceptor/v1/worker_service.pb.h"

namespace interceptor::worker {

// A stream is open. What is sent to it begins with hello.
struct StreamOpened {
  int64_t stream = 0;
};
// It ended and will be opened again.
struct StreamClosed {
  absl::Status status;
};
// The coordinator will not have this worker: nothing is tried again.
struct StreamRefused {
  absl::Status status;
};
using StreamEvent = std::variant<StreamOpened, v1::Directive, StreamClosed, StreamRefused>;

class CoordinatorClient {
 public:
  // Called on the client's thread, one event at a time.
  using Sink = std::function<void(StreamEvent)>;

  CoordinatorClient(const std::string& address, Sink sink);
  // Breaks the stream off.
  ~CoordinatorClient();

  // Numbers the update and queues it for that stream; dropped when it is over, which the sender may not have
  // read yet. Any thread.
  void Send(int64_t stream, v1::WorkerUpdate update);

  // Breaks the stream off, to be opened again after a pause.
  void Drop(int64_t stream);

  // Sends what is queued, waits for the coordinator to end the stream, for at most `patience`, and stops.
  void Finish(absl::Duration patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The pause before the nth attempt in a row: 0.2 s doubled up to 10 s, times 0.5 to 1 by `draw` in [0, 1).
absl::Duration ReconnectPause(int attempt, double draw);

}  // namespace interceptor::worker
