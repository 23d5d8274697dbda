#include "worker/agent/child_events.h"

#include <iterator>

#include "tests/support/catch.h"
#include "worker/agent/convert.h"
#include "worker/agent/coordinator_client.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// As docs/child-protocol.md writes them, with a field that only a newer child would say.
json ProgressEvent() {
  return json::parse(R"({"event":"progress","phase":"training","chunk":1,
    "cursor":{"chunk":1,"epoch":0,"position":17,"seed":9},"step":40,"chunk_steps":60,"loss":0.5,
    "learning_rate":0.001,"samples_per_s":12.5,"data_wait_share":0,"training_s":33,"mood":"good"})");
}

template <typename T>
T FromTrainerAs(const json& event) {
  const auto input = FromTrainer(5, "BG", event);
  CATCH_REQUIRE(input.ok());
  CATCH_REQUIRE(input->has_value());
  CATCH_REQUIRE(std::holds_alternative<T>(**input));
  return std::get<T>(**input);
}

CATCH_TEST_CASE("a trainer's events become the session's inputs") {
  const auto moved = FromTrainerAs<TrainerMoved>(ProgressEvent());
  CATCH_CHECK(moved.child == 5);
  CATCH_CHECK(moved.at.cursor == Cursor{1, 0, 17, 9});
  CATCH_CHECK(moved.at.samples_per_second == 12.5);
  CATCH_CHECK(FromTrainerAs<TrainerReady>(json::parse(R"({"event":"ready","next_chunk":2})")).next_chunk ==
              2);
  const auto saved =
      FromTrainerAs<TrainerSaved>(json::parse(R"({"event":"checkpoint","path":"p","sha256":"ab",
    "size_bytes":7,"step":8,"cursor":{"chunk":1,"epoch":0,"position":0,"seed":9},"training_s":1.5,
    "reason":"chunk_end","manifests":["m0","m1"],"stall_ms":3})"));
  CATCH_CHECK(saved.checkpoint.specialist == "BG");
  CATCH_CHECK(saved.checkpoint.blob == Digest{"ab", 7});
  CATCH_CHECK(saved.checkpoint.manifests == std::vector<std::string>{"m0", "m1"});
  const auto failed = FromTrainerAs<ChildFailed>(
      json::parse(R"({"event":"failed","code":"DATA_LOSS","text":"bad","retry":false})"));
  CATCH_CHECK(failed.failure.code == absl::StatusCode::kDataLoss);
  CATCH_CHECK_FALSE(failed.failure.retryable);
  CATCH_CHECK(FromTrainerAs<TrainerFinishedChunk>(
                  json::parse(R"({"event":"chunk_finished","chunk":1,"step":60,"training_s":2})"))
                  .chunk.step == 60);
}

CATCH_TEST_CASE("events for people and events of newer children mean nothing to the session") {
  for (const char* text : {R"({"event":"hello","protocol":1})", R"({"event":"sang"})"}) {
    const auto input = FromTrainer(5, "BG", json::parse(text));
    CATCH_REQUIRE(input.ok());
    CATCH_CHECK_FALSE(input->has_value());
  }
}

CATCH_TEST_CASE("an event without a name, or with one that is no text, is refused") {
  for (const char* text : {R"({})", R"({"event":3})", R"({"event":null})", R"({"event":{"event":"ready"}})"}) {
    const json event = json::parse(text);
    CATCH_CHECK(absl::IsInvalidArgument(FromTrainer(5, "BG", event).status()));
    CATCH_CHECK(absl::IsInvalidArgument(FromPreparer(5, event).status()));
    CATCH_CHECK(absl::IsInvalidArgument(NoteOf(event).status()));
  }
}

CATCH_TEST_CASE("what a child says to people is a line for the log, and is refused in another type") {
  const json events[] = {
      json::parse(R"({"event":"started","weights":"scratch","step":7,"device":"cpu"})"),
      json::parse(R"({"event":"gate","text":"3 REAL"})"),
      json::parse(R"({"event":"quarantine","clip":"x.mp4","reason":"no video"})"),
  };
  const char* lines[] = {"trainer started from scratch at step 7 on cpu", "3 REAL",
                         "quarantined x.mp4: no video"};
  for (size_t i = 0; i < std::size(events); ++i) {
    const auto note = NoteOf(events[i]);
    CATCH_REQUIRE(note.ok());
    CATCH_REQUIRE(note->has_value());
    CATCH_CHECK((*note)->text == lines[i]);
    for (const auto& [key, value] : events[i].items()) {
      json wrong = events[i];
      wrong[key] = json::array({1});
      CATCH_CHECK(absl::IsInvalidArgument(NoteOf(wrong).status()));
    }
  }
}

CATCH_TEST_CASE("a preparer that waits for another process counts nothing") {
  auto moved = [](const char* text) {
    const auto input = FromPreparer(5, json::parse(text));
    CATCH_REQUIRE(input.ok());
    return std::get<PreparerMoved>(**input).done;
  };
  CATCH_CHECK(moved(R"({"event":"progress","done":3,"total":9})") == 3);
  CATCH_CHECK(moved(R"({"event":"progress","done":0,"total":0})") == -1);
  CATCH_CHECK_FALSE(
      FromPreparer(5, json::parse(R"({"event":"progress","done":3,"total":"9"})")).ok());
}

CATCH_TEST_CASE("an event that lacks a field or has it in another type is refused, naming it") {
  const json whole = ProgressEvent();
  for (const auto& [key, value] : whole.items()) {
    if (key == "event" || key == "chunk" || key == "learning_rate" || key == "mood") continue;
    json lacking = ProgressEvent();
    lacking.erase(key);
    CATCH_INFO(key);
    CATCH_CHECK_FALSE(FromTrainer(5, "BG", lacking).ok());
    json wrong = ProgressEvent();
    wrong[key] = json::array();
    const auto refused = FromTrainer(5, "BG", wrong);
    CATCH_CHECK(refused.status().message().find(key) != std::string::npos);
  }
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
  const auto moved = FromIntegrator(7, json::parse(R"({"event":"progress","done":2,"total":6})"));
  CATCH_REQUIRE(moved.ok());
  CATCH_CHECK(std::get<IntegratorMoved>(**moved).done == 2);
  CATCH_CHECK(std::get<RoundJoined>(**FromIntegrator(7, {{"event", "joined"}})).child == 7);
  const auto failed = FromIntegrator(7, {{"event", "failed"}, {"code", "DATA_LOSS"}, {"text", "line 2"}});
  CATCH_REQUIRE(failed.ok());
  CATCH_CHECK(std::get<ChildFailed>(**failed).failure.text == "line 2");
  CATCH_CHECK_FALSE(FromIntegrator(7, {{"event", "hello"}})->has_value());
  CATCH_CHECK(absl::IsInvalidArgument(FromIntegrator(7, {{"event", "progress"}}).status()));
}

CATCH_TEST_CASE("pauses between attempts grow to ten seconds and are spread by half") {
  CATCH_CHECK(ReconnectPause(0, 0) == absl::Milliseconds(100));
  CATCH_CHECK(ReconnectPause(1, 1) == absl::Milliseconds(400));
  CATCH_CHECK(ReconnectPause(100, 1) == absl::Seconds(10));
  CATCH_CHECK(ReconnectPause(100, 0) == absl::Seconds(5));
}

}  // namespace
}  // namespace interceptor::worker
