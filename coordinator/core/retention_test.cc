// What goes and what never does.
#include "coordinator/core/retention.h"

#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Ids = std::vector<std::string>;

struct Saved : Scenario {
  SessionId ana = 0;
  Saved() {
    ana = Attach("ana");
    CATCH_REQUIRE(CommitManifest(ana, "train/BG", "00").ok());
  }
  void Save(int64_t step) { CATCH_REQUIRE(CommitCheckpoint(ana, "train/BG", step).ok()); }
};

CATCH_TEST_CASE(
    "the latest two are kept; the older goes after the newer is committed, and is then unlinked") {
  Saved s;
  s.Save(1);
  s.Save(2);
  CATCH_CHECK(s.Effects<RemoveBlob>().empty());
  s.Save(3);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000002", "BG-000000000003"});
  CATCH_REQUIRE(s.Effects<RemoveBlob>().size() == 1);
  CATCH_CHECK(s.Effects<RemoveBlob>()[0].blob == FakeDigest("BG 1"));
  // In the journal the commit stands before the removal.
  std::size_t committed = 0, removed = 0;
  for (std::size_t i = 0; i < s.journal.size(); ++i) {
    if (std::holds_alternative<CheckpointCommitted>(s.journal[i].body)) committed = i;
    if (std::holds_alternative<RemovalDecided>(s.journal[i].body)) removed = i;
  }
  CATCH_CHECK(committed < removed);
  CATCH_CHECK(s.state.facts.removals.size() == 1);
  CATCH_REQUIRE(s.Do(BlobRemoved{FakeDigest("BG 1")}).ok());
  CATCH_CHECK(s.state.facts.removals.empty());
  CATCH_CHECK(s.Do(BlobRemoved{FakeDigest("BG 1")}).ok());
  CATCH_CHECK(s.CountFacts<RemovalDone>() == 1);
}

CATCH_TEST_CASE("nothing goes before everything that stays was read back whole") {
  Saved s;
  s.vault_answers = false;
  for (int step : {1, 2}) s.Save(step);
  CATCH_CHECK(s.Effects<CheckBlob>().empty());
  s.Save(3);
  CATCH_REQUIRE(s.Effects<CheckBlob>().size() == 2);
  CATCH_CHECK(s.Effects<CheckBlob>()[0].blob == FakeDigest("BG 2"));
  CATCH_CHECK(s.Effects<CheckBlob>()[1].blob == FakeDigest("BG 3"));
  s.Work(absl::Seconds(50));
  CATCH_CHECK(s.Effects<CheckBlob>().size() == 2);
  s.Work(absl::Seconds(15));
  CATCH_CHECK(s.Effects<CheckBlob>().size() == 4);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 3"), true}).ok());
  CATCH_CHECK(s.CheckpointIds("BG").size() == 3);
  // One that stays is damaged: the one that was to go takes its place.
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 2"), false}).ok());
  CATCH_CHECK(s.CheckpointIds("BG").size() == 3);
  CATCH_CHECK(s.CountFacts<RemovalDecided>() == 0);
  // What was read back before the newest commit counts no more.
  s.Save(4);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 4"), true}).ok());
  CATCH_CHECK(s.CountFacts<RemovalDecided>() == 0);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 3"), true}).ok());
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000003", "BG-000000000004"});
}

CATCH_TEST_CASE("a removal decided but not confirmed is asked for again, after a restart at once") {
  Saved s;
  for (int step : {1, 2, 3}) s.Save(step);
  s.Wait(absl::Seconds(50));
  CATCH_CHECK(s.Effects<RemoveBlob>().size() == 1);
  s.Wait(absl::Seconds(15));
  CATCH_CHECK(s.Effects<RemoveBlob>().size() == 2);
  s.Restart();
  CATCH_REQUIRE(s.Effects<RemoveBlob>().size() == 1);
  CATCH_CHECK(s.Effects<RemoveBlob>()[0].blob == FakeDigest("BG 1"));
}

CATCH_TEST_CASE("a pinned checkpoint is never removed, and goes when it is unpinned") {
  Saved s;
  s.Save(1);
  CATCH_CHECK(s.Do(PinCheckpoint{"", "BG-000000000077"}).code() == absl::StatusCode::kNotFound);
  CATCH_REQUIRE(s.Do(PinCheckpoint{"", "BG-000000000001"}).ok());
  CATCH_REQUIRE(s.Do(PinCheckpoint{"", "BG-000000000001"}).ok());
  CATCH_CHECK(s.CountFacts<CheckpointPinned>() == 1);
  for (int step : {2, 3, 4, 5}) s.Save(step);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000001", "BG-000000000004", "BG-000000000005"});
  CATCH_REQUIRE(s.Do(UnpinCheckpoint{"", "BG-000000000001"}).ok());
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000004", "BG-000000000005"});
  CATCH_CHECK(s.Do(UnpinCheckpoint{"", "BG-000000000001"}).code() == absl::StatusCode::kNotFound);
}

CATCH_TEST_CASE("the checkpoint a task started from stays until that term has one of its own") {
  Saved s;
  s.Save(1);
  CATCH_REQUIRE(
      s.Do(TaskFailed{s.ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).ok());
  s.Wait(absl::Seconds(5));
  CATCH_REQUIRE(TaskOf(s.state, "train/BG").base == "BG-000000000001");
  CATCH_CHECK(Removable(s.state, "BG").empty());
  // Even when two newer ones appear that this term did not write.
  State state = s.state;
  for (int64_t step : {2, 3}) {
    Checkpoint checkpoint = *NewestCheckpoint(s.state, "BG");
    checkpoint.step = step;
    checkpoint.id = MakeCheckpointId("BG", step);
    state.facts.checkpoints["BG"][step] = {.checkpoint = checkpoint};
  }
  CATCH_CHECK(Removable(state, "BG").empty());
  s.Save(2);
  CATCH_CHECK(TaskOf(s.state, "train/BG").base.empty());
  s.Save(3);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000002", "BG-000000000003"});
}

CATCH_TEST_CASE("a damaged checkpoint counts as none: good ones are kept in its place") {
  Saved s;
  s.Save(1);
  s.Save(2);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 2"), true}).ok());
  CATCH_CHECK(s.CountFacts<CheckpointDamaged>() == 0);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 2"), false}).ok());
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 2"), false}).ok());
  CATCH_CHECK(s.CountFacts<CheckpointDamaged>() == 1);
  CATCH_CHECK(NewestCheckpoint(s.state, "BG")->step == 1);
  s.Save(3);
  CATCH_CHECK(s.CheckpointIds("BG").size() == 3);
  s.Save(4);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000003", "BG-000000000004"});
}

CATCH_TEST_CASE("a run whose every checkpoint is damaged pauses; it never starts from scratch") {
  Saved s;
  s.Save(1);
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 1"), false}).ok());
  CATCH_REQUIRE(
      s.Do(TaskFailed{s.ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kDataLoss, "x", true}).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(TaskOf(s.state, "train/BG").paused);
  CATCH_CHECK(s.Ref("train/BG").term == 1);
}

CATCH_TEST_CASE("no save is asked for while an older one is still to be unlinked: the peak is three") {
  Saved s;
  for (int step : {1, 2, 3}) s.Save(step);
  Progress progress = s.At("train/BG", Phase::kTraining, 30000);
  progress.training_seconds = 30000;
  CATCH_REQUIRE(s.Report(s.ana, progress).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Sent<SaveNow>(s.ana).empty());
  CATCH_REQUIRE(s.Do(BlobRemoved{FakeDigest("BG 1")}).ok());
  CATCH_CHECK(s.Sent<SaveNow>(s.ana).size() == 1);
}

CATCH_TEST_CASE("bytes at rest count the kept and the pinned with the one to come") {
  Saved s;
  s.Save(1);
  s.Save(2);
  Checkpoint next;
  next.specialist = "BG";
  next.blob = FakeDigest("BG 3", 500);
  CATCH_CHECK(BytesAtRest(s.state, next) == 1500);
  CATCH_REQUIRE(s.Do(PinCheckpoint{"", "BG-000000000001"}).ok());
  CATCH_CHECK(BytesAtRest(s.state, next) == 2500);
  next.specialist = "AV";
  CATCH_CHECK(BytesAtRest(s.state, next) == 2500);
}

CATCH_TEST_CASE("a low disk grants nothing and removes nothing good") {
  Saved s;
  s.Save(1);
  s.Save(2);
  CATCH_REQUIRE(s.Do(SpaceReported{10, 5}).ok());
  CATCH_CHECK(DiskIsLow(s.state));
  const SessionId bo = s.Attach("bo");
  CATCH_CHECK(s.Sent<Assignment>(bo).empty());
  CATCH_CHECK(s.CheckpointIds("BG").size() == 2);
  CATCH_REQUIRE(s.Do(SpaceReported{kFreeBytesMin, 5}).ok());
  CATCH_CHECK(s.Sent<Assignment>(bo).size() == 2);
  CATCH_CHECK(s.Do(SpaceReported{-1, 5}).code() == absl::StatusCode::kInvalidArgument);
  PlanFacts small = SmallPlan();
  small.vault_bytes_max = 1000;
  CATCH_CHECK(LowDiskBytes(small) == 500);
}

}  // namespace
}  // namespace interceptor::coordinator
