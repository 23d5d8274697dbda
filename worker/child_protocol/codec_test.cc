#include "worker/child_protocol/codec.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// Protocol version 1, byte for byte.
const std::vector<std::string> kPreparerEvents = {
    R"({"event":"hello","pid":7,"program":"interceptor-prepare","protocol":1})",
    R"({"done":3,"event":"progress","phase":"preparing","quarantined":1,"total":9})",
    R"({"clip":"x.mp4","event":"quarantine","reason":"no video"})",
    R"({"event":"gate","expected_fake_share":0.83,"fake_share":0.5,"fakes":4,"reals":4,"text":"balanced"})",
    R"({"clips":8,"event":"manifest","families":4,"path":"m.jsonl","quarantined":1,"sha256":"ab","size_bytes":90})",
    R"({"code":"DATA_LOSS","event":"failed","retry":false,"text":"a damaged zip"})",
};
const std::vector<std::string> kIntegratorEvents = {
    R"({"event":"hello","pid":7,"program":"interceptor-integrate","protocol":1})",
    R"({"done":2,"event":"progress","phase":"integrating","total":6})",
    R"({"absent":1,"event":"joined","specialists":5})",
    R"({"code":"DATA_LOSS","event":"failed","retry":true,"text":"line 2"})",
};
const std::vector<std::string> kTrainerEvents = {
    R"({"event":"hello","pid":7,"program":"interceptor-train","protocol":1})",
    R"({"cpu_capability":"AVX2","cursor":{"chunk":1,"epoch":0,"position":17,"seed":9},"device":"cpu","digest":"cd",)"
    R"("event":"started","parameters":17552202,"specialist":"BG","step":40,"threads":2,"weights":"snapshot"})",
    R"({"event":"ready","next_chunk":2})",
    R"({"chunk":1,"chunk_steps":60,"cursor":{"chunk":1,"epoch":0,"position":17,"seed":4294967295},)"
    R"("data_wait_share":0.25,"event":"progress","gradient_norm":2.25,"learning_rate":0.001,"loss":0.5,"phase":"evaluating",)"
    R"("samples_per_s":12.5,"step":40,"training_s":33.5})",
    R"({"cursor":{"chunk":2,"epoch":0,"position":0,"seed":9},"event":"checkpoint","manifests":["m0","m1"],"path":"p",)"
    R"("reason":"chunk_end","sha256":"ab","size_bytes":7,"stall_ms":3.5,"step":60,"training_s":1.5})",
    R"({"auc":0.75,"auc_high":0.875,"auc_low":0.5,"chunk":1,"event":"evaluation","fake_accuracy":0.25,"fakes":6,)"
    R"("families":3,"kind":"held_out","log_loss":0.625,"path":"t.csv","real_accuracy":0.125,"reals":3,)"
    R"("sha256":"ef","size_bytes":11,"step":60,"too_few":true})",
    R"({"auc":0.75,"auc_high":0.875,"auc_low":0.5,"best_step":30,"chunk":1,"event":"evaluation","fake_accuracy":0.25,)"
    R"("fakes":6,"families":3,"kind":"validation","log_loss":0.625,"log_loss_high":0.75,"log_loss_low":0.5,"path":"t.csv",)"
    R"("real_accuracy":0.125,"reals":3,"rise_high":0.25,"rise_low":-0.125,"sha256":"ef","size_bytes":11,"step":60,)"
    R"("too_few":true,"worse_in_a_row":2})",
    R"({"chunk":1,"event":"chunk_finished","step":60,"training_s":2.5})",
    R"({"event":"finished"})",
    R"({"code":"FAILED_PRECONDITION","event":"failed","retry":true,"text":"other folds"})",
};
const std::vector<std::string> kCommands = {
    R"({"chunk":1,"command":"train_chunk","last":true,"manifest_sha256":"ab","name":"01"})",
    R"({"chunk":1,"command":"train_chunk","last":true,"manifest_sha256":"ab","name":"01",)"
    R"("sampling":[{"attribute":"brightness","fake":false,"share":0.25,"slice":"dark"}]})",
    R"({"command":"save"})",
    R"({"command":"stop"})",
};

template <typename Read>
void RequireSameBytes(const std::vector<std::string>& texts, const Read& read) {
  for (const std::string& text : texts) {
    CATCH_INFO(text);
    const auto message = read(json::parse(text));
    CATCH_REQUIRE(message.ok());
    CATCH_REQUIRE(message->has_value());
    CATCH_CHECK(ToJson(**message).dump() == text);
  }
}

absl::StatusOr<std::optional<Command>> ReadAsOptional(const json& object) { return ReadCommand(object); }

// Every field taken away and put in another type; a message with one that only newer programs know.
template <typename Read>
void RequireStrict(const std::vector<std::string>& texts, const Read& read) {
  for (const std::string& text : texts) {
    const json whole = json::parse(text);
    for (const auto& [key, value] : whole.items()) {
      CATCH_INFO(text << " without or with another " << key);
      json changed = whole;
      changed[key] = json::object({{"deep", 1}});
      CATCH_CHECK(absl::IsInvalidArgument(read(changed).status()));
      changed[key] = nullptr;
      CATCH_CHECK(read(changed).status().message().find(key) != std::string::npos);
      changed.erase(key);
      const auto lacking = read(changed);
      const bool optional = key == "retry" || key == "last" || key == "sampling";
      CATCH_CHECK(lacking.ok() == optional);
      CATCH_CHECK((optional || lacking.status().message().find(key) != std::string::npos));
    }
  }
}

CATCH_TEST_CASE("messages are read and written as protocol version 1 has them") {
  RequireSameBytes(kPreparerEvents, ReadEvent<PreparerEvent>);
  RequireSameBytes(kTrainerEvents, ReadEvent<TrainerEvent>);
  RequireSameBytes(kIntegratorEvents, ReadEvent<IntegratorEvent>);
  RequireSameBytes(kCommands, ReadAsOptional);
}

CATCH_TEST_CASE("a message that lacks a field or has it in another type is refused, naming it") {
  RequireStrict(kPreparerEvents, ReadEvent<PreparerEvent>);
  RequireStrict(kTrainerEvents, ReadEvent<TrainerEvent>);
  RequireStrict(kIntegratorEvents, ReadEvent<IntegratorEvent>);
  RequireStrict(kCommands, ReadAsOptional);
}

CATCH_TEST_CASE("what a newer child says is skipped, what a newer agent wants is refused") {
  for (const std::string& text : kTrainerEvents) {
    json newer = json::parse(text);
    newer["mood"] = "good";
    const auto event = ReadEvent<TrainerEvent>(newer);
    CATCH_REQUIRE(event.ok());
    CATCH_CHECK(ToJson(**event).dump() == text);
  }
  const auto unknown = ReadEvent<TrainerEvent>(json::parse(R"({"event":"sang"})"));
  CATCH_REQUIRE(unknown.ok());
  CATCH_CHECK_FALSE(unknown->has_value());
  const std::string refused(ReadCommand(json::parse(R"({"command":"sing"})")).status().message());
  CATCH_CHECK(refused.find("sing") != std::string::npos);
  CATCH_CHECK(refused.find("train_chunk") != std::string::npos);
  CATCH_CHECK(
      absl::IsInvalidArgument(ReadCommand(json::parse(R"({"command":"save","soon":true})")).status()));
}

CATCH_TEST_CASE("words and numbers out of their range are refused, naming the field") {
  const struct {
    const char* text;
    const char* named;
  } cases[] = {
      {R"({"event":3})", "event"},
      {R"([1])", "JSON object"},
      {R"({"event":"ready","next_chunk":3000000000})", "next_chunk"},
      {R"({"event":"ready","next_chunk":1.5})", "next_chunk"},
      {R"({"event":"checkpoint","path":"p","sha256":"ab","size_bytes":7,"step":60,"training_s":1.5,"stall_ms":3,
           "cursor":{"chunk":2,"epoch":0,"position":0,"seed":-1},"reason":"chunk_end","manifests":[]})",
       "seed"},
      {R"({"event":"checkpoint","path":"p","sha256":"ab","size_bytes":7,"step":60,"training_s":1.5,"stall_ms":3,
           "cursor":{"chunk":2,"epoch":0,"position":0,"seed":1},"reason":"whim","manifests":[]})",
       "whim"},
      {R"({"event":"checkpoint","path":"p","sha256":"ab","size_bytes":7,"step":60,"training_s":1.5,"stall_ms":3,
           "cursor":{"chunk":2,"epoch":0,"position":0,"seed":1},"reason":"chunk_end","manifests":["a",1]})",
       "manifests"},
  };
  for (const auto& c : cases) {
    CATCH_INFO(c.text);
    const absl::Status status = ReadEvent<TrainerEvent>(json::parse(c.text)).status();
    CATCH_CHECK(absl::IsInvalidArgument(status));
    CATCH_CHECK(status.message().find(c.named) != std::string::npos);
  }
}

}  // namespace
}  // namespace interceptor::worker
