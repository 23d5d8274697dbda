// The agent's children by what they are for: which program with which arguments, what each is told, and by
// when one that was told to leave must be gone. One thread, the one that may start children
// (worker/agent/children.h).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "worker/agent/agent.h"
#include "worker/agent/children.h"
#include "worker/child_protocol/messages.h"

namespace interceptor::worker {

// One child: a trainer has a specialist, a preparer a chunk.
struct CrewMember {
  std::string specialist;
  std::string chunk;
  std::optional<MonotonicTime> kill_at;

  bool IsTrainer() const { return chunk.empty(); }
  // "interceptor-train BG"
  std::string Name() const;
};

class Crew {
 public:
  Crew(const AgentOptions& options, Children::Sink sink) : options_(options), children_(std::move(sink)) {}

  // NOT_FOUND names a program that is not there.
  absl::Status Start(const StartPreparer& start, const std::string& zip);
  absl::Status Start(const StartTrainer& start);

  // These do nothing for a child that is gone.
  void Tell(ChildId child, const Command& command);
  void Stop(const StopChild& stop, MonotonicTime now);
  void Kill(ChildId child) { children_.Kill(child); }

  // Everybody must be gone soon.
  void Hurry(MonotonicTime now);
  void KillOverdue(MonotonicTime now);
  // When KillOverdue has something to do.
  std::optional<MonotonicTime> NextKill() const;

  // Null for one that is gone.
  const CrewMember* Find(ChildId child) const;
  // Call once after a child's ChildExited. Nothing for one that never started.
  std::optional<CrewMember> Dismiss(ChildId child);

 private:
  absl::Status Start(ChildId child, CrewMember member, const ChildCommand& command);

  const AgentOptions& options_;
  Children children_;
  std::map<ChildId, CrewMember> alive_;
};

}  // namespace interceptor::worker
