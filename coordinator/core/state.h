// Everything the coordinator knows. `facts` is rebuilt by replaying the journal and compared by ==; `soft`
// is what a restart forgets: streams, deadlines, progress. Only Apply changes either. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/base/clock.h"
#include "coordinator/core/event.h"
#include "coordinator/core/types.h"

namespace interceptor::coordinator {

struct MemberFacts {
  std::string box;
  std::string incarnation;
  bool left = false;  // in order; another box may come at once
  bool draining = false;

  friend bool operator==(const MemberFacts&, const MemberFacts&) = default;
};

struct HolderFacts {
  std::string member;
  std::string box;
  // Still the newest term, but its time ran out: may be reclaimed, or taken over after the handover time.
  bool lease_dead = false;

  friend bool operator==(const HolderFacts&, const HolderFacts&) = default;
};

// A run that lost its newest checkpoint and is not back where it stood.
struct SetBackFacts {
  std::string base;
  std::string damaged;
  int64_t step = 0;  // of the damaged one

  friend bool operator==(const SetBackFacts&, const SetBackFacts&) = default;
};

struct TaskFacts {
  int64_t term = 0;
  std::optional<HolderFacts> holder;
  // Box of the newest term; it may still report evaluations of a task that is done.
  std::string last_box;
  // Why nobody holds it, or why its run is paused; for people.
  std::string reason;
  bool paused = false;
  bool done = false;
  int next_chunk = 0;
  // The largest next_chunk ever: what a round rests on stays when a run is set back.
  int chunks_ended = 0;
  std::optional<SetBackFacts> set_back;
  // Failures since the last checkpoint or chunk.
  int failures = 0;
  // Checkpoint the present term started from, until that term has committed one of its own.
  std::string base;

  friend bool operator==(const TaskFacts&, const TaskFacts&) = default;
};

struct ChunkFacts {
  std::string sha256;
  int64_t size_bytes = 0;
  std::optional<DataManifest> manifest;

  friend bool operator==(const ChunkFacts&, const ChunkFacts&) = default;
};

struct CheckpointFacts {
  Checkpoint checkpoint;
  bool pinned = false;
  bool damaged = false;

  friend bool operator==(const CheckpointFacts&, const CheckpointFacts&) = default;
};

using CheckpointsByStep = std::map<int64_t, CheckpointFacts>;

// The ids of accepted requests, oldest forgotten beyond kRequestsRememberedMax.
class RequestMemory {
 public:
  using Key = std::array<uint64_t, 2>;

  void Remember(const RequestMark& mark);
  // The fingerprint it was accepted with.
  std::optional<uint64_t> Find(std::string_view request_id) const;
  std::size_t size() const { return order_.size(); }

  friend bool operator==(const RequestMemory&, const RequestMemory&) = default;

 private:
  std::map<Key, uint64_t> fingerprints_;
  std::deque<Key> order_;
};

struct EvaluationKey {
  std::string specialist;
  EvaluationKind kind = EvaluationKind::kHeldOut;
  int chunk = 0;

  friend auto operator<=>(const EvaluationKey&, const EvaluationKey&) = default;
};

struct Facts {
  std::string plan_name;
  std::string plan_digest;
  int64_t events = 0;  // journaled so far
  // Nonce by number of the newest kStartsRememberedMax starts.
  std::map<int64_t, std::string> starts;
  // Starts up to this one may be of a history that this journal has lost.
  int64_t lost_through = 0;
  // Every new term is beyond it.
  int64_t term_floor = 0;
  bool paused = false;
  std::string pause_reason;
  bool finished = false;
  std::map<std::string, MemberFacts, std::less<>> members;
  std::map<std::string, TaskFacts, std::less<>> tasks;
  std::map<std::string, ChunkFacts, std::less<>> chunks;
  std::map<std::string, CheckpointsByStep, std::less<>> checkpoints;  // by specialist
  // Blobs whose removal was decided and not confirmed, with the specialist each belonged to.
  std::map<Digest, std::string> removals;
  std::map<EvaluationKey, Evaluation> evaluations;
  RequestMemory requests;

  friend bool operator==(const Facts&, const Facts&) = default;
};

struct Session {
  std::string member;
  std::string box;
  std::string incarnation;
  MonotonicTime last_seen;
  bool drain_sent = false;
  int round_announced = -1;
};

// What is known of a box since the coordinator started; stays after its stream ended.
struct BoxInfo {
  std::string member;
  std::string incarnation;
  Device device;
  Inventory chunks;
  SessionId session = 0;  // 0: not connected
  MonotonicTime left_at;  // when its last stream was last heard
};

// Soft side of a granted task. Present while somebody holds it.
struct Lease {
  MonotonicTime deadline;
  // When something last moved, and when it started.
  MonotonicTime last_progress;
  std::optional<Progress> progress = {};
  std::optional<MonotonicTime> save_asked = {};
  // Granted in this life of the coordinator: before its first report nothing was trained under it.
  bool fresh = false;
  // A checkpoint was committed since the plan was paused: the task may stop.
  bool saved_since_pause = false;
};

// The plan by name.
struct PlanIndex {
  std::vector<std::string> tasks;                            // in the plan's order, "integrate" last
  std::map<std::string, int> position_of;                    // in `tasks`
  std::set<std::string, std::less<>> members;                // all of them
  std::map<std::string, std::string, std::less<>> home_of;   // member by task
  std::map<std::string, std::vector<std::string>> group_of;  // train tasks by member
  std::map<std::string, int, std::less<>> chunks;            // index by name
};
PlanIndex MakePlanIndex(const PlanFacts& plan);

// Reading a kept checkpoint's blob back from the disk.
struct BlobCheck {
  MonotonicTime asked;
  bool intact = false;  // since its specialist's newest commit
};

struct Soft {
  bool started = false;
  PlanFacts plan;
  PlanIndex index;
  MonotonicTime started_at;
  // Absence is counted from here at the earliest: the start, or the end of the coordinator's own absence.
  MonotonicTime watching_since;
  absl::Time started_wall = absl::UnixEpoch();
  MonotonicTime last_tick;
  std::map<SessionId, Session> sessions;
  std::map<std::string, BoxInfo, std::less<>> boxes;
  std::map<std::string, Lease, std::less<>> leases;
  // Tasks that failed: not granted before.
  std::map<std::string, MonotonicTime> not_before;
  // Last value seen under a term that ended, for people; of a running task its lease has it.
  std::map<std::string, Progress> last_progress;
  std::map<Digest, MonotonicTime> removals_sent;
  std::map<Digest, BlobCheck> checks;
  int64_t free_bytes = -1;  // not measured yet
  int64_t vault_bytes = 0;
  // The facts by box, kept with them: who stands for a box (who last did, when that one left), and what it
  // holds.
  std::map<std::string, std::string, std::less<>> member_of_box;
  std::map<std::string, std::set<std::string>, std::less<>> held_by;
};

struct State {
  Facts facts;
  Soft soft;
};

// What `map` has under `key`; null when it has nothing.
template <typename Map>
auto* FindIn(Map& map, const auto& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

// The only mutation. Cannot fail: an event that contradicts the state is our own bug and aborts.
void Apply(State& state, const Event& event);

}  // namespace interceptor::coordinator
