// Child processes of the agent: started, listened to, stopped, reaped. Each runs in a process group of its
// own and dies with the agent (PR_SET_PDEATHSIG), so that an agent started anew never meets a trainer of the
// old one. They talk in lines of JSON over a socketpair (docs/child-protocol.md); output of theirs goes to
// the agent's stderr.
//
// Start, Send and Kill belong to one thread, which must live as long as the children: the kernel counts the
// death of the thread that forked as the parent's. Events come from a thread per child.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

struct ChildMessage {
  ChildId child = 0;
  nlohmann::json message;
};
using ChildEvent = std::variant<ChildMessage, ChildHalted, ChildExited>;

struct ChildCommand {
  std::string program;  // path
  std::vector<std::string> arguments;
};

class Children {
 public:
  // Per child: its messages in order, ChildHalted within a second of a signal that stops it or lets it go on,
  // then one ChildExited, after which nothing of it or of what it started runs.
  using Sink = std::function<void(ChildEvent)>;

  explicit Children(Sink sink);
  // Kills and reaps whatever is left.
  ~Children();

  // Appends `--control-fd 3` to the arguments. NOT_FOUND names a program that is not there.
  absl::Status Start(ChildId child, const ChildCommand& command);
  // UNAVAILABLE when the child is gone or hears no more.
  absl::Status Send(ChildId child, const nlohmann::json& command);
  // SIGKILL to the child and all of its group. Nothing for one that is gone.
  void Kill(ChildId child);
  // Call after its ChildExited: ends its thread.
  void Forget(ChildId child);

 private:
  struct Child;
  Sink sink_;
  std::map<ChildId, std::unique_ptr<Child>> children_;
};

// What waitpid says, for people: "left with exit code 1", "was killed by signal 9 (SIGKILL)".
std::string DescribeExit(int wait_status);

}  // namespace interceptor::worker
