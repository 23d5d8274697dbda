#include "coordinator/core/apply_soft.h"

#include <utility>

#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

// Only chunks of the plan are kept, so an inventory is bounded by it.
Inventory PlanChunksOf(const State& state, const std::vector<ChunkOnBox>& chunks) {
  std::vector<ChunkOnBox> kept;
  for (const ChunkOnBox& chunk : chunks) {
    if (!state.soft.index.chunks.contains(chunk.chunk)) continue;
    kept.push_back(chunk);
    kept.back().problem = CleanText(chunk.problem);
  }
  return std::make_shared<const std::vector<ChunkOnBox>>(std::move(kept));
}

void MakeRoomForBox(Soft& soft) {
  if (soft.boxes.size() < static_cast<std::size_t>(kBoxesMax)) return;
  auto oldest = soft.boxes.end();
  for (auto it = soft.boxes.begin(); it != soft.boxes.end(); ++it) {
    if (it->second.session != 0) continue;
    if (oldest == soft.boxes.end() || it->second.left_at < oldest->second.left_at) oldest = it;
  }
  if (oldest != soft.boxes.end()) soft.boxes.erase(oldest);
}

struct SoftApplier {
  State& state;
  Soft& soft;

  void Seen(SessionId id, MonotonicTime now) {
    if (Session* session = FindIn(soft.sessions, id)) session->last_seen = now;
  }

  void RunAnew(Lease& lease, MonotonicTime now) {
    lease.deadline = now + soft.plan.lease_ttl;
    lease.last_progress = now;
  }

  void operator()(const PlanLoaded& e) {
    soft.started = true;
    soft.plan = e.plan;
    soft.index = MakePlanIndex(e.plan);
    soft.started_at = e.now;
    soft.started_wall = e.wall_time;
    soft.watching_since = e.now;
    soft.last_tick = e.now;
    for (const auto& [name, task] : state.facts.tasks) {
      if (!task.holder) continue;
      const MonotonicTime deadline = task.holder->lease_dead ? e.now : e.now + e.plan.lease_ttl;
      soft.leases[name] = {.deadline = deadline, .last_progress = e.now};
    }
  }

  void operator()(const SessionStarted& e) {
    const Hello& hello = e.hello;
    soft.sessions[e.session] = {
        .member = hello.member, .box = hello.box, .incarnation = hello.incarnation, .last_seen = e.now};
    if (!soft.boxes.contains(hello.box)) MakeRoomForBox(soft);
    soft.boxes[hello.box] = {.member = hello.member,
                             .incarnation = hello.incarnation,
                             .device = {CleanText(hello.device.name), CleanText(hello.device.model)},
                             .chunks = PlanChunksOf(state, hello.chunks),
                             .session = e.session};
  }

  void operator()(const SessionEnded& e) {
    const Session* session = FindIn(soft.sessions, e.session);
    if (session == nullptr) return;
    BoxInfo& box = soft.boxes[session->box];
    box.left_at = session->last_seen;
    if (box.session == e.session) box.session = 0;
    soft.sessions.erase(e.session);
  }

  void operator()(const SessionSeen& e) { Seen(e.session, e.now); }

  void operator()(const InventoryNoted& e) {
    const Session* session = FindIn(soft.sessions, e.session);
    if (session != nullptr) soft.boxes[session->box].chunks = PlanChunksOf(state, e.chunks);
  }

  void operator()(const LeaseStarted& e) {
    soft.leases[e.task] = {.deadline = e.now + soft.plan.lease_ttl, .last_progress = e.now, .fresh = true};
  }

  void operator()(const LeaseResumed& e) {
    Lease* lease = FindIn(soft.leases, e.task);
    if (lease == nullptr) return;
    RunAnew(*lease, e.now);
    lease->save_asked.reset();
  }

  void operator()(const LeaseRenewed& e) {
    if (Lease* lease = FindIn(soft.leases, e.task)) RunAnew(*lease, e.now);
  }

  void operator()(const RetryPostponed& e) { soft.not_before[e.task] = e.until; }

  void operator()(const LeasesRefreshed& e) {
    soft.watching_since = e.now;
    for (auto& [name, lease] : soft.leases) {
      const std::optional<HolderFacts>& holder = TaskOf(state, name).holder;
      if (holder && !holder->lease_dead) RunAnew(lease, e.now);
    }
    for (auto& [id, session] : soft.sessions) session.last_seen = e.now;
  }

  void operator()(const ProgressNoted& e) {
    Seen(e.session, e.now);
    Lease* lease = FindIn(soft.leases, e.progress.task.task);
    if (lease == nullptr) return;
    lease->progress = e.progress;
    if (e.renews) RunAnew(*lease, e.now);
  }

  void operator()(const SaveAsked& e) {
    if (Lease* lease = FindIn(soft.leases, e.task)) lease->save_asked = e.now;
  }

  void operator()(const RoundAnnounced& e) {
    if (Session* session = FindIn(soft.sessions, e.session)) session->round_announced = e.chunk;
  }

  void operator()(const DrainSent& e) {
    if (Session* session = FindIn(soft.sessions, e.session)) session->drain_sent = true;
  }

  void operator()(const RemovalSent& e) { soft.removals_sent[e.blob] = e.now; }

  void operator()(const CheckSent& e) { soft.checks[e.blob] = {.asked = e.now}; }

  void operator()(const BlobFoundIntact& e) {
    if (BlobCheck* check = FindIn(soft.checks, e.blob)) check->intact = true;
  }

  void operator()(const SpaceNoted& e) {
    soft.free_bytes = e.free_bytes;
    soft.vault_bytes = e.vault_bytes;
  }

  void operator()(const TickNoted& e) { soft.last_tick = e.now; }
};

}  // namespace

PlanIndex MakePlanIndex(const PlanFacts& plan) {
  PlanIndex index;
  std::string integrator;
  for (const PlanMember& member : plan.members) {
    index.members.insert(member.name);
    for (const std::string& specialist : member.specialists) {
      index.tasks.push_back(TrainTask(specialist));
      index.home_of[index.tasks.back()] = member.name;
      index.group_of[member.name].push_back(index.tasks.back());
    }
    if (member.integrates) integrator = member.name;
  }
  if (!integrator.empty()) {
    index.tasks.emplace_back(kIntegrateTask);
    index.home_of[index.tasks.back()] = integrator;
  }
  for (std::size_t i = 0; i < index.tasks.size(); ++i)
    index.position_of[index.tasks[i]] = static_cast<int>(i);
  for (std::size_t i = 0; i < plan.chunks.size(); ++i)
    index.chunks[plan.chunks[i].name] = static_cast<int>(i);
  return index;
}

void ApplySoft(State& state, const SoftEvent& event) { std::visit(SoftApplier{state, state.soft}, event); }

}  // namespace interceptor::coordinator
