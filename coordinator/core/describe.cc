#include "common/base/status.h"
#include "common/text/text.h"
#include "coordinator/core/event.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

std::string InTerm(const TaskRef& ref) { return Cat("term ", ref.term, ": "); }

struct Describer {
  EventLine operator()(const PlanAdopted& e) const {
    return {"plan_adopted", "plan", Cat("plan '", e.name, "' with digest ", e.digest)};
  }
  EventLine operator()(const CoordinatorStarted& e) const {
    return {"coordinator_started", "plan",
            Cat("start ", e.incarnation.number, " of the coordinator on this state")};
  }
  EventLine operator()(const MemberAttached& e) const {
    return {"member_attached", e.member, Cat("box ", e.box, ", start ", e.incarnation, " of its agent")};
  }
  EventLine operator()(const MemberLeft& e) const {
    return {"member_left", e.member, Cat("box ", e.box, " left: ", e.reason)};
  }
  EventLine operator()(const DrainRequested& e) const {
    return {"drain_requested", e.member, "asked to save and leave"};
  }
  EventLine operator()(const ChunkDigestFixed& e) const {
    const std::string source = e.box.empty() ? "the plan" : Cat("box ", e.box);
    return {"chunk_digest_fixed", e.chunk,
            Cat("sha256 ", e.sha256, ", ", e.size_bytes, " bytes, by ", source)};
  }
  EventLine operator()(const ManifestCommitted& e) const {
    const DataManifest& m = e.manifest;
    return {"manifest_committed", m.chunk,
            Cat(Counted(m.clips, "clip", "clips"), " in ", Counted(m.families, "family", "families"), ", ",
                m.quarantined, " quarantined, digest ", m.blob.hex, ", by box ", e.box)};
  }
  EventLine operator()(const TaskGranted& e) const {
    return {"task_granted", e.task,
            Cat("term ", e.term, ": to ", e.member, "'s box ", e.box, ", chunk index ", e.next_chunk,
                ", from ", e.base.empty() ? "the initial weights" : e.base)};
  }
  EventLine operator()(const LeaseExpired& e) const {
    return {"lease_expired", e.task.task, InTerm(e.task) + e.reason};
  }
  EventLine operator()(const LeaseReclaimed& e) const {
    return {"lease_reclaimed", e.task.task, InTerm(e.task) + "its holder is back"};
  }
  EventLine operator()(const TaskReleased& e) const {
    return {"task_released", e.task.task, InTerm(e.task) + e.reason};
  }
  EventLine operator()(const TaskFailureRecorded& e) const {
    return {e.paused ? "run_paused" : "task_failed", e.task.task, Cat(InTerm(e.task), e.code, ": ", e.text)};
  }
  EventLine operator()(const CheckpointCommitted& e) const {
    const Checkpoint& c = e.checkpoint;
    return {"checkpoint_committed", c.id,
            Cat("term ", e.term, ": ", ToString(c.reason), " at step ", c.step, ", chunk index ",
                c.cursor.chunk, ", ", c.blob.size_bytes, " bytes, digest ", c.blob.hex)};
  }
  EventLine operator()(const CheckpointPinned& e) const {
    return {"checkpoint_pinned", e.id, "kept for good"};
  }
  EventLine operator()(const CheckpointUnpinned& e) const {
    return {"checkpoint_unpinned", e.id, "retention decides again"};
  }
  EventLine operator()(const CheckpointDamaged& e) const {
    return {"checkpoint_damaged", e.id, "its bytes in the vault are missing or changed"};
  }
  EventLine operator()(const CheckpointRestored& e) const {
    return {"checkpoint_restored", e.id, "its bytes in the vault are whole again"};
  }
  EventLine operator()(const RunSetBack& e) const {
    return {"run_set_back", e.task,
            Cat(GoesOnFrom(e.task, e.base, e.damaged), "; next is chunk index ", e.next_chunk)};
  }
  EventLine operator()(const RemovalDecided& e) const {
    return {"checkpoint_removed", e.id, "newer verified ones are kept"};
  }
  EventLine operator()(const RemovalDone& e) const {
    return {"blob_removed", "vault", Cat("blob ", e.blob.hex, ", ", e.blob.size_bytes, " bytes freed")};
  }
  EventLine operator()(const EvaluationRecorded& e) const {
    const Evaluation& v = e.evaluation;
    if (v.kind == EvaluationKind::kValidation) {
      return {ShowsOverfitting(v) ? "overfitting" : "evaluation_recorded", TrainTask(v.specialist),
              Cat("validation at chunk index ", v.chunk, ", step ", v.step, ": ", DescribeValidation(v))};
    }
    const std::string alarms = v.bias ? DescribeAlarms(v.bias->after) : "";
    return {alarms.empty() ? "evaluation_recorded" : "bias_alarm", TrainTask(v.specialist),
            Cat(ToString(v.kind), " at chunk index ", v.chunk, ": AUC ", v.auc, " [", v.auc_low, ", ",
                v.auc_high, "], ", v.reals, " real, ", v.fakes, " fake", alarms.empty() ? "" : "; ", alarms)};
  }
  EventLine operator()(const ChunkCompleted& e) const {
    return {
        "chunk_completed", e.task.task,
        Cat(InTerm(e.task), "chunk index ", e.chunk, " at step ", e.step, e.last ? ", the last one" : "")};
  }
  EventLine operator()(const PlanPaused& e) const {
    return {"plan_paused", "plan", Cat("paused: ", e.reason)};
  }
  EventLine operator()(const PlanResumed&) const { return {"plan_resumed", "plan", "by a person"}; }
  EventLine operator()(const PlanFinished&) const { return {"plan_finished", "plan", "every task is done"}; }
  EventLine operator()(const HistoryLost& e) const {
    return {"history_lost", "plan",
            Cat(e.why, "; this is start ", e.now.number, ", and terms begin beyond ", e.term_floor)};
  }
};

}  // namespace

EventLine Describe(const DurableEvent& event) { return std::visit(Describer{}, event); }

}  // namespace interceptor::coordinator
