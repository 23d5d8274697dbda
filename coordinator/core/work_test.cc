// Manifests, evaluations, finished chunks, failures, rounds, the plan's end.
#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/rounds.h"
#include "coordinator/core/status_view.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

ManifestProposed Manifest(Scenario& s, SessionId session, const std::string& chunk,
                          const std::string& bytes) {
  return {session,
          s.NextId(),
          s.Ref("train/BG"),
          {chunk, FakeDigest(bytes), FakeHex("zip " + chunk), 10, 4, 1},
          true};
}

CATCH_TEST_CASE("the first manifest of a chunk holds; an equal one is accepted, another one refused") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId zoe = s.Attach("zoe");
  CATCH_REQUIRE(s.Do(Manifest(s, ana, "00", "first")).ok());
  CATCH_CHECK(s.Sent<ManifestFact>(ana).size() == 1);
  CATCH_CHECK(s.Sent<ManifestFact>(zoe).size() == 1);
  CATCH_CHECK(s.Do(Manifest(s, ana, "00", "first")).ok());
  CATCH_CHECK(s.CountFacts<ManifestCommitted>() == 1);
  const absl::Status other = s.Do(Manifest(s, ana, "00", "second"));
  CATCH_CHECK(other.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK_THAT(Message(other),
                   ContainsSubstring(FakeHex("first")) && ContainsSubstring(FakeHex("second")));
  CATCH_CHECK(s.state.facts.chunks.at("00").manifest->blob == FakeDigest("first"));
}

CATCH_TEST_CASE("a manifest needs its blob, its chunk's bytes, and those before it") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  ManifestProposed proposal = Manifest(s, ana, "00", "m");
  proposal.blob_verified = false;
  CATCH_CHECK_THAT(Message(s.Do(proposal)), ContainsSubstring("not in the vault"));
  // Sent again under the same id once the blob is there.
  proposal.blob_verified = true;
  CATCH_CHECK(s.Do(proposal).ok());
  CATCH_CHECK(s.Do(Manifest(s, ana, "02", "m2")).code() == absl::StatusCode::kFailedPrecondition);
  proposal = Manifest(s, ana, "01", "m1");
  proposal.manifest.chunk_sha256 = FakeHex("other zip");
  CATCH_CHECK_THAT(Message(s.Do(proposal)),
                   ContainsSubstring(FakeHex("other zip")) && ContainsSubstring(FakeHex("zip 01")));
  const auto refused = [&](auto change) {
    ManifestProposed bad = Manifest(s, ana, "01", "m1");
    change(bad.manifest);
    return s.Do(bad).code() == absl::StatusCode::kInvalidArgument;
  };
  CATCH_CHECK(refused([](DataManifest& m) { m.chunk = "77"; }));
  CATCH_CHECK(refused([](DataManifest& m) { m.blob.hex = "x"; }));
  CATCH_CHECK(refused([](DataManifest& m) { m.blob.size_bytes = 0; }));
  CATCH_CHECK(refused([](DataManifest& m) { m.chunk_sha256 = ""; }));
  CATCH_CHECK(refused([](DataManifest& m) { m.clips = -1; }));
}

CATCH_TEST_CASE("a chunk that nobody hashed yet gets its digest from its first manifest") {
  Scenario s;
  const SessionId ana = s.Attach("ana", {.chunks = {}});
  CATCH_REQUIRE(s.Do(Manifest(s, ana, "00", "m")).ok());
  CATCH_CHECK(s.state.facts.chunks.at("00").sha256 == FakeHex("zip 00"));
}

CATCH_TEST_CASE("mutations carry a current term") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  const Facts before = s.state.facts;
  ManifestProposed manifest = Manifest(s, ana, "00", "m");
  manifest.task.term = 0;
  CATCH_CHECK(s.Do(manifest).code() == absl::StatusCode::kAborted);
  manifest.task = {"train/XX", 1};
  CATCH_CHECK(s.Do(manifest).code() == absl::StatusCode::kNotFound);
  manifest = Manifest(s, bo, "00", "m");
  CATCH_CHECK(s.Do(manifest).code() == absl::StatusCode::kAborted);
  CATCH_CHECK(s.CommitCheckpoint(bo, "train/BG", 1).code() == absl::StatusCode::kAborted);
  CATCH_CHECK(s.Do(s.MakeEvaluation(bo, "train/BG", 0)).code() == absl::StatusCode::kAborted);
  CATCH_CHECK(s.Do(ChunkFinished{bo, s.NextId(), s.Ref("train/BG"), 0, 1, 1}).code() ==
              absl::StatusCode::kAborted);
  CATCH_CHECK(
      s.Do(TaskFailed{bo, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).code() ==
      absl::StatusCode::kAborted);
  CATCH_CHECK(s.state.facts == before);
}

CATCH_TEST_CASE("a request id must be well formed and means one request") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  ManifestProposed manifest = Manifest(s, ana, "00", "m");
  manifest.request_id = "";
  CATCH_CHECK(s.Do(manifest).code() == absl::StatusCode::kInvalidArgument);
  manifest.request_id = FakeId("mine");
  CATCH_REQUIRE(s.Do(manifest).ok());
  ManifestProposed other = Manifest(s, ana, "01", "m1");
  other.request_id = FakeId("mine");
  CATCH_CHECK_THAT(Message(s.Do(other)), ContainsSubstring("another request"));
}

CATCH_TEST_CASE("chunks finish in order, once, and only with their end committed") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const auto finish = [&](int chunk) {
    return s.Do(ChunkFinished{ana, s.NextId(), s.Ref("train/BG"), chunk, 100, 100});
  };
  CATCH_CHECK_THAT(Message(finish(0)), ContainsSubstring("no committed manifest"));
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_CHECK_THAT(Message(finish(0)), ContainsSubstring("no committed checkpoint"));
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 50, SaveReason::kSaveNow).ok());
  CATCH_CHECK(finish(0).code() == absl::StatusCode::kFailedPrecondition);
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100, SaveReason::kChunkEnd).ok());
  CATCH_CHECK(finish(1).code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(finish(-1).code() == absl::StatusCode::kFailedPrecondition);
  CATCH_REQUIRE(finish(0).ok());
  CATCH_CHECK(finish(0).code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(TaskOf(s.state, "train/BG").next_chunk == 1);
  // From chunk to chunk under one lease.
  CATCH_CHECK(s.Ref("train/BG").term == 1);
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
}

CATCH_TEST_CASE("a retry of an accepted request is answered, not repeated, over restarts and new terms") {
  Scenario s;
  SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CheckpointProposed save = s.MakeCheckpoint(ana, "train/BG", 100, SaveReason::kChunkEnd);
  CATCH_REQUIRE(s.Do(save).ok());
  ChunkFinished finish{ana, s.NextId(), s.Ref("train/BG"), 0, 100, 100};
  CATCH_REQUIRE(s.Do(finish).ok());
  TaskFailed failed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "oops", true};
  CATCH_REQUIRE(s.Do(failed).ok());
  s.Wait(absl::Seconds(5));
  CATCH_REQUIRE(s.Ref("train/BG").term == 2);
  s.Restart();
  ana = s.Attach("ana");
  const Facts before = s.state.facts;
  save.session = finish.session = failed.session = ana;
  CATCH_CHECK(s.Do(save).ok());
  CATCH_CHECK(s.Do(finish).ok());
  CATCH_CHECK(s.Do(failed).ok());
  CATCH_CHECK(s.state.facts == before);
  // The same under a new id is refused: its term is over.
  finish.request_id = s.NextId();
  CATCH_CHECK(s.Do(finish).code() == absl::StatusCode::kAborted);
}

CATCH_TEST_CASE("evaluations are recorded once a kind and chunk, the newest counts") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  EvaluationReported report = s.MakeEvaluation(ana, "train/BG", 0);
  report.blob_verified = false;
  CATCH_CHECK(s.Do(report).code() == absl::StatusCode::kFailedPrecondition);
  report.blob_verified = true;
  CATCH_CHECK(s.Do(report).ok());
  CATCH_CHECK(s.Do(report).ok());
  CATCH_CHECK(s.CountFacts<EvaluationRecorded>() == 1);
  // A child that starts again tells the same once more, and later: one fact.
  report.request_id = s.NextId();
  s.Wait(absl::Seconds(1));
  CATCH_CHECK(s.Do(report).ok());
  CATCH_CHECK(s.CountFacts<EvaluationRecorded>() == 1);
  EvaluationReported newer = s.MakeEvaluation(ana, "train/BG", 0);
  newer.evaluation.auc = 0.9;
  CATCH_CHECK(s.Do(newer).ok());
  CATCH_REQUIRE(s.state.facts.evaluations.size() == 1);
  CATCH_CHECK(s.state.facts.evaluations.begin()->second.auc == 0.9);
  const auto refused = [&](auto change) {
    EvaluationReported bad = s.MakeEvaluation(ana, "train/BG", 1);
    change(bad.evaluation);
    return s.Do(bad).code() == absl::StatusCode::kInvalidArgument;
  };
  CATCH_CHECK(refused([](Evaluation& e) { e.specialist = "AV"; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.chunk = 3; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.auc = NAN; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.real_accuracy = 1.5; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.log_loss = INFINITY; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.log_loss_low = -1; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.rise_high = NAN; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.worse_in_a_row = -1; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.reals = -1; }));
  CATCH_CHECK(refused([](Evaluation& e) { e.score_table = {}; }));
}

CATCH_TEST_CASE("a failure that a retry may cure is granted again after a rest, ten times at most") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  for (int i = 1; i < kFailuresMax; ++i) {
    CATCH_REQUIRE(
        s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "crash", true})
            .ok());
    CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
    s.Work(absl::Minutes(6));
    CATCH_CHECK(s.Ref("train/BG").term == i + 1);
  }
  CATCH_REQUIRE(
      s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "crash", true}).ok());
  CATCH_CHECK(TaskOf(s.state, "train/BG").paused);
  CATCH_CHECK_THAT(TaskOf(s.state, "train/BG").reason, ContainsSubstring("10 times in a row"));
  // Its sibling goes on.
  CATCH_CHECK(s.IsHeldBy("train/AV", "ana-box"));
}

CATCH_TEST_CASE("a checkpoint ends a row of failures") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  for (int i = 1; i < 15; ++i) {
    CATCH_REQUIRE(
        s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "crash", true})
            .ok());
    s.Work(absl::Seconds(10));
    CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", i).ok());
  }
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").paused);
}

CATCH_TEST_CASE("a failure that no retry cures pauses that run alone until a person resumes") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const std::string text = std::string(3000, 'x') + "\n";
  CATCH_REQUIRE(
      s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kDataLoss, text, false}).ok());
  CATCH_CHECK(TaskOf(s.state, "train/BG").paused);
  CATCH_CHECK(TaskOf(s.state, "train/BG").reason.size() <= kTextBytesMax + 70);
  s.Work(absl::Minutes(30));
  CATCH_CHECK(s.Ref("train/BG").term == 1);
  CATCH_CHECK(s.IsHeldBy("train/AV", "ana-box"));
  s.Restart();
  const SessionId again = s.Attach("ana");
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  CATCH_CHECK(s.Ref("train/BG").term == 2);
  CATCH_CHECK(s.Sent<Assignment>(again).back().task == TaskRef{"train/BG", 2});
}

CATCH_TEST_CASE("a round is announced when all runs finished its chunk, once a stream") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  SessionId zoe = s.Attach("zoe");
  CATCH_CHECK_THAT(RoundWaitsFor(s.state, 0), ContainsSubstring("BG, AV, CM, RR to finish chunk 00"));
  CATCH_CHECK(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), 0, 0, 0}).code() ==
              absl::StatusCode::kFailedPrecondition);
  for (const char* task : {"train/BG", "train/AV"}) s.TrainChunk(ana, task);
  s.TrainChunk(bo, "train/CM");
  CATCH_CHECK(RoundsReady(s.state) == 0);
  CATCH_CHECK(s.Sent<RoundReady>(zoe).empty());
  s.TrainChunk(bo, "train/RR");
  CATCH_CHECK(RoundsReady(s.state) == 1);
  CATCH_CHECK(RoundIsReady(s.state, 0));
  CATCH_CHECK_FALSE(RoundIsReady(s.state, 1));
  CATCH_REQUIRE(s.Sent<RoundReady>(zoe).size() == 1);
  const Round round = s.Sent<RoundReady>(zoe)[0].round;
  CATCH_CHECK(round.chunk == 0);
  CATCH_CHECK(round.evaluations.size() == 4);
  CATCH_CHECK(round.evaluations[2].specialist == "CM");
  CATCH_CHECK(round.absent.empty());
  CATCH_CHECK_FALSE(round.last);
  s.Work(absl::Seconds(20));
  CATCH_CHECK(s.Sent<RoundReady>(zoe).size() == 1);
  zoe = s.Attach("zoe");
  CATCH_CHECK(s.Sent<RoundReady>(zoe).size() == 1);
  CATCH_CHECK(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), 0, 0, 0}).ok());
  CATCH_CHECK(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), 1, 0, 0}).code() ==
              absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("a round is announced again when the integrating task was taken away and granted anew") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  const SessionId zoe = s.Attach("zoe");
  for (const char* task : {"train/BG", "train/AV"}) s.TrainChunk(ana, task);
  for (const char* task : {"train/CM", "train/RR"}) s.TrainChunk(bo, task);
  CATCH_REQUIRE(s.Sent<RoundReady>(zoe).size() == 1);
  CATCH_REQUIRE(s.Do(PausePlan{"", "lunch"}).ok());
  CATCH_CHECK_FALSE(s.IsHeldBy("integrate", "zoe-box"));
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_CHECK(s.IsHeldBy("integrate", "zoe-box"));
  CATCH_CHECK(s.Sent<RoundReady>(zoe).size() == 2);
}

CATCH_TEST_CASE("a round says whose evaluation it goes without, and status does") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  const SessionId zoe = s.Attach("zoe");
  for (const char* task : {"train/AV"}) s.TrainChunk(ana, task);
  for (const char* task : {"train/CM", "train/RR"}) s.TrainChunk(bo, task);
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100, SaveReason::kChunkEnd).ok());
  CATCH_REQUIRE(s.Do(ChunkFinished{ana, s.NextId(), s.Ref("train/BG"), 0, 100, 100}).ok());
  CATCH_CHECK(RoundsReady(s.state) == 1);
  CATCH_REQUIRE(s.Sent<RoundReady>(zoe).size() == 1);
  const Round round = s.Sent<RoundReady>(zoe)[0].round;
  CATCH_REQUIRE(round.evaluations.size() == 3);
  for (const Evaluation& evaluation : round.evaluations) CATCH_CHECK(evaluation.specialist != "BG");
  CATCH_REQUIRE(round.absent.size() == 1);
  CATCH_CHECK(round.absent[0].specialist == "BG");
  CATCH_CHECK_THAT(round.absent[0].reason, ContainsSubstring("no held-out result"));

  const std::string without = "round 00 goes without BG (no held-out result";
  CATCH_CHECK_THAT(BuildStatus(s.state, s.now).tasks.back().reason, ContainsSubstring(without));
  CATCH_REQUIRE(s.Do(ChunkFinished{zoe, s.NextId(), s.Ref("integrate"), 0, 0, 0}).ok());
  CATCH_REQUIRE(s.Report(zoe, s.At("integrate", Phase::kIntegrating, 0)).ok());
  CATCH_CHECK(
      BuildStatus(s.state, s.now).tasks.back().reason.starts_with("waiting for BG, AV, CM, RR to finish"));
  CATCH_CHECK_THAT(BuildStatus(s.state, s.now).tasks.back().reason, ContainsSubstring(without));
}

CATCH_TEST_CASE("a round that waits names the paused run, with its reason") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.Attach("bo");
  const SessionId zoe = s.Attach("zoe");
  s.TrainChunk(ana, "train/AV");
  CATCH_REQUIRE(
      s.Do(TaskFailed{
               ana, s.NextId(), s.Ref("train/BG"), {absl::StatusCode::kDataLoss, "labels contradict", false}})
          .ok());
  CATCH_REQUIRE(s.Report(zoe, s.At("integrate", Phase::kIntegrating, 0)).ok());
  CATCH_CHECK(BuildStatus(s.state, s.now).tasks.back().reason ==
              "waiting for BG, CM, RR to finish chunk 00; BG is paused: DATA_LOSS: labels contradict");
}

CATCH_TEST_CASE("the plan ends when every task is done, and stays ended") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.Attach("bo");
  s.Attach("zoe");
  s.TrainEverything();
  CATCH_CHECK(s.state.facts.finished);
  CATCH_CHECK(s.CountFacts<PlanFinished>() == 1);
  for (const std::string& task : s.state.soft.index.tasks) {
    CATCH_CHECK(TaskOf(s.state, task).done);
    CATCH_CHECK(TaskOf(s.state, task).term == 1);
  }
  // The last holder may still report; nobody may train.
  CATCH_CHECK(s.Do(s.MakeEvaluation(ana, "train/BG", 2)).ok());
  CATCH_CHECK(s.CommitCheckpoint(ana, "train/BG", 9999).code() == absl::StatusCode::kAborted);
  s.Restart();
  s.Attach("ana");
  s.Work(absl::Minutes(20));
  CATCH_CHECK(s.CountFacts<PlanFinished>() == 1);
  CATCH_CHECK(s.CountFacts<TaskGranted>() == 5);
}

}  // namespace
}  // namespace interceptor::coordinator
