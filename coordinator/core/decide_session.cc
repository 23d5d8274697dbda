// Boxes come and go. A box is the identity of a work folder; the same one coming back takes over its own
// work at once, another one under the same name must wait until the first is surely gone.
#include <algorithm>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/history.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

absl::Status CheckHello(const State& state, const Hello& hello) {
  if (hello.protocol != kProtocolVersion) {
    return FailedPrecondition("this worker speaks protocol ", hello.protocol, ", the coordinator speaks ",
                              kProtocolVersion, ": run the same version on both");
  }
  if (!state.soft.index.members.contains(hello.member)) {
    std::string names;
    for (const PlanMember& member : state.soft.plan.members) {
      if (names.size() > kTextBytesMax) break;
      names += (names.empty() ? "" : ", ") + member.name;
    }
    return InvalidArgument("member '", CleanText(hello.member), "' is not in plan '", state.soft.plan.name,
                           "', its members are: ", CleanText(names));
  }
  ICPT_RETURN_IF_ERROR(ValidateName("hello.box", hello.box));
  ICPT_RETURN_IF_ERROR(ValidateName("hello.incarnation", hello.incarnation));
  ICPT_RETURN_IF_ERROR(CheckInventory(hello.chunks));
  if (hello.held.size() > static_cast<std::size_t>(kHeldTasksMax)) {
    return InvalidArgument("hello.held has ", hello.held.size(), " tasks, allowed: ", kHeldTasksMax);
  }
  const int64_t seen = hello.last_coordinator.incarnation.number;
  const int64_t most = NewestStart(state.facts).number + kStartsLostMax;
  if (seen < 0 || seen > most) {
    return InvalidArgument("hello.last_coordinator.number is ", seen, ", allowed: 0 to ", most);
  }
  return absl::OkStatus();
}

absl::Status CheckRoom(const State& state) {
  const int sessions = static_cast<int>(state.soft.sessions.size()) + 1;
  const absl::Duration ttl = state.soft.plan.lease_ttl;
  if (sessions > kSessionsMax) {
    return ResourceExhausted("sessions: ", sessions, ", allowed: ", kSessionsMax);
  }
  if (ReportInterval(sessions, ttl) * kReportsPerLease > ttl) {
    return ResourceExhausted("sessions: ", sessions, ": too many reports for leases of ",
                             absl::FormatDuration(ttl),
                             "; a plan with a longer lease_ttl_seconds takes more");
  }
  return absl::OkStatus();
}

// OK when nobody else stands for the member, or the one who did is gone for the handover time.
absl::Status CheckClaim(const State& state, const Hello& hello, MonotonicTime now) {
  const std::string* stands = FindIn(state.soft.member_of_box, hello.box);
  if (stands != nullptr && *stands != hello.member && !state.facts.members.at(*stands).left) {
    return FailedPrecondition("this work folder (box ", hello.box, ") stands for member '", *stands,
                              "': give '", hello.member, "' a --work folder of its own");
  }
  const MemberFacts* first = FindIn(state.facts.members, hello.member);
  if (first == nullptr || first->box == hello.box || first->left) return absl::OkStatus();
  const std::optional<MonotonicTime> gone = BoxGoneSince(state, first->box);
  if (!gone) {
    return FailedPrecondition("member '", hello.member, "' is held by box ", first->box,
                              ", which is connected: stop that worker first");
  }
  const absl::Duration left = state.soft.plan.handover - (now - *gone);
  if (left > absl::ZeroDuration() || HoldsLease(state, first->box, LeaseState::kAlive)) {
    return FailedPrecondition("member '", hello.member, "' is held by box ", first->box,
                              ", which is away: start that one again, or wait ",
                              absl::FormatDuration(std::max(left, absl::Seconds(1))), " for the handover");
  }
  return absl::OkStatus();
}

// Sessions this one replaces: an older stream of the box, or of the box it takes the name from.
void CloseOlder(Draft& draft, const SessionOpened& command) {
  const SessionId older = SessionOfBox(draft.state, command.hello.box);
  if (older == 0) return;
  draft.Note(SessionEnded{.session = older, .now = draft.now});
  draft.Do(CloseSession{older, Aborted("a newer stream of box ", command.hello.box, " took over")});
}

bool SaysItHolds(const Hello& hello, const TaskRef& ref) {
  return std::find(hello.held.begin(), hello.held.end(), ref) != hello.held.end();
}

void DropAll(Draft& draft, const SessionOpened& command, const std::string& reason) {
  for (const TaskRef& ref : command.hello.held) draft.Send(command.session, Drop{ref, reason});
}

void TakeOverOwnTasks(Draft& draft, const SessionOpened& command, bool same_plan) {
  const State& state = draft.state;
  const Hello& hello = command.hello;
  if (same_plan) {
    for (const TaskRef& ref : hello.held) {
      const absl::Status status = CheckHolder(state, hello.box, ref);
      if (!status.ok()) draft.Send(command.session, Drop{ref, Message(status)});
    }
  } else {
    DropAll(draft, command, "it belongs to another plan");
  }
  for (const std::string& name : TasksHeldBy(state, hello.box)) {
    const TaskFacts& task = TaskOf(state, name);
    const TaskRef ref{name, task.term};
    if (task.holder->lease_dead) draft.Record(LeaseReclaimed{ref});
    draft.Note(LeaseResumed{.task = name, .now = draft.now});
    if (same_plan && SaysItHolds(hello, ref)) {
      draft.Send(command.session, Renewed{ref, 0, NextReportIn(state)});
      continue;
    }
    // Damaged in the vault or not: the box that goes on in its term may have the file itself.
    const CheckpointFacts* newest = NewestCommitted(state, SpecialistOf(name));
    draft.Send(command.session,
               Assignment{.task = ref,
                          .next_chunk = task.next_chunk,
                          .base = newest == nullptr ? std::nullopt : std::optional(newest->checkpoint),
                          .lease_ttl = state.soft.plan.lease_ttl,
                          .sampling = SamplingOf(state, name, task.next_chunk)});
  }
}

Welcome MakeWelcome(const State& state, const Incarnation& coordinator) {
  Welcome welcome{
      .next_report_in = NextReportIn(state), .manifests = {}, .chunks = {}, .coordinator = coordinator};
  for (const PlanChunk& chunk : state.soft.plan.chunks) {
    const ChunkFacts* facts = FindIn(state.facts.chunks, chunk.name);
    if (facts == nullptr) continue;
    if (facts->manifest) welcome.manifests.push_back(*facts->manifest);
    welcome.chunks.push_back({chunk.name, facts->size_bytes, facts->sha256});
  }
  return welcome;
}

}  // namespace

absl::StatusOr<const Session*> OpenSession(const State& state, SessionId id) {
  const Session* session = FindSession(state, id);
  if (session == nullptr) return Aborted("this stream has ended or was replaced: attach again");
  return session;
}

absl::Status CheckInventory(const std::vector<ChunkOnBox>& chunks) {
  if (chunks.size() > static_cast<std::size_t>(kChunksMax)) {
    return InvalidArgument("inventory.chunks has ", chunks.size(), " entries, allowed: ", kChunksMax);
  }
  for (const ChunkOnBox& chunk : chunks) {
    ICPT_RETURN_IF_ERROR(ValidateName("inventory.chunks.chunk", chunk.chunk));
    if (chunk.size_bytes < 0) {
      return InvalidArgument("inventory.chunks.size_bytes of ", chunk.chunk, " is ", chunk.size_bytes,
                             ", allowed: 0 or more");
    }
    if (chunk.sha256.empty()) continue;
    ICPT_RETURN_IF_ERROR(
        Annotate(ValidateDigestHex(chunk.sha256), "inventory.chunks.sha256 of " + chunk.chunk));
  }
  return absl::OkStatus();
}

void FixChunkDigests(Draft& draft, std::string_view box, const std::vector<ChunkOnBox>& chunks) {
  const State& state = draft.state;
  std::set<std::string> fixed;
  for (const ChunkOnBox& copy : chunks) {
    if (copy.sha256.empty() || !state.soft.index.chunks.contains(copy.chunk)) continue;
    const ChunkFacts& facts = ChunkOf(state, copy.chunk);
    const bool adds_size = facts.sha256 == copy.sha256 && facts.size_bytes == 0 && copy.size_bytes > 0;
    if ((!facts.sha256.empty() && !adds_size) || !fixed.insert(copy.chunk).second) continue;
    draft.Record(ChunkDigestFixed{copy.chunk, copy.sha256, copy.size_bytes, std::string(box)});
  }
}

absl::Status DecideOn(Draft& draft, const SessionOpened& command) {
  const State& state = draft.state;
  const Hello& hello = command.hello;
  if (command.session <= 0 || FindSession(state, command.session) != nullptr) {
    return InvalidArgument("session ", command.session, " is open already or not a session");
  }
  ICPT_RETURN_IF_ERROR(CheckHello(state, hello));
  ICPT_RETURN_IF_ERROR(CheckRoom(state));
  ICPT_RETURN_IF_ERROR(CheckClaim(state, hello, draft.now));

  CloseOlder(draft, command);
  const MemberFacts* facts = FindIn(state.facts.members, hello.member);
  const bool same_start =
      facts != nullptr && facts->box == hello.box && facts->incarnation == hello.incarnation && !facts->left;
  if (!same_start) draft.Record(MemberAttached{hello.member, hello.box, hello.incarnation});
  draft.Note(SessionStarted{.session = command.session, .hello = hello, .now = draft.now});
  FixChunkDigests(draft, hello.box, hello.chunks);
  const bool same_plan = hello.plan_digest.empty() || hello.plan_digest == state.facts.plan_digest;
  Incarnation coordinator = NewestStart(state.facts);
  if (IsAheadOfJournal(state, hello)) {
    const Incarnation& seen = hello.last_coordinator.incarnation;
    coordinator =
        RecordLostHistory(draft, {.seen = seen,
                                  .why = KnowsOf(Cat("box ", hello.box, " of ", hello.member), seen),
                                  .started = coordinator});
    DropAll(draft, command, "the coordinator has lost the history in which it was granted");
  } else {
    TakeOverOwnTasks(draft, command, same_plan);
  }
  draft.decision.reply = MakeWelcome(state, coordinator);
  draft.decision.tick_soon = true;
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const SessionClosed& command) {
  if (FindSession(draft.state, command.session) == nullptr) return absl::OkStatus();
  draft.Note(SessionEnded{.session = command.session, .now = draft.now});
  draft.decision.tick_soon = true;
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const InventoryReported& command) {
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(draft.state, command.session));
  ICPT_RETURN_IF_ERROR(CheckInventory(command.chunks));
  draft.Note(SessionSeen{command.session, draft.now});
  draft.Note(InventoryNoted{command.session, command.chunks});
  FixChunkDigests(draft, session->box, command.chunks);
  draft.decision.tick_soon = true;
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const Goodbye& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string reason = CleanText(command.reason);
  for (const std::string& name : TasksHeldBy(state, session->box)) {
    draft.Record(TaskReleased{TaskRef{name, TaskOf(state, name).term},
                              Cat(session->member, "'s worker left: ", reason)});
  }
  draft.Record(MemberLeft{session->member, session->box, reason});
  draft.Note(SessionEnded{.session = command.session, .now = draft.now});
  draft.Do(CloseSession{command.session, absl::OkStatus()});
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
