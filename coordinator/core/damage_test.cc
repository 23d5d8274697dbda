// A damaged checkpoint: who goes on, from where, and what is said of it.
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/rounds.h"
#include "coordinator/core/status_view.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;
using Ids = std::vector<std::string>;

constexpr const char* kGoesOn = "BG goes on from BG-000000000100: BG-000000000200 is damaged in the vault";

// BG has finished two chunks, with checkpoints at steps 100 and 200, and is held by ana's box.
struct TwoChunks : Scenario {
  SessionId ana = 0;
  TwoChunks() {
    ana = Attach("ana");
    for (int chunk = 0; chunk < 2; ++chunk) TrainChunk(ana, "train/BG");
  }
  void Check(int step, bool intact) {
    CATCH_REQUIRE(Do(BlobChecked{FakeDigest(Cat("BG ", step)), intact}).ok());
  }
  // The run's holder fails, and the run is granted again.
  Assignment GrantAnew() {
    CATCH_REQUIRE(
        Do(TaskFailed{ana, NextId(), Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).ok());
    ForgetEffects();
    Wait(absl::Seconds(5));
    CATCH_REQUIRE(Sent<Assignment>(ana).size() == 1);
    return Sent<Assignment>(ana)[0];
  }
  std::string Problems() const {
    std::string lines;
    for (const std::string& line : BuildStatus(state, now).problems) lines += line + "\n";
    return lines;
  }
};

CATCH_TEST_CASE("the next grant goes from the newest intact checkpoint, and the run's position follows it") {
  TwoChunks s;
  s.Check(200, false);
  CATCH_CHECK_THAT(s.Problems(), ContainsSubstring("BG-000000000200 is damaged") &&
                                     ContainsSubstring("else BG goes on from BG-000000000100"));
  const Assignment grant = s.GrantAnew();
  CATCH_CHECK(grant.base->id == "BG-000000000100");
  CATCH_CHECK(grant.next_chunk == 1);
  CATCH_CHECK(TaskOf(s.state, "train/BG").next_chunk == 1);
  CATCH_CHECK(s.CountFacts<RunSetBack>() == 1);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000100"});
  CATCH_CHECK(s.state.facts.removals.contains(FakeDigest("BG 200")));
  CATCH_CHECK_THAT(s.Problems(), ContainsSubstring(kGoesOn));
  for (const Fact& fact : s.journal) {
    if (!std::holds_alternative<RunSetBack>(fact.body)) continue;
    CATCH_CHECK(Describe(fact.body).subject == "train/BG");
    CATCH_CHECK_THAT(Describe(fact.body).text, ContainsSubstring(kGoesOn));
  }
}

CATCH_TEST_CASE("what was lost is trained again, to the same bytes; what was told before stays") {
  TwoChunks s;
  s.Check(200, false);
  (void)s.GrantAnew();
  CATCH_CHECK(s.state.facts.chunks.at("01").manifest);
  CATCH_CHECK(s.state.facts.evaluations.size() == 2);
  // The removal of the damaged file comes before the same blob may be committed again.
  CheckpointProposed again = s.MakeCheckpoint(s.ana, "train/BG", 200, SaveReason::kChunkEnd);
  CATCH_CHECK_THAT(Message(s.Do(again)), ContainsSubstring("not in the vault"));
  CATCH_REQUIRE(s.Do(BlobRemoved{FakeDigest("BG 200")}).ok());
  CATCH_REQUIRE(s.Do(again).ok());
  CATCH_CHECK(s.Problems().find("goes on from") == std::string::npos);
  CATCH_CHECK(s.Do(ChunkFinished{s.ana, s.NextId(), s.Ref("train/BG"), 2, 200, 200}).code() ==
              absl::StatusCode::kFailedPrecondition);
  CATCH_REQUIRE(s.Do(ChunkFinished{s.ana, s.NextId(), s.Ref("train/BG"), 1, 200, 200}).ok());
  CATCH_CHECK(TaskOf(s.state, "train/BG").next_chunk == 2);
}

CATCH_TEST_CASE("a round that was ready stays ready") {
  TwoChunks s;
  const SessionId bo = s.Attach("bo");
  for (const char* task : {"train/CM", "train/RR"}) {
    for (int chunk = 0; chunk < 2; ++chunk) s.TrainChunk(bo, task);
  }
  for (int chunk = 0; chunk < 2; ++chunk) s.TrainChunk(s.ana, "train/AV");
  CATCH_REQUIRE(RoundsReady(s.state) == 2);
  s.Check(200, false);
  (void)s.GrantAnew();
  CATCH_CHECK(RoundsReady(s.state) == 2);
}

CATCH_TEST_CASE("a holder goes on undisturbed: its next commit is the new newest") {
  TwoChunks s;
  const TaskRef ref = s.Ref("train/BG");
  s.ForgetEffects();
  s.Check(200, false);
  s.Work(absl::Minutes(1));
  CATCH_CHECK(s.Ref("train/BG") == ref);
  CATCH_CHECK(s.Sent<Drop>(s.ana).empty());
  CATCH_CHECK(s.CommitCheckpoint(s.ana, "train/BG", 150).code() == absl::StatusCode::kFailedPrecondition);
  CATCH_REQUIRE(s.CommitManifest(s.ana, "train/BG", "02").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(s.ana, "train/BG", 250).ok());
  CATCH_CHECK(s.GrantAnew().base->id == "BG-000000000250");
  CATCH_CHECK(s.CountFacts<RunSetBack>() == 0);
}

CATCH_TEST_CASE("a chunk whose last checkpoint is lost before its end is told is finished all the same") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.TrainChunk(ana, "train/BG");
  const TaskRef ref = s.Ref("train/BG");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "01").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 200, SaveReason::kChunkEnd).ok());
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 200"), false}).ok());
  CATCH_REQUIRE(s.Do(ChunkFinished{ana, s.NextId(), ref, 1, 200, 200}).ok());
  CATCH_CHECK(s.Ref("train/BG") == ref);
  CATCH_CHECK(TaskOf(s.state, "train/BG").next_chunk == 2);
}

CATCH_TEST_CASE("a holder whose agent started again is sent the newest, which it may have itself") {
  TwoChunks s;
  s.Check(200, false);
  s.ana = s.Attach("ana", {.incarnation = "second"});
  const std::vector<Assignment> sent = s.Sent<Assignment>(s.ana);
  const auto own = std::find_if(sent.begin(), sent.end(),
                                [](const Assignment& each) { return each.task.task == "train/BG"; });
  CATCH_REQUIRE(own != sent.end());
  CATCH_CHECK(own->task == s.Ref("train/BG"));
  CATCH_CHECK(own->base->id == "BG-000000000200");
  CATCH_CHECK(own->next_chunk == 2);
  CATCH_CHECK(s.CountFacts<RunSetBack>() == 0);
}

CATCH_TEST_CASE("a worker that finds its base damaged has it read back, and then goes on from the older") {
  TwoChunks s;
  s.bad_blobs.insert(FakeDigest("BG 200"));
  s.ForgetEffects();
  CATCH_REQUIRE(s.Do(TaskFailed{s.ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kDataLoss,
                                "its digest is another", true})
                    .ok());
  CATCH_REQUIRE(s.Effects<CheckBlob>().size() == 1);
  CATCH_CHECK(s.Effects<CheckBlob>()[0].blob == FakeDigest("BG 200"));
  CATCH_CHECK(s.CountFacts<CheckpointDamaged>() == 1);
  s.Wait(absl::Seconds(5));
  CATCH_REQUIRE(s.Sent<Assignment>(s.ana).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(s.ana)[0].base->id == "BG-000000000100");
}

CATCH_TEST_CASE("an intact read-back clears the damage, and nothing is set back") {
  TwoChunks s;
  s.Check(200, false);
  s.Check(200, true);
  CATCH_CHECK(s.CountFacts<CheckpointRestored>() == 1);
  CATCH_CHECK(s.Problems().find("damaged") == std::string::npos);
  const Assignment grant = s.GrantAnew();
  CATCH_CHECK(grant.base->id == "BG-000000000200");
  CATCH_CHECK(grant.next_chunk == 2);
  s.Check(200, true);
  CATCH_CHECK(s.CountFacts<CheckpointRestored>() == 1);
}

CATCH_TEST_CASE("with no intact one the run is paused with a reason, and goes on when one is put back") {
  TwoChunks s;
  for (const int step : {100, 200}) s.Check(step, false);
  CATCH_REQUIRE(
      s.Do(TaskFailed{s.ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(TaskOf(s.state, "train/BG").paused);
  CATCH_CHECK_THAT(TaskOf(s.state, "train/BG").reason,
                   ContainsSubstring("every checkpoint of it is damaged"));
  CATCH_CHECK(s.CountFacts<RunSetBack>() == 0);
  s.Check(100, true);
  s.ForgetEffects();
  CATCH_REQUIRE(s.Do(ResumePlan{s.NextId()}).ok());
  CATCH_REQUIRE(s.Sent<Assignment>(s.ana).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(s.ana)[0].base->id == "BG-000000000100");
  CATCH_CHECK(s.Sent<Assignment>(s.ana)[0].next_chunk == 1);
}

CATCH_TEST_CASE("a finished plan that lost a last checkpoint trains it again once its box is there") {
  Scenario s;
  for (const char* member : {"ana", "bo", "zoe"}) CATCH_REQUIRE(s.Attach(member) != 0);
  s.TrainEverything();
  CATCH_REQUIRE(s.state.facts.finished);
  s.Restart();
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 300"), false}).ok());
  // Nobody can take it up: the file may still be put back.
  CATCH_CHECK(s.CheckpointIds("BG").back() == "BG-000000000300");
  const SessionId ana = s.Attach("ana");
  CATCH_CHECK_FALSE(s.state.facts.finished);
  CATCH_CHECK(s.CheckpointIds("BG") == Ids{"BG-000000000200"});
  CATCH_REQUIRE(s.Sent<Assignment>(ana).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(ana)[0].next_chunk == 2);
  CATCH_REQUIRE(s.Do(BlobRemoved{FakeDigest("BG 300")}).ok());
  s.TrainChunk(ana, "train/BG");
  CATCH_CHECK(s.state.facts.finished);
  CATCH_CHECK(s.CountFacts<PlanFinished>() == 2);
}

CATCH_TEST_CASE("a run that opens again in the moment of the plan's end keeps the plan open") {
  Scenario s;
  for (const char* member : {"ana", "bo"}) CATCH_REQUIRE(s.Attach(member) != 0);
  const SessionId zoe = s.Attach("zoe");
  for (int chunk = 0; chunk < 3; ++chunk) {
    for (const char* task : {"train/BG", "train/AV", "train/CM", "train/RR"}) {
      s.TrainChunk(SessionOfBox(s.state, TaskOf(s.state, task).holder->box), task);
    }
    if (chunk < 2) CATCH_REQUIRE(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), chunk, 0, 0}).ok());
  }
  // The damage and the last round come in one batch, before the tick.
  const auto damage = Decide(s.state, {.body = BlobChecked{FakeDigest("BG 300"), false}}, s.now);
  CATCH_REQUIRE(damage.ok());
  for (const Event& event : damage->events) {
    s.journal.push_back(std::get<Fact>(event));
    Apply(s.state, event);
  }
  CATCH_REQUIRE(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), 2, 0, 0}).ok());
  CATCH_CHECK(TaskOf(s.state, "integrate").done);
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").done);
  CATCH_CHECK_FALSE(s.state.facts.finished);
  CATCH_CHECK(s.CountFacts<PlanFinished>() == 0);
}

}  // namespace
}  // namespace interceptor::coordinator
