#include <set>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/history.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

absl::Status CheckAtLeast(std::string_view field, absl::Duration value, absl::Duration least) {
  if (value >= least) return absl::OkStatus();
  return InvalidArgument(field, " is ", absl::FormatDuration(value),
                         ", allowed: ", absl::FormatDuration(least), " or more");
}

absl::Status CheckMembers(const PlanFacts& plan) {
  std::set<std::string> names;
  std::set<std::string> specialists;
  int integrators = 0;
  for (const PlanMember& member : plan.members) {
    ICPT_RETURN_IF_ERROR(ValidateName("member", member.name));
    if (!names.insert(member.name).second) return InvalidArgument("member '", member.name, "' stands twice");
    for (const std::string& specialist : member.specialists) {
      ICPT_RETURN_IF_ERROR(ValidateName("specialist", specialist));
      if (!specialists.insert(specialist).second) {
        return InvalidArgument("specialist '", specialist, "' has two members");
      }
    }
    integrators += member.integrates ? 1 : 0;
  }
  if (specialists.empty() || specialists.size() > static_cast<std::size_t>(kSpecialistsMax)) {
    return InvalidArgument("specialists: ", specialists.size(), ", allowed: 1 to ", kSpecialistsMax);
  }
  if (integrators > 1) return InvalidArgument("members with integrates: ", integrators, ", allowed: 0 or 1");
  return absl::OkStatus();
}

absl::Status CheckChunks(const PlanFacts& plan) {
  if (plan.chunks.empty() || plan.chunks.size() > static_cast<std::size_t>(kChunksMax)) {
    return InvalidArgument("chunks: ", plan.chunks.size(), ", allowed: 1 to ", kChunksMax);
  }
  std::set<std::string> names;
  for (const PlanChunk& chunk : plan.chunks) {
    ICPT_RETURN_IF_ERROR(ValidateName("chunk", chunk.name));
    if (!names.insert(chunk.name).second) return InvalidArgument("chunk '", chunk.name, "' stands twice");
    if (!chunk.sha256.empty()) ICPT_RETURN_IF_ERROR(ValidateDigestHex(chunk.sha256));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidatePlan(const PlanFacts& plan) {
  ICPT_RETURN_IF_ERROR(ValidateName("plan", plan.name));
  ICPT_RETURN_IF_ERROR(Annotate(ValidateDigestHex(plan.digest), "plan digest"));
  if (plan.members.empty() || plan.members.size() > static_cast<std::size_t>(kMembersMax)) {
    return InvalidArgument("members: ", plan.members.size(), ", allowed: 1 to ", kMembersMax);
  }
  ICPT_RETURN_IF_ERROR(CheckMembers(plan));
  ICPT_RETURN_IF_ERROR(CheckChunks(plan));
  const absl::Duration shortest = absl::Milliseconds(kLeaseTtlMsMin);
  ICPT_RETURN_IF_ERROR(CheckAtLeast("scheduling.lease_ttl_seconds", plan.lease_ttl, shortest));
  ICPT_RETURN_IF_ERROR(CheckAtLeast("scheduling.handover_seconds", plan.handover, shortest));
  ICPT_RETURN_IF_ERROR(CheckAtLeast("scheduling.stall_seconds", plan.stall, shortest));
  ICPT_RETURN_IF_ERROR(CheckAtLeast("checkpoints.period_seconds", plan.checkpoint_period, absl::Seconds(1)));
  if (plan.keep_latest < 1) {
    return InvalidArgument("checkpoints.keep_latest is ", plan.keep_latest, ", allowed: 1 or more");
  }
  if (plan.vault_bytes_max < 0) {
    return InvalidArgument("checkpoints.vault_bytes_max is ", plan.vault_bytes_max, ", allowed: 0 or more");
  }
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const StartCommand& command) {
  const Facts& facts = draft.state.facts;
  const PlanFacts& plan = command.plan;
  if (draft.state.soft.started) return FailedPrecondition("the coordinator has started already");
  ICPT_RETURN_IF_ERROR(ValidatePlan(plan));
  if (!facts.plan_digest.empty() && facts.plan_digest != plan.digest) {
    return FailedPrecondition("this --state folder belongs to plan '", facts.plan_name, "' with digest ",
                              facts.plan_digest, ", the plan given is '", plan.name, "' with digest ",
                              plan.digest,
                              ": a running plan never changes; start a new plan with a new --state"
                              " folder");
  }
  if (facts.plan_digest.empty()) draft.Record(PlanAdopted{.name = plan.name, .digest = plan.digest});
  const Incarnation started{NewestStart(facts).number + 1, CleanText(command.nonce)};
  draft.Record(CoordinatorStarted{started});
  const Incarnation& kept = command.kept.start;
  if (command.kept.copied) {
    const std::string why =
        Cat("this state folder is a copy, made after start ", kept.number, " of the coordinator");
    RecordLostHistory(draft, {.seen = kept, .why = why, .started = started});
  } else if (!Remembers(facts, kept)) {
    RecordLostHistory(draft, {.seen = kept, .why = KnowsOf("the state folder", kept), .started = started});
  }
  for (const PlanChunk& chunk : plan.chunks) {
    if (chunk.sha256.empty() || facts.chunks.contains(chunk.name)) continue;
    draft.Record(ChunkDigestFixed{.chunk = chunk.name, .sha256 = chunk.sha256, .size_bytes = 0, .box = ""});
  }
  draft.Note(PlanLoaded{.plan = plan, .now = draft.now, .wall_time = draft.wall_time});
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
