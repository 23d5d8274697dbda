// Who the trainer answers to: an agent over a socket (docs/child-protocol.md), or a person at a terminal. The
// trainer says the same events to both and does not know which it is. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/child_protocol/messages.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

class Control {
 public:
  virtual ~Control() = default;
  virtual void Emit(const TrainerEvent& event) = 0;
  // The next order, waited for; nothing when the trainer shall leave. `next_chunk` is where the model stands;
  // the chunk before it is ordered when its scores are pending.
  virtual absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next_chunk) = 0;
  // Looked at after every step. True after a stop signal, "stop" or when the agent is gone.
  virtual bool StopRequested() = 0;
  // True from a request to publish a checkpoint until one is captured.
  virtual bool SaveRequested() = 0;
};

// Stop signals (common/base/stop_signals.h) ask the trainer to stop. Call once, in main.
void WatchStopSignals();

// Takes over `fd`.
std::unique_ptr<Control> MakeAgentControl(int fd);

// Goes through settings.chunks by itself, renders events on stderr, asks for a checkpoint every
// settings.checkpoints.period_seconds and keeps the newest settings.checkpoints.keep_latest.
std::unique_ptr<Control> MakeAloneControl(const FileSystem& files, const RunSettings& settings,
                                          const std::string& run_folder);

}  // namespace interceptor::worker
