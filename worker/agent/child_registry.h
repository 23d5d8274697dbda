// The agent's children by what they are for: which program with which arguments, and by when one that was asked
// to leave must be gone. One thread, the one that may start children (worker/agent/children.h).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "worker/agent/agent_options.h"
#include "worker/agent/children.h"
#include "worker/child_protocol/messages.h"

namespace interceptor::worker {

enum class ChildKind { kPreparer, kTrainer, kIntegrator };

struct RegisteredChild {
  ChildKind kind = ChildKind::kPreparer;
  std::string subject;  // a trainer's specialist, else the chunk
  std::optional<MonotonicTime> kill_at = std::nullopt;

  // "interceptor-train BG"
  std::string Name() const;
};

class ChildRegistry {
 public:
  ChildRegistry(const AgentOptions& options, Children::Sink sink)
      : options_(options), children_(std::move(sink)) {}

  // NOT_FOUND names a program that is not there.
  absl::Status Start(const StartPreparer& start, const std::string& zip);
  absl::Status Start(const StartTrainer& start);
  absl::Status Start(const StartIntegrator& start, uint64_t seed);

  // These do nothing for a child that is gone.
  void Send(ChildId child, const Command& command);
  void Stop(const StopChild& stop, MonotonicTime now);
  void Kill(ChildId child) { children_.Kill(child); }

  // Everybody must be gone soon.
  void Hurry(MonotonicTime now);
  void KillOverdue(MonotonicTime now);
  // When KillOverdue has something to do.
  std::optional<MonotonicTime> NextKill() const;

  // Null for one that is gone.
  const RegisteredChild* Find(ChildId child) const;
  // Call once after a child's ChildExited. Nothing for one that never started.
  std::optional<RegisteredChild> Remove(ChildId child);

 private:
  absl::Status Start(ChildId id, RegisteredChild child, std::vector<std::string> arguments);

  const AgentOptions& options_;
  Children children_;
  std::map<ChildId, RegisteredChild> alive_;
};

}  // namespace interceptor::worker
