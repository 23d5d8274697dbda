// Committing checkpoints.
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

CATCH_TEST_CASE("a checkpoint is committed whole: id, time, term, and it is the next base") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CheckpointProposed save = s.MakeCheckpoint(ana, "train/BG", 1024, SaveReason::kSaveNow);
  save.checkpoint.manifests = {FakeHex("manifest 00")};
  CATCH_REQUIRE(s.Do(save).ok());
  const CheckpointFacts* facts = FindCheckpoint(s.state, "BG-000000001024");
  CATCH_REQUIRE(facts != nullptr);
  CATCH_CHECK(facts->checkpoint.committed_at == absl::UnixEpoch() + s.now.since_boot);
  CATCH_CHECK(NewestCheckpoint(s.state, "BG")->step == 1024);
  CATCH_REQUIRE(
      s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Sent<Assignment>(ana).back().base->id == "BG-000000001024");
  CATCH_CHECK(TaskOf(s.state, "train/BG").base == "BG-000000001024");
}

CATCH_TEST_CASE("checkpoints go forward") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100).ok());
  CATCH_CHECK(s.CommitCheckpoint(ana, "train/BG", 99).code() == absl::StatusCode::kFailedPrecondition);
  CheckpointProposed same_step = s.MakeCheckpoint(ana, "train/BG", 100, SaveReason::kSaveNow);
  // An agent that lost its ids asks again for what is committed: yes, and nothing new.
  CATCH_CHECK(s.Do(same_step).ok());
  CATCH_CHECK(s.CountFacts<CheckpointCommitted>() == 1);
  same_step.request_id = s.NextId();
  same_step.checkpoint.blob = FakeDigest("other bytes");
  CATCH_CHECK_THAT(Message(s.Do(same_step)), ContainsSubstring("BG-000000000100"));
  CheckpointProposed back = s.MakeCheckpoint(ana, "train/BG", 200, SaveReason::kSaveNow);
  back.checkpoint.training_seconds = 50;
  CATCH_CHECK_THAT(Message(s.Do(back)), ContainsSubstring("training time never goes back"));
}

CATCH_TEST_CASE("a checkpoint of a finished chunk is refused; of a later one it covers all before") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.TrainChunk(ana, "train/BG");
  CheckpointProposed old = s.MakeCheckpoint(ana, "train/BG", 200, SaveReason::kChunkEnd);
  old.checkpoint.cursor = {0, 0, 200, 1};
  CATCH_CHECK(s.Do(old).code() == absl::StatusCode::kFailedPrecondition);
  old.checkpoint.cursor = {1, 0, 0, 1};
  old.request_id = s.NextId();
  CATCH_CHECK(s.Do(old).code() == absl::StatusCode::kFailedPrecondition);
  // An agent out of touch trained on through two chunks and kept the newer ends.
  for (const char* chunk : {"01", "02"}) CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", chunk).ok());
  CheckpointProposed later = s.MakeCheckpoint(ana, "train/BG", 300, SaveReason::kChunkEnd);
  later.checkpoint.cursor = {2, 0, 300, 1};
  CATCH_REQUIRE(s.Do(later).ok());
  CATCH_CHECK(s.Do(ChunkFinished{ana, s.NextId(), s.Ref("train/BG"), 1, 200, 200}).ok());
  CATCH_CHECK(s.Do(ChunkFinished{ana, s.NextId(), s.Ref("train/BG"), 2, 300, 300}).ok());
  CATCH_CHECK(TaskOf(s.state, "train/BG").done);
}

CATCH_TEST_CASE("a checkpoint must be in the vault and trained on the committed manifests") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CheckpointProposed save = s.MakeCheckpoint(ana, "train/BG", 100, SaveReason::kSaveNow);
  save.blob_verified = false;
  CATCH_CHECK_THAT(Message(s.Do(save)), ContainsSubstring("not in the vault"));
  save.blob_verified = true;
  save.checkpoint.manifests = {FakeHex("another audit")};
  CATCH_CHECK_THAT(Message(s.Do(save)),
                   ContainsSubstring(FakeHex("another audit")) && ContainsSubstring(FakeHex("manifest 00")));
  save.checkpoint.manifests = {FakeHex("manifest 00"), FakeHex("manifest 01")};
  CATCH_CHECK_THAT(Message(s.Do(save)), ContainsSubstring("chunk 01"));
  save.checkpoint.manifests = {FakeHex("manifest 00")};
  CATCH_CHECK(s.Do(save).ok());
}

CATCH_TEST_CASE("a malformed checkpoint is refused naming the field") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const auto refused = [&](auto change, const char* field) {
    CheckpointProposed bad = s.MakeCheckpoint(ana, "train/BG", 100, SaveReason::kSaveNow);
    change(bad.checkpoint);
    const absl::Status status = s.Do(bad);
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK_THAT(Message(status), ContainsSubstring(field));
  };
  refused([](Checkpoint& c) { c.specialist = "AV"; }, "specialist");
  refused([](Checkpoint& c) { c.blob.hex = "AB"; }, "blob");
  refused([](Checkpoint& c) { c.blob.size_bytes = 0; }, "size_bytes");
  refused([](Checkpoint& c) { c.step = 0; }, "step");
  refused([](Checkpoint& c) { c.cursor.chunk = 4; }, "cursor");
  refused([](Checkpoint& c) { c.cursor.epoch = -1; }, "cursor");
  refused([](Checkpoint& c) { c.training_seconds = INFINITY; }, "training_seconds");
  refused([](Checkpoint& c) { c.manifests.resize(4, FakeHex("m")); }, "manifests");
  const SessionId zoe = s.Attach("zoe");
  CheckpointProposed integrate = s.MakeCheckpoint(zoe, "integrate", 100, SaveReason::kSaveNow);
  CATCH_CHECK(s.Do(integrate).code() == absl::StatusCode::kInvalidArgument);
}

CATCH_TEST_CASE("the vault's limit at rest is kept, with limit and value in the text") {
  PlanFacts plan = SmallPlan();
  plan.vault_bytes_max = 2500;
  Scenario s(plan);
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  for (int step : {100, 200, 300}) CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", step).ok());
  const absl::Status full = s.CommitCheckpoint(ana, "train/AV", 100);
  CATCH_CHECK(full.code() == absl::StatusCode::kResourceExhausted);
  CATCH_CHECK_THAT(Message(full), ContainsSubstring("2500") && ContainsSubstring("3000"));
}

}  // namespace
}  // namespace interceptor::coordinator
