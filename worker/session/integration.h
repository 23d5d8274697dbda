// The integrating task on this box: one round after the other has its score tables fetched, is joined by a
// child process, and is reported. Pure values; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "worker/session/outbox.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

class Integration {
 public:
  Integration(const Assigned& assigned, std::string nonce);

  const TaskRef& task() const { return task_; }
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }

  // The same work goes on under another term: no round that was joined here is asked for again, but for those
  // whose end is still to be reported.
  bool Continues(const Assigned& assigned) const { return assigned.next_chunk <= next_round_; }
  void Renew(const Assigned& assigned);
  // `name`: the chunk's.
  void OnRoundReady(const Round& round, const std::string& name);

  // Asks for the next score table of the first round that is ready.
  void FetchTables(MonotonicTime now, SessionOutputs& out);
  // Every table of a round is here, and no child joins it yet.
  bool WantsChild(MonotonicTime now) const;
  void StartChild(ChildId child, SessionOutputs& out);
  // The child shall leave; its round is joined when the task is taken up again.
  void StopChild(SessionOutputs& out);

  void On(const BlobFetched& fetched, MonotonicTime now, SessionOutputs& out);
  // REQUIRES of these: child() said it, or it was said of child().
  void On(const IntegratorMoved& moved, MonotonicTime now, SessionOutputs& out);
  void On(const RoundJoined& joined, MonotonicTime now, SessionOutputs& out);
  void On(const ChildFailed& failed, MonotonicTime, SessionOutputs&) { failure_ = failed.failure; }
  void On(const ChildHalted& halted, MonotonicTime now, SessionOutputs& out);
  void On(const ChildExited& exited, MonotonicTime now, SessionOutputs& out);

  ChildId child() const { return child_; }  // 0: none
  // While it works the lease is renewed by what moves; else nothing can stand still.
  bool IsWorking() const { return fetching_ || child_ != 0; }
  void Bump() { ++activity_; }
  Progress Report() const;
  std::optional<MonotonicTime> NextWake() const { return not_before_; }

 private:
  struct Joining {
    Round round;
    std::string name;
    size_t tables = 0;  // that are here
  };
  void TryAgain(const std::string& why, bool disk_full, MonotonicTime now, SessionOutputs& out);

  TaskRef task_;
  int next_round_ = 0;             // first one that is not joined yet
  std::map<int, Joining> rounds_;  // ready, by chunk; the first one is under way
  bool fetching_ = false;
  ChildId child_ = 0;
  bool stopping_ = false;           // the child was asked to leave
  bool joined_ = false;             // the child has done its work
  int64_t done_ = 0;                // by the child
  std::optional<Failure> failure_;  // of the child
  int consecutive_failures_ = 0;
  std::optional<MonotonicTime> not_before_;
  std::string trouble_;
  int64_t activity_ = 0;
  Outbox outbox_;
};

}  // namespace interceptor::worker
