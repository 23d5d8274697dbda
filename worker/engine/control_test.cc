#include "worker/engine/control.h"

#include <unistd.h>

#include "common/io/atomic_file.h"
#include "common/io/line_channel.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/bias_file.h"
#include "worker/child_protocol/codec.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

CATCH_TEST_CASE("without an agent a chunk is ordered again for its scores until their table is there") {
  const ScratchFolder folder;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), folder.path()).ok());
  RunSettings settings;
  settings.chunks = {"00", "01"};
  const auto control = MakeAloneControl(SystemFiles(), settings, folder.path());
  auto next = [&](int next_chunk) -> std::string {
    const auto order = control->NextChunk(next_chunk);
    CATCH_REQUIRE(order.ok());
    return order->has_value() ? (*order)->name : "none";
  };
  auto write = [&](const std::string& chunk) {
    const std::string path = ScoreTablePath(folder.path(), EvaluationKind::kHeldOut, chunk);
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "table").ok());
  };
  CATCH_CHECK(next(0) == "00");
  CATCH_CHECK(next(1) == "00");
  write("00");
  CATCH_CHECK(next(1) == "01");
  CATCH_CHECK(next(2) == "01");
  write("01");
  CATCH_CHECK(next(2) == "none");
}

CATCH_TEST_CASE(
    "without an agent a chunk is sampled as the bias file of the one before asks; a damaged one stops") {
  const ScratchFolder folder;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), folder.path()).ok());
  RunSettings settings;
  settings.chunks = {"00", "01"};
  const auto control = MakeAloneControl(SystemFiles(), settings, folder.path());
  const std::string table = ScoreTablePath(folder.path(), EvaluationKind::kHeldOut, "00");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), table, "table").ok());
  CATCH_CHECK((*control->NextChunk(1))->sampling.empty());
  CATCH_REQUIRE(WriteBias(SystemFiles(), folder.path(), "00", SampleBias()).ok());
  CATCH_CHECK((*control->NextChunk(1))->sampling == SampleBias().next_sampling);
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), BiasPath(folder.path(), "00"), "{").ok());
  CATCH_CHECK(absl::IsDataLoss(control->NextChunk(1).status()));
}

CATCH_TEST_CASE(
    "an agent's commands are obeyed; one that is no command is refused while an order is waited for") {
  absl::StatusOr<ChannelPair> pair = MakeChannelPair();
  CATCH_REQUIRE(pair.ok());
  LineChannel& agent = *pair->channel;
  const auto control = MakeAgentControl(pair->child_fd);
  CATCH_REQUIRE(agent.Send(json{{"command", "sing"}}).ok());
  CATCH_CHECK_FALSE(control->StopRequested());
  CATCH_REQUIRE(agent.Send(ToJson(Command(SaveCommand{}))).ok());
  CATCH_CHECK_FALSE(control->StopRequested());
  CATCH_CHECK(control->SaveRequested());
  control->Emit(CheckpointEvent{});
  CATCH_CHECK_FALSE(control->SaveRequested());
  CATCH_REQUIRE(agent.Send(ToJson(Command(ChunkOrder{.chunk = 1, .name = "01", .last = true}))).ok());
  const auto order = control->NextChunk(1);
  CATCH_REQUIRE(order.ok());
  CATCH_REQUIRE(order->has_value());
  CATCH_CHECK((*order)->name == "01");
  CATCH_CHECK((*order)->last);
  CATCH_REQUIRE(agent.Send(json{{"command", "train_chunk"}, {"chunk", 1}}).ok());
  CATCH_CHECK(absl::IsInvalidArgument(control->NextChunk(1).status()));
  CATCH_REQUIRE(agent.Send(ToJson(Command(StopCommand{}))).ok());
  CATCH_CHECK(control->StopRequested());
}

}  // namespace
}  // namespace interceptor::worker
