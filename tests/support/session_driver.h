// Test helper: a worker's session driven by hand. Each test says what happened and reads what the session
// wants done; the SessionDriver only spares repetition: it plays children and a coordinator that accept everything.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/session/session.h"

namespace interceptor::worker {

inline constexpr int kChunks = 4;

inline std::string ChunkName(int chunk) { return Cat("0", chunk); }
inline Digest ManifestDigest(const std::string& chunk) { return DigestOf(Cat("manifest of ", chunk)); }

inline DataManifest ManifestOf(const std::string& chunk) {
  return {.chunk = chunk,
          .blob = ManifestDigest(chunk),
          .chunk_sha256 = DigestOf(chunk).hex,
          .clips = 10,
          .families = 5,
          .quarantined = 0};
}

inline StoredChunk Stored(const std::string& chunk) {
  return {.manifest = ManifestOf(chunk),
          .manifest_path = Cat("store/", chunk, "/manifest.jsonl"),
          .has_train = true};
}

inline Checkpoint CheckpointAt(const std::string& specialist, int64_t step) {
  Checkpoint checkpoint;
  checkpoint.specialist = specialist;
  checkpoint.step = step;
  checkpoint.blob = DigestOf(Cat(specialist, " at ", step));
  checkpoint.training_seconds = static_cast<double>(step);
  checkpoint.reason = SaveReason::kChunkEnd;
  return checkpoint;
}

class SessionDriver {
 public:
  Session session{"incarnation"};
  MonotonicTime now{absl::Hours(1)};
  SessionOutputs last;

  SessionOutputs Give(const SessionInput& input) {
    last = session.Handle(input, now);
    for (const SessionOutput& output : last) all_.push_back(output);
    return last;
  }
  SessionOutputs Wait(absl::Duration time) {
    now = now + time;
    return Give(Ticked{});
  }

  // What the last input brought about.
  template <typename T>
  std::vector<T> Got() const {
    return Of<T>(last);
  }
  // Everything since the last Forget.
  template <typename T>
  std::vector<T> Since() const {
    return Of<T>(all_);
  }
  void Forget() { all_.clear(); }

  SessionPlan plan{
      .digest = "plan", .chunks = {}, .checkpoint_period = absl::Hours(3), .pair_together = false};

  void Connect(std::vector<std::string> committed = {}) {
    plan.chunks.clear();
    for (int c = 0; c < kChunks; ++c) plan.chunks.push_back(ChunkName(c));
    Give(Connected{});
    Welcomed welcomed{.plan = plan, .next_report_in = absl::Seconds(5), .manifests = {}, .chunk_sha256 = {}};
    committed_.insert(committed.begin(), committed.end());
    for (const std::string& chunk : committed_) welcomed.manifests.push_back(ManifestOf(chunk));
    Give(welcomed);
  }
  void SeeAllFiles() {
    ChunkFiles files;
    for (int c = 0; c < kChunks; ++c) files[ChunkName(c)] = {100, DigestOf(ChunkName(c)).hex};
    Give(ChunkFilesSeen{files});
  }
  // Everything stored and committed, so that tests of training need not prepare.
  void StoreAll() {
    std::map<std::string, StoredChunk> store;
    for (int c = 0; c < kChunks; ++c) store[ChunkName(c)] = Stored(ChunkName(c));
    Give(StoreSeen{store});
    for (int c = 0; c < kChunks; ++c) {
      Give(ManifestCommitted{ManifestOf(ChunkName(c))});
      committed_.insert(ChunkName(c));
    }
  }
  void Assign(const std::string& specialist, int64_t term = 1, int next_chunk = 0,
              std::optional<Checkpoint> base = std::nullopt) {
    Give(Assigned{{Cat("train/", specialist), term}, next_chunk, std::move(base), {}});
  }
  // Starts the trainer that was just asked for and says ready.
  ChildId Ready(const std::string& specialist, int next_chunk) {
    const ChildId child = TrainerOf(specialist);
    Give(TrainerReady{child, next_chunk});
    return child;
  }
  ChildId TrainerOf(const std::string& specialist) const {
    ChildId child = 0;
    for (const StartTrainer& start : Since<StartTrainer>()) {
      if (start.specialist == specialist) child = start.child;
    }
    CATCH_REQUIRE(child != 0);
    return child;
  }
  // What the bias after `chunk` asks of the next one.
  static std::vector<SamplingWeight> SamplingAfter(int chunk) {
    return {{"brightness", "dark", false, (chunk + 1) / 64.0}};
  }
  // The trainer's whole chunk, sent in the protocol's order.
  void TrainChunk(ChildId child, const std::string& specialist, int chunk) {
    const int64_t step = (chunk + 1) * 10;
    Give(TrainerMoved{
        child, {.phase = Phase::kTraining, .step = step, .training_seconds = static_cast<double>(step)}});
    Give(TrainerSaved{child, CheckpointAt(specialist, step), Cat(specialist, "-", step)});
    Evaluation evaluation{.specialist = specialist,
                          .kind = EvaluationKind::kHeldOut,
                          .chunk = chunk,
                          .step = step,
                          .score_table = DigestOf(Cat("scores ", specialist, chunk))};
    evaluation.bias = Bias{.before = {}, .after = {}, .next_sampling = SamplingAfter(chunk)};
    Give(TrainerEvaluated{child, evaluation, Cat("scores-", chunk)});
    Give(TrainerFinishedChunk{child, {chunk, step, static_cast<double>(step)}});
    if (chunk + 1 == kChunks) {
      Give(TrainerFinished{child});
      Give(ChildExited{child, true, "left with exit code 0"});
    } else {
      Give(TrainerReady{child, chunk + 1});
    }
  }
  // Uploads and accepts until the session has nothing more to report; what was sent, in order.
  std::vector<SendPublication> AnswerAll() {
    std::vector<SendPublication> sent;
    SessionOutputs todo = all_;
    Forget();
    while (!todo.empty()) {
      SessionOutputs next;
      for (const SessionOutput& output : todo) {
        SessionOutputs brought;
        if (const auto* upload = std::get_if<UploadBlob>(&output))
          brought = Give(BlobUploaded{upload->blob, {}});
        if (const auto* publication = std::get_if<SendPublication>(&output)) {
          sent.push_back(*publication);
          brought = Give(Answered{publication->request_id, absl::OkStatus()});
        }
        next.insert(next.end(), brought.begin(), brought.end());
      }
      todo = next;
    }
    return sent;
  }

 private:
  template <typename T>
  static std::vector<T> Of(const SessionOutputs& outputs) {
    std::vector<T> found;
    for (const SessionOutput& output : outputs) {
      if (const auto* value = std::get_if<T>(&output)) found.push_back(*value);
    }
    return found;
  }
  SessionOutputs all_;
  std::set<std::string> committed_;  // chunks, by the coordinator that welcomes
};

inline std::optional<Phase> PhaseReported(const SessionOutputs& outputs, const std::string& task) {
  std::optional<Phase> phase;
  for (const SessionOutput& output : outputs) {
    const auto* progress = std::get_if<SendProgress>(&output);
    if (progress != nullptr && progress->progress.task.task == task) phase = progress->progress.phase;
  }
  return phase;
}

inline std::vector<Failure> Failures(const std::vector<SendPublication>& sent) {
  std::vector<Failure> failures;
  for (const SendPublication& each : sent) {
    if (const auto* failure = std::get_if<Failure>(&each.body)) failures.push_back(*failure);
  }
  return failures;
}

// A connected worker that trains chunk 0 of BG while AV is ready and waits for its turn.
struct Training : SessionDriver {
  ChildId bg = 0;
  ChildId av = 0;
  Training() {
    Connect();
    SeeAllFiles();
    StoreAll();
    Assign("BG");
    Assign("AV");
    bg = Ready("BG", 0);
    av = Ready("AV", 0);
    Forget();
  }
};

}  // namespace interceptor::worker
