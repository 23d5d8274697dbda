#include "worker/agent/child_messages.h"

#include "tests/support/catch.h"
#include "worker/agent/convert.h"
#include "worker/agent/coordinator_client.h"

namespace interceptor::worker {
namespace {

template <typename T>
T FromTrainer(const TrainerEvent& event) {
  const auto input = ToInput(5, "BG", event);
  CATCH_REQUIRE(input.has_value());
  CATCH_REQUIRE(std::holds_alternative<T>(*input));
  return std::get<T>(*input);
}

CATCH_TEST_CASE("a child's events become the session's inputs") {
  const auto moved = FromTrainer<TrainerMoved>(TrainerProgressEvent{.progress = {.step = 40}});
  CATCH_CHECK(moved.child == 5);
  CATCH_CHECK(moved.at.step == 40);
  CATCH_CHECK(FromTrainer<TrainerReady>(ReadyEvent{2}).next_chunk == 2);
  CheckpointEvent checkpoint;
  checkpoint.path = "p";
  checkpoint.checkpoint.step = 8;
  const auto saved = FromTrainer<TrainerSaved>(checkpoint);
  CATCH_CHECK(saved.checkpoint.specialist == "BG");
  CATCH_CHECK(saved.checkpoint.step == 8);
  CATCH_CHECK(saved.path == "p");
  EvaluationEvent evaluation;
  evaluation.evaluation.auc = 0.5;
  const auto evaluated = FromTrainer<TrainerEvaluated>(evaluation);
  CATCH_CHECK(evaluated.evaluation.specialist == "BG");
  CATCH_CHECK(evaluated.evaluation.auc == 0.5);
  CATCH_CHECK(FromTrainer<TrainerFinishedChunk>(ChunkFinishedEvent{1, 60, 2}).chunk ==
              ChunkFinished{1, 60, 2});
  const Failure failure{absl::StatusCode::kDataLoss, "bad", false};
  CATCH_CHECK(FromTrainer<ChildFailed>(FailedEvent{failure}).failure == failure);
  CATCH_CHECK(FromTrainer<TrainerFinished>(FinishedEvent{}).child == 5);
  CATCH_CHECK_FALSE(ToInput(5, "BG", StartedEvent{}));
  CATCH_CHECK(std::get<PreparerMoved>(*ToInput(5, PreparerProgressEvent{.done = 3, .total = 9})).done == 3);
  CATCH_CHECK(std::get<ChildFailed>(*ToInput(5, PreparerEvent(FailedEvent{failure}))).failure == failure);
  CATCH_CHECK_FALSE(ToInput(5, PreparerEvent(GateEvent{})));
}

CATCH_TEST_CASE("what a child says to people is a line for the log") {
  StartedEvent started;
  started.weights = "scratch";
  started.device = "cpu";
  started.step = 7;
  CATCH_CHECK(NoteOf(TrainerEvent(started))->text == "trainer started from scratch at step 7 on cpu");
  CATCH_CHECK(NoteOf(PreparerEvent(GateEvent{.text = "3 REAL"}))->text == "3 REAL");
  const auto quarantined = NoteOf(PreparerEvent(QuarantineEvent{"x.mp4", "no video"}));
  CATCH_CHECK(quarantined->text == "quarantined x.mp4: no video");
  CATCH_CHECK(quarantined->warning);
  CATCH_CHECK_FALSE(NoteOf(TrainerEvent(ReadyEvent{})));
}

CATCH_TEST_CASE("a directive becomes an input, an unknown one an error") {
  v1::Directive directive;
  CATCH_CHECK(absl::IsInvalidArgument(FromProto(directive).status()));
  directive.mutable_rejected()->set_request_id("id");
  directive.mutable_rejected()->set_code(static_cast<int>(absl::StatusCode::kAborted));
  const auto input = FromProto(directive);
  CATCH_REQUIRE(input.ok());
  CATCH_CHECK(absl::IsAborted(std::get<Answered>(*input).status));
  directive.mutable_rejected()->set_code(0);
  directive.mutable_rejected()->set_text("no");
  const absl::Status refused = std::get<Answered>(*FromProto(directive)).status;
  CATCH_CHECK(refused == absl::UnknownError("no"));
  v1::Assignment* assignment = directive.mutable_assignment();
  assignment->mutable_task()->set_task("train/BG");
  assignment->mutable_task()->set_term(4);
  assignment->set_next_chunk(2);
  CATCH_CHECK_FALSE(std::get<Assigned>(*FromProto(directive)).base);
  assignment->mutable_base()->set_step(9);
  CATCH_CHECK(absl::IsInvalidArgument(FromProto(directive).status()));  // a base without its reason
  assignment->mutable_base()->set_reason("chunk_end");
  CATCH_CHECK(std::get<Assigned>(*FromProto(directive)).base->step == 9);
}

CATCH_TEST_CASE("an integrator's events become the session's inputs") {
  const auto moved = ToInput(7, IntegratorProgressEvent{.done = 2, .total = 6});
  CATCH_CHECK(std::get<IntegratorMoved>(*moved).done == 2);
  CATCH_CHECK(std::get<RoundJoined>(*ToInput(7, JoinedEvent{})).child == 7);
  const Failure failure{absl::StatusCode::kDataLoss, "line 2", true};
  CATCH_CHECK(std::get<ChildFailed>(*ToInput(7, IntegratorEvent(FailedEvent{failure}))).failure == failure);
  CATCH_CHECK_FALSE(ToInput(7, IntegratorEvent(HelloEvent{})));
}

CATCH_TEST_CASE("pauses between attempts grow to ten seconds and are spread by half") {
  CATCH_CHECK(ReconnectPause(0, 0) == absl::Milliseconds(100));
  CATCH_CHECK(ReconnectPause(1, 1) == absl::Milliseconds(400));
  CATCH_CHECK(ReconnectPause(100, 1) == absl::Seconds(10));
  CATCH_CHECK(ReconnectPause(100, 0) == absl::Seconds(5));
}

}  // namespace
}  // namespace interceptor::worker
