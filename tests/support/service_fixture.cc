#include "tests/support/service_fixture.h"

#include "common/base/status.h"
#include "common/plan/plan.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {
namespace {

constexpr char kPlan[] = R"(
  name: "test"
  members { name: "member-1" specialists: "BG" specialists: "AV" }
  members { name: "member-2" specialists: "CM" specialists: "RR" }
  members { name: "member-4" integrates: true }
  chunks { name: "00" } chunks { name: "01" }
)";

}  // namespace

ServiceFixture::ServiceFixture(std::string_view scheduling, std::string_view extra)
    : plan_text_(Cat(kPlan, scheduling, extra)) {
  absl::StatusOr<v1::Plan> plan = ParsePlan(plan_text_, "test");
  CATCH_REQUIRE(plan.ok());
  plan_ = *std::move(plan);
  Restart();
}

absl::StatusOr<std::unique_ptr<Coordinator>> ServiceFixture::StartAnother(const std::string& state_folder) {
  Coordinator::Options options;
  options.plan = plan_;
  options.plan_text = plan_text_;
  options.state_folder = state_folder;
  options.listen = "unix:" + folder_.File("c.sock");
  return Coordinator::Start(std::move(options));
}

void ServiceFixture::Restart() {
  Stop();
  absl::StatusOr<std::unique_ptr<Coordinator>> coordinator = StartAnother(state_folder());
  CATCH_CAPTURE(Message(coordinator.status()));
  CATCH_REQUIRE(coordinator.ok());
  coordinator_ = *std::move(coordinator);
}

void ServiceFixture::Stop() {
  if (coordinator_ != nullptr) coordinator_->Stop(absl::Seconds(1));
  coordinator_.reset();
}

CheckpointParts MakeCheckpoint(const v1::TaskRef& task, int64_t step, int chunk, const std::string& reason) {
  CheckpointParts parts;
  parts.bytes = Cat("checkpoint of ", task.task(), " at step ", step);
  parts.blob = DigestOf(parts.bytes);
  *parts.proposal.mutable_task() = task;
  v1::Checkpoint& checkpoint = *parts.proposal.mutable_checkpoint();
  checkpoint.set_specialist(task.task().substr(6));
  *checkpoint.mutable_blob() = ToProtoDigest(parts.blob);
  checkpoint.set_step(step);
  checkpoint.mutable_cursor()->set_chunk(chunk);
  checkpoint.mutable_cursor()->set_position(step);
  checkpoint.set_training_seconds(static_cast<double>(step));
  checkpoint.set_reason(reason);
  return parts;
}

absl::Status Publish(ServiceFixture& fixture, ScriptedWorker& worker, const CheckpointParts& checkpoint) {
  ICPT_RETURN_IF_ERROR(UploadBlob(fixture.address(), checkpoint.blob, checkpoint.bytes));
  return worker.Propose(checkpoint.proposal);
}

v1::DataManifestProposal MakeManifest(const v1::TaskRef& task, int chunk, Digest* blob, std::string* bytes) {
  *bytes = Cat("manifest of chunk ", chunk);
  *blob = DigestOf(*bytes);
  v1::DataManifestProposal proposal;
  *proposal.mutable_task() = task;
  v1::DataManifest& manifest = *proposal.mutable_manifest();
  manifest.set_chunk(Cat("0", chunk));
  *manifest.mutable_blob() = ToProtoDigest(*blob);
  manifest.set_chunk_sha256(ScriptedWorker::MakeHello("m", "b").inventory().chunks(chunk).sha256());
  manifest.set_clips(10);
  manifest.set_families(5);
  manifest.set_quarantined(1);
  return proposal;
}

absl::Status PublishManifest(ServiceFixture& fixture, ScriptedWorker& worker, const v1::TaskRef& task,
                             int chunk) {
  Digest blob;
  std::string bytes;
  const v1::DataManifestProposal proposal = MakeManifest(task, chunk, &blob, &bytes);
  ICPT_RETURN_IF_ERROR(UploadBlob(fixture.address(), blob, bytes));
  return worker.Propose(proposal);
}

}  // namespace interceptor::coordinator
