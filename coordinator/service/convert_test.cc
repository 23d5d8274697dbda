#include "coordinator/service/convert.h"

#include "common/base/status.h"
#include "common/plan/plan.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {

CATCH_TEST_CASE("A plan's facts are its own numbers") {
  const absl::StatusOr<v1::Plan> plan = ParsePlan(R"(
      name: "p"
      members { name: "a" specialists: "BG" specialists: "AV" }
      members { name: "b" integrates: true }
      chunks { name: "00" } chunks { name: "01" }
      checkpoints { period_seconds: 7 keep_latest: 3 vault_bytes_max: 5000000 }
      scheduling { lease_ttl_seconds: 4 handover_seconds: 5 stall_seconds: 6 })",
                                                  "p");
  CATCH_REQUIRE(plan.ok());
  const PlanFacts facts = ToPlanFacts(*plan);
  CATCH_CHECK(facts.name == "p");
  CATCH_CHECK(facts.digest == PlanDigest(*plan));
  CATCH_CHECK(facts.members == std::vector<PlanMember>{{"a", {"BG", "AV"}, false}, {"b", {}, true}});
  CATCH_CHECK(facts.chunks.size() == 2);
  CATCH_CHECK(facts.lease_ttl == absl::Seconds(4));
  CATCH_CHECK(facts.handover == absl::Seconds(5));
  CATCH_CHECK(facts.stall == absl::Seconds(6));
  CATCH_CHECK(facts.checkpoint_period == absl::Seconds(7));
  CATCH_CHECK(facts.keep_latest == 3);
  CATCH_CHECK(facts.vault_bytes_max == 5000000);
}

CATCH_TEST_CASE("A manifest's bytes of views survive the way out and back") {
  DataManifest manifest{.chunk = "03", .blob = {}, .chunk_sha256 = ""};
  manifest.view_bytes = {{"burst", 9}, {"face_crop", 7}};
  CATCH_CHECK(FromProto(ToProto(manifest)).view_bytes == manifest.view_bytes);
}

CATCH_TEST_CASE("Checkpoints and evaluations survive the way out and back") {
  Checkpoint checkpoint;
  checkpoint.specialist = "BG";
  checkpoint.blob = DigestOf("x");
  checkpoint.step = 5;
  checkpoint.cursor = {1, 2, 3, 4};
  checkpoint.training_seconds = 6.5;
  checkpoint.manifests = {"m0", "m1"};
  checkpoint.reason = SaveReason::kChunkEnd;
  CATCH_CHECK(FromProto(ToProto(checkpoint)).value() == checkpoint);

  Evaluation evaluation;
  evaluation.specialist = "TM";
  evaluation.kind = EvaluationKind::kLookAhead;
  evaluation.chunk = 3;
  evaluation.step = 9;
  evaluation.score_table = DigestOf("y");
  evaluation.reals = 1;
  evaluation.fakes = 2;
  evaluation.families = 3;
  evaluation.auc = 0.5;
  evaluation.auc_low = 0.25;
  evaluation.auc_high = 0.75;
  evaluation.log_loss = 0.7;
  evaluation.real_accuracy = 0.1;
  evaluation.fake_accuracy = 0.2;
  evaluation.too_few = true;
  evaluation.log_loss_low = 0.6;
  evaluation.log_loss_high = 0.8;
  evaluation.bias = SampleBias();
  evaluation.best_step = 4;
  evaluation.rise_low = 0.01;
  evaluation.rise_high = 0.02;
  evaluation.worse_in_a_row = 3;
  CATCH_CHECK(FromProto(ToProto(evaluation)).value() == evaluation);

  v1::Checkpoint unknown;
  unknown.set_reason("whim");
  CATCH_CHECK(Message(FromProto(unknown).status()).find("save_now, chunk_end") != std::string::npos);
  v1::Evaluation odd;
  odd.set_kind("whim");
  CATCH_CHECK(Message(FromProto(odd).status()).find("held_out, look_ahead") != std::string::npos);
}

CATCH_TEST_CASE("Why a copy of a chunk is not taken comes in and goes out") {
  v1::Inventory inventory;
  v1::ChunkOnBox* chunk = inventory.add_chunks();
  chunk->set_chunk("03");
  chunk->set_problem("cut short");
  chunk->set_needs_action(true);
  const std::vector<ChunkOnBox> chunks = FromProto(inventory);
  CATCH_CHECK(chunks.at(0) == ChunkOnBox{"03", 0, "", "cut short", true});
  WorkerView worker;
  worker.chunks = std::make_shared<const std::vector<ChunkOnBox>>(chunks);
  CATCH_CHECK(ToProto(worker).chunks(0).problem() == "cut short");
  CATCH_CHECK(ToProto(worker).chunks(0).needs_action());
  ChunkView view;
  view.problems.push_back({"ana", "cut short", true});
  CATCH_CHECK(ToProto(view).problems(0).member() == "ana");
  CATCH_CHECK(ToProto(view).problems(0).text() == "cut short");
  CATCH_CHECK(ToProto(view).problems(0).needs_action());
}

CATCH_TEST_CASE("Times before and after the epoch and absent durations are told right") {
  TaskView task;
  task.since_progress = absl::InfiniteDuration();
  task.lease_left = absl::Milliseconds(1500);
  CATCH_CHECK_FALSE(ToProto(task).has_since_progress());
  CATCH_CHECK(ToProto(task).lease_left().seconds() == 1);
  CATCH_CHECK(ToProto(task).lease_left().nanos() == 500'000'000);

  Checkpoint checkpoint;
  checkpoint.committed_at = absl::UnixEpoch() - absl::Milliseconds(1);
  CATCH_CHECK(ToProto(checkpoint).committed_at().seconds() == -1);
  CATCH_CHECK(ToProto(checkpoint).committed_at().nanos() == 999'000'000);
}

CATCH_TEST_CASE("Every directive arrives as its own kind") {
  CATCH_CHECK(ToProto(Directive(Assignment{{"train/BG", 2}, 1, std::nullopt, absl::Seconds(1)}))
                  .assignment()
                  .task()
                  .term() == 2);
  CATCH_CHECK(ToProto(Directive(Renewed{{"t", 1}, 9, absl::Seconds(1)})).renewed().through_update() == 9);
  CATCH_CHECK(ToProto(Directive(SaveNow{{"t", 1}})).has_save_now());
  CATCH_CHECK(ToProto(Directive(Drain{"r"})).drain().reason() == "r");
  CATCH_CHECK(ToProto(Directive(Drop{{"t", 1}, "r"})).drop().reason() == "r");
  CATCH_CHECK(ToProto(Directive(ManifestFact{{.chunk = "03", .blob = {}, .chunk_sha256 = ""}}))
                  .manifest()
                  .manifest()
                  .chunk() == "03");
  const Round round{.chunk = 4, .evaluations = {Evaluation{}}, .absent = {{"TM", "lost"}}, .last = true};
  CATCH_CHECK(FromProto(ToProto(Directive(RoundReady{round})).round_ready()).value() == round);
}

}  // namespace interceptor::coordinator
