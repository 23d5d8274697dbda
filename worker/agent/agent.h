// The agent: it feeds the session (worker/session/session.h) with what the coordinator, the children and the
// disk say, and does what the session asks for. One loop thread owns session, children and store; helper
// threads read the stream, watch children, move blobs and hash zips, and talk to the loop through one bounded
// queue.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "worker/agent/agent_options.h"

namespace interceptor::worker {

class Agent {
 public:
  explicit Agent(AgentOptions options);
  ~Agent();

  // Works until it is stopped, drained or refused. Call once, from a thread that outlives the call: children
  // die with it. OK after leaving in order; else what a person must fix, in one line.
  absl::Status Run();

  // Saves and leaves in order; a second call hurries. Any thread.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace interceptor::worker
