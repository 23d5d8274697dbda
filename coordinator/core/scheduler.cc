#include "coordinator/core/scheduler.h"

#include <algorithm>
#include <set>

#include "common/base/status.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

// A member's tasks that are not done, and who holds them.
struct Group {
  std::string home;
  std::vector<std::string> open;  // held by nobody, ready to be granted
  std::vector<std::string> held;
  std::string holder_box;  // of `held`; empty when none
};

bool IsDraining(const State& state, std::string_view box) {
  const MemberFacts* member = MemberOfBox(state, box);
  return member != nullptr && member->draining;
}

// The member's own box, connected and willing; empty when there is none.
std::string HomeBox(const State& state, const std::string& member) {
  if (SessionOfMember(state, member) == 0) return "";
  const MemberFacts& facts = state.facts.members.at(member);
  return facts.draining ? "" : facts.box;
}

bool GonePastHandover(const Draft& draft, const std::optional<MonotonicTime>& gone) {
  return gone && draft.now - *gone >= draft.state.soft.plan.handover;
}

bool IsReady(const Draft& draft, const std::string& task) {
  const TaskFacts& facts = TaskOf(draft.state, task);
  const MonotonicTime* rest = FindIn(draft.state.soft.not_before, task);
  const bool resting = rest != nullptr && draft.now < *rest;
  return !facts.done && !facts.paused && !facts.holder && !resting;
}

Group MakeGroup(const Draft& draft, const std::string& home, const std::vector<std::string>& tasks) {
  Group group{.home = home, .open = {}, .held = {}, .holder_box = ""};
  for (const std::string& task : tasks) {
    const auto& holder = TaskOf(draft.state, task).holder;
    if (holder) {
      group.held.push_back(task);
      group.holder_box = holder->box;
    } else if (IsReady(draft, task)) {
      group.open.push_back(task);
    }
  }
  return group;
}

// Where a grant of the task begins.
int NextOfGrant(const State& state, const std::string& task) {
  const std::optional<RunSetBack> back = NeededSetBack(state, task);
  return back ? back->next_chunk : TaskOf(state, task).next_chunk;
}

bool HasNextChunks(const State& state, std::string_view box, const std::vector<std::string>& tasks) {
  return std::all_of(tasks.begin(), tasks.end(), [&](const std::string& task) {
    return BoxHasChunk(state, box, NextOfGrant(state, task));
  });
}

// The least loaded other training box that has the data; empty when there is none.
std::string StandIn(const State& state, const std::string& home, const std::vector<std::string>& tasks) {
  std::string best;
  int best_load = 0;
  for (const PlanMember& member : state.soft.plan.members) {
    if (member.name == home || member.specialists.empty()) continue;
    const std::string box = HomeBox(state, member.name);
    if (box.empty() || HoldsLease(state, box, LeaseState::kDead) || !HasNextChunks(state, box, tasks))
      continue;
    const int load = HeldBy(state, box);
    if (!best.empty() && load >= best_load) continue;
    best = box;
    best_load = load;
  }
  return best;
}

// Where the group's open tasks go now; empty: they wait.
std::string ChooseBox(const Draft& draft, const Group& group) {
  const State& state = draft.state;
  const std::string home = HomeBox(state, group.home);
  if (!group.held.empty()) {
    const bool there = SessionOfBox(state, group.holder_box) != 0;
    if (!there || IsDraining(state, group.holder_box)) return "";
    // On its way home: what is free waits there for its sibling.
    return group.holder_box == home || home.empty() ? group.holder_box : "";
  }
  if (!home.empty()) return home;
  if (!GonePastHandover(draft, GoneSince(state, group.home))) return "";
  return StandIn(state, group.home, group.open);
}

// Where the whole group goes when the box that holds it is dead and gone; empty: it stays.
std::string ChooseSuccessor(const Draft& draft, const Group& group) {
  const State& state = draft.state;
  const bool dead = std::all_of(group.held.begin(), group.held.end(), [&](const std::string& task) {
    return TaskOf(state, task).holder->lease_dead;
  });
  if (group.held.empty() || !dead || !GonePastHandover(draft, BoxGoneSince(state, group.holder_box)))
    return "";
  const std::string home = HomeBox(state, group.home);
  if (!home.empty()) return home;
  if (!GonePastHandover(draft, GoneSince(state, group.home))) return "";
  std::vector<std::string> tasks = group.held;
  tasks.insert(tasks.end(), group.open.begin(), group.open.end());
  return StandIn(state, group.home, tasks);
}

void Grant(Draft& draft, const std::string& task, const std::string& box) {
  const State& state = draft.state;
  const TaskFacts& facts = TaskOf(state, task);
  const std::string specialist = SpecialistOf(task);
  const Checkpoint* base = NewestCheckpoint(state, specialist);
  if (base == nullptr && NewestCommitted(state, specialist) != nullptr) {
    draft.Record(TaskFailureRecorded{{task, facts.term},
                                     absl::StatusCode::kDataLoss,
                                     "every checkpoint of it is damaged: restore one into the vault, then "
                                     "`interceptor checkpoints --verify`",
                                     true});
    return;
  }
  const int next_chunk = NextOfGrant(state, task);
  if (BoxDiffers(state, box, next_chunk)) return;
  if (const std::optional<RunSetBack> back = NeededSetBack(state, task)) draft.Record(*back);
  const TaskRef ref{task, std::max(facts.term, state.facts.term_floor) + 1};
  draft.Record(TaskGranted{.task = task,
                           .term = ref.term,
                           .member = state.soft.boxes.at(box).member,
                           .box = box,
                           .next_chunk = next_chunk,
                           .base = base == nullptr ? "" : base->id});
  draft.Note(LeaseStarted{.task = task, .now = draft.now});
  draft.Send(SessionOfBox(state, box),
             Assignment{.task = ref,
                        .next_chunk = next_chunk,
                        .base = base == nullptr ? std::nullopt : std::optional(*base),
                        .lease_ttl = state.soft.plan.lease_ttl,
                        .sampling = SamplingOf(state, task, next_chunk)});
}

void GrantGroup(Draft& draft, const Group& group) {
  const std::string successor = ChooseSuccessor(draft, group);
  const std::string box = successor.empty() ? ChooseBox(draft, group) : successor;
  if (box.empty()) return;
  if (!successor.empty()) {
    for (const std::string& task : group.held) Grant(draft, task, box);
  }
  for (const std::string& task : group.open) Grant(draft, task, box);
}

bool MayBeGranted(const TaskFacts& task) {
  return task.holder ? task.holder->lease_dead : !task.done && !task.paused;
}

// Members of which a task may be granted. One pass over the tasks: most are held and well, and in a large
// fleet a search for each by name would keep the loop from answering.
std::set<std::string> MembersWithOpenTasks(const State& state) {
  const PlanIndex& index = state.soft.index;
  std::set<std::string> members;
  for (const auto& [name, task] : state.facts.tasks) {
    if (MayBeGranted(task)) members.insert(index.home_of.at(name));
  }
  if (state.facts.tasks.size() == index.tasks.size()) return members;
  for (const auto& [name, member] : index.home_of) {  // those that never were granted
    if (!state.facts.tasks.contains(name)) members.insert(member);
  }
  return members;
}

bool AnyTouched(const Draft& draft, const std::vector<std::string>& tasks) {
  return std::ranges::any_of(tasks, [&](const auto& task) { return draft.touched.contains(task); });
}

void GrantIntegration(Draft& draft) {
  const State& state = draft.state;
  const std::string task(kIntegrateTask);
  const std::string* home = FindIn(state.soft.index.home_of, task);
  if (home == nullptr || draft.touched.contains(task)) return;
  const std::string box = HomeBox(state, *home);
  if (box.empty()) return;
  const auto& holder = TaskOf(state, task).holder;
  const bool successor = holder && holder->lease_dead && holder->box != box &&
                         GonePastHandover(draft, BoxGoneSince(state, holder->box));
  if (successor || IsReady(draft, task)) Grant(draft, task, box);
}

// A run that was done and lost its last checkpoint is open again once its own box can take it up. Until then
// a person may put the file back.
void ReopenRuns(Draft& draft) {
  const State& state = draft.state;
  for (const auto& [name, task] : state.facts.tasks) {
    if (!task.done || SpecialistOf(name).empty()) continue;
    const std::optional<RunSetBack> back = NeededSetBack(state, name);
    if (!back || HomeBox(state, state.soft.index.home_of.at(name)).empty()) continue;
    draft.Record(*back);
    draft.touched.insert(name);
  }
}

// Why the holder should let go of a run that stands at a chunk boundary; empty: it should not.
std::string ReasonToLetGo(const State& state, const std::string& task) {
  const TaskFacts& facts = TaskOf(state, task);
  const std::string& box = facts.holder->box;
  if (BoxDiffers(state, box, facts.next_chunk)) {
    return Cat("chunk ", state.soft.plan.chunks[facts.next_chunk].name, " on ", NameBox(state, box),
               " is another file than the plan's");
  }
  const std::string& member = state.soft.index.home_of.at(task);
  const std::string home = HomeBox(state, member);
  if (home.empty() || home == box) return "";
  if (!BoxHasChunk(state, home, facts.next_chunk) && BoxHasChunk(state, box, facts.next_chunk)) return "";
  return Cat("it goes home: ", member, "'s own box is back");
}

}  // namespace

void ReleaseMisplaced(Draft& draft) {
  const State& state = draft.state;
  const auto is_misplaced = [&](const std::string& task, const Lease& lease) {
    if (task == kIntegrateTask || UnsavedSteps(state, task, lease) > 0) return false;
    return SessionOfBox(state, TaskOf(state, task).holder->box) != 0 && AtChunkBoundary(state, task) &&
           !ReasonToLetGo(state, task).empty();
  };
  for (const std::string& task : HeldTasks(state, is_misplaced)) {
    if (draft.touched.contains(task)) continue;
    Release(draft, {task, TaskOf(state, task).term}, ReasonToLetGo(state, task));
  }
}

void GrantTasks(Draft& draft) {
  const State& state = draft.state;
  if (state.facts.paused || DiskIsLow(state)) return;
  ReopenRuns(draft);
  for (const std::string& member : MembersWithOpenTasks(state)) {
    const auto* tasks = FindIn(state.soft.index.group_of, member);  // none of who only integrates
    if (tasks != nullptr && !AnyTouched(draft, *tasks)) GrantGroup(draft, MakeGroup(draft, member, *tasks));
  }
  GrantIntegration(draft);
}

}  // namespace interceptor::coordinator
