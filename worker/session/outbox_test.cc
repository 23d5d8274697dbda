#include "worker/session/outbox.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

const TaskRef kTask{"train/BG", 3};
const MonotonicTime kStart{absl::Hours(1)};

Checkpoint CheckpointAt(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.specialist = "BG";
  checkpoint.step = step;
  checkpoint.blob = DigestOf(Cat("weights at ", step));
  checkpoint.reason = SaveReason::kChunkEnd;
  return checkpoint;
}

template <typename T>
const T* Only(const SessionOutputs& outputs) {
  return outputs.size() == 1 ? std::get_if<T>(&outputs[0]) : nullptr;
}

SessionOutputs Advance(Outbox& outbox, MonotonicTime now = kStart) {
  SessionOutputs out;
  outbox.Advance(kTask, now, out);
  return out;
}

CATCH_TEST_CASE("a fact is sent after its blob is in the vault, and the next one after its answer") {
  Outbox outbox("agent");
  outbox.Add(CheckpointAt(8), "eight.safetensors");
  outbox.Add(ChunkFinished{.chunk = 0, .step = 8, .training_seconds = 1});

  SessionOutputs out = Advance(outbox);
  CATCH_REQUIRE(Only<UploadBlob>(out) != nullptr);
  CATCH_CHECK(Only<UploadBlob>(out)->path == "eight.safetensors");
  CATCH_CHECK(Advance(outbox).empty());
  CATCH_CHECK_FALSE(outbox.NextWake());

  outbox.OnUploaded({CheckpointAt(8).blob, absl::OkStatus()}, kStart);
  out = Advance(outbox);
  CATCH_REQUIRE(Only<SendPublication>(out) != nullptr);
  const std::string id = Only<SendPublication>(out)->request_id;
  CATCH_CHECK(id.size() == 32);
  CATCH_CHECK(Advance(outbox).empty());

  CATCH_CHECK_FALSE(outbox.OnAnswer({"another id", absl::OkStatus()}, kTask, kStart));
  const auto settled = outbox.OnAnswer({id, absl::OkStatus()}, kTask, kStart);
  CATCH_REQUIRE(settled);
  CATCH_CHECK(settled->verdict == Outbox::Verdict::kAccepted);
  out = Advance(outbox);
  CATCH_REQUIRE(Only<SendPublication>(out) != nullptr);
  CATCH_CHECK(std::holds_alternative<ChunkFinished>(Only<SendPublication>(out)->body));
}

CATCH_TEST_CASE("an unanswered fact is repeated under the same request id") {
  Outbox outbox("agent");
  outbox.Add(ChunkFinished{.chunk = 2, .step = 9, .training_seconds = 1});
  const SessionOutputs first = Advance(outbox);
  outbox.Disconnect();
  const SessionOutputs second = Advance(outbox);
  CATCH_REQUIRE(Only<SendPublication>(second) != nullptr);
  CATCH_CHECK(Only<SendPublication>(first)->request_id == Only<SendPublication>(second)->request_id);
  // So does an agent that was started anew; under another term it is another request.
  Outbox anew("another agent");
  anew.Add(ChunkFinished{.chunk = 2, .step = 9, .training_seconds = 1});
  CATCH_CHECK(Only<SendPublication>(Advance(anew))->request_id == Only<SendPublication>(first)->request_id);
  CATCH_CHECK(RequestId({"train/BG", 4}, ChunkFinished{2, 9, 1}, "") !=
              Only<SendPublication>(first)->request_id);
}

CATCH_TEST_CASE("two failures that read alike are two requests") {
  const Failure failure{absl::StatusCode::kUnavailable, "killed by signal 9 (SIGKILL)", true};
  Outbox outbox("agent");
  outbox.Add(failure);
  const std::string first = Only<SendPublication>(Advance(outbox))->request_id;
  CATCH_REQUIRE(outbox.OnAnswer({first, absl::OkStatus()}, kTask, kStart));
  outbox.Add(failure);
  CATCH_CHECK(Only<SendPublication>(Advance(outbox))->request_id != first);
}

CATCH_TEST_CASE("a blob that the vault lost is uploaded again; the third refusal is final") {
  Outbox outbox("agent");
  outbox.Add(CheckpointAt(8), "eight");
  MonotonicTime now = kStart;
  for (int round = 1; round <= 3; ++round) {
    CATCH_INFO("round " << round);
    CATCH_REQUIRE(Only<UploadBlob>(Advance(outbox, now)) != nullptr);
    outbox.OnUploaded({CheckpointAt(8).blob, absl::OkStatus()}, now);
    const SessionOutputs out = Advance(outbox, now);
    CATCH_REQUIRE(Only<SendPublication>(out) != nullptr);
    const auto settled = outbox.OnAnswer(
        {Only<SendPublication>(out)->request_id, FailedPrecondition("blob is not in the vault")}, kTask, now);
    CATCH_CHECK(settled.has_value() == (round == 3));
    if (settled) {
      CATCH_CHECK(settled->verdict == Outbox::Verdict::kRefused);
      break;
    }
    CATCH_CHECK(Advance(outbox, now).empty());
    CATCH_REQUIRE(outbox.NextWake());
    now = *outbox.NextWake();
  }
  CATCH_CHECK(outbox.empty());
}

CATCH_TEST_CASE("a full vault and a broken transfer are waited out") {
  Outbox outbox("agent");
  outbox.Add(CheckpointAt(8), "eight");
  CATCH_REQUIRE(Only<UploadBlob>(Advance(outbox)) != nullptr);
  outbox.OnUploaded({CheckpointAt(8).blob, ResourceExhausted("vault is full")}, kStart);
  CATCH_CHECK(Advance(outbox).empty());
  const MonotonicTime later = *outbox.NextWake();
  CATCH_CHECK(later > kStart);
  CATCH_CHECK(Only<UploadBlob>(Advance(outbox, later)) != nullptr);
}

CATCH_TEST_CASE("a file that is gone is waited for no longer; a manifest's is made again") {
  Outbox outbox("agent");
  outbox.Add(CheckpointAt(8), "eight");
  outbox.Add(ChunkFinished{.chunk = 0, .step = 8, .training_seconds = 1});
  CATCH_REQUIRE(Only<UploadBlob>(Advance(outbox)) != nullptr);
  const auto settled = outbox.OnUploaded({CheckpointAt(8).blob, NotFound("eight is not there")}, kStart);
  CATCH_REQUIRE(settled);
  CATCH_CHECK(settled->verdict == Outbox::Verdict::kLost);
  CATCH_CHECK(Only<SendPublication>(Advance(outbox)) != nullptr);  // what stands behind it goes on

  Outbox manifests("agent");
  manifests.Add(DataManifest{.chunk = "00", .blob = {"ab", 7}}, "manifest.jsonl");
  CATCH_REQUIRE(Only<UploadBlob>(Advance(manifests)) != nullptr);
  CATCH_CHECK_FALSE(manifests.OnUploaded({{"ab", 7}, NotFound("it is not there")}, kStart));
  CATCH_CHECK(manifests.HasManifest("00"));
}

CATCH_TEST_CASE("a stale term settles the fact as stale") {
  Outbox outbox("agent");
  outbox.Add(ChunkFinished{.chunk = 0, .step = 8, .training_seconds = 1});
  const std::string id = Only<SendPublication>(Advance(outbox))->request_id;
  const auto settled = outbox.OnAnswer({id, Aborted("term 3 is stale")}, kTask, kStart);
  CATCH_REQUIRE(settled);
  CATCH_CHECK(settled->verdict == Outbox::Verdict::kStale);
}

CATCH_TEST_CASE("at most two checkpoints wait; a later one takes the place of the oldest") {
  Outbox outbox("agent");
  for (int chunk = 0; chunk < 3; ++chunk) {
    outbox.Add(CheckpointAt(10 + chunk), Cat("file", chunk));
    outbox.Add(ChunkFinished{.chunk = chunk, .step = 10 + chunk, .training_seconds = 1});
  }
  CATCH_CHECK(outbox.TrimCheckpoints(2) == std::vector<std::string>{"file0"});
  std::vector<std::string> order;
  MonotonicTime now = kStart;
  while (!outbox.empty()) {
    SessionOutputs out = Advance(outbox, now);
    CATCH_REQUIRE(out.size() == 1);
    if (const auto* upload = std::get_if<UploadBlob>(&out[0])) {
      order.push_back(upload->path);
      outbox.OnUploaded({upload->blob, absl::OkStatus()}, now);
      continue;
    }
    const auto& sent = std::get<SendPublication>(out[0]);
    if (const auto* finished = std::get_if<ChunkFinished>(&sent.body)) order.push_back(Cat(finished->chunk));
    CATCH_REQUIRE(outbox.OnAnswer({sent.request_id, absl::OkStatus()}, kTask, now));
  }
  CATCH_CHECK(order == std::vector<std::string>{"file1", "0", "1", "file2", "2"});
}

CATCH_TEST_CASE("a checkpoint under way is not given up") {
  Outbox outbox("agent");
  outbox.Add(CheckpointAt(1), "one");
  CATCH_REQUIRE(Only<UploadBlob>(Advance(outbox)) != nullptr);
  outbox.Add(CheckpointAt(2), "two");
  outbox.Add(CheckpointAt(3), "three");
  CATCH_CHECK(outbox.TrimCheckpoints(2) == std::vector<std::string>{"two"});
}

}  // namespace
}  // namespace interceptor::worker
