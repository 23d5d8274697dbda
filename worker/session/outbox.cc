#include "worker/session/outbox.h"

#include <algorithm>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kRefusalsMax = 3;
constexpr absl::Duration kRetryPause = absl::Seconds(2);

constexpr std::string_view kKinds[] = {"manifest", "checkpoint", "evaluation", "chunk_finished", "failure"};
static_assert(std::size(kKinds) == std::variant_size_v<Publication>);

std::string Text(const Cursor& cursor) {
  return Cat(cursor.chunk, ".", cursor.epoch, ".", cursor.position, ".", cursor.seed);
}

// Whether an item reports a fact of that kind for which `fits` holds.
template <typename Fact>
auto Reports(auto fits) {
  return [fits](const RunMemory::Fact& item) {
    const auto* fact = std::get_if<Fact>(&item.body);
    return fact != nullptr && fits(*fact);
  };
}

// Everything that is said: a coordinator refuses an id that comes back with other content.
std::string ContentOf(const Publication& body) {
  struct Visitor {
    std::string operator()(const DataManifest& fact) const {
      return Cat(fact.chunk, "|", fact.blob.hex, "|", fact.chunk_sha256);
    }
    std::string operator()(const Checkpoint& fact) const {
      return Cat(fact.step, "|", ToString(fact.reason), "|", fact.blob.hex, "|", Text(fact.cursor), "|",
                 fact.training_seconds);
    }
    std::string operator()(const Evaluation& fact) const {
      return Cat(ToString(fact.kind), "|", fact.chunk, "|", fact.step, "|", fact.score_table.hex, "|",
                 fact.auc, "|", fact.auc_low, "|", fact.auc_high, "|", fact.log_loss);
    }
    std::string operator()(const ChunkFinished& fact) const {
      return Cat(fact.chunk, "|", fact.step, "|", fact.training_seconds);
    }
    std::string operator()(const Failure& fact) const { return Cat(fact.code, "|", fact.text); }
  };
  return Cat(ToString(body), "|", std::visit(Visitor{}, body));
}

}  // namespace

std::string RequestId(const TaskRef& task, const Publication& body, std::string_view nonce) {
  const bool repeats = !std::holds_alternative<Failure>(body);
  const std::string text =
      Cat(task.task, "|", task.term, "|", ContentOf(body), "|", repeats ? std::string_view() : nonce);
  return DigestOf(text).hex.substr(0, 32);
}

std::string_view ToString(const Publication& body) { return kKinds[body.index()]; }

std::optional<Publication> EmptyRunFact(std::string_view kind) {
  const Publication all[] = {Checkpoint(), Evaluation(), ChunkFinished(), Failure()};
  const auto* const found = std::ranges::find(all, kind, [](const auto& body) { return ToString(body); });
  return found == std::end(all) ? std::nullopt : std::optional(*found);
}

const Digest* BlobOf(const Publication& body) {
  if (const auto* manifest = std::get_if<DataManifest>(&body)) return &manifest->blob;
  if (const auto* checkpoint = std::get_if<Checkpoint>(&body)) return &checkpoint->blob;
  if (const auto* evaluation = std::get_if<Evaluation>(&body)) return &evaluation->score_table;
  return nullptr;
}

void Outbox::Add(Publication body, std::string path) {
  Item& item = items_.emplace_back();
  item.stage = BlobOf(body) == nullptr ? Stage::kReady : Stage::kBlobUnsent;
  item.body = std::move(body);
  item.path = std::move(path);
  item.nonce = Cat(nonce_, "|", ++added_);
}

bool Outbox::HasManifest(std::string_view chunk) const {
  return std::ranges::any_of(items_, Reports<DataManifest>([&](auto& fact) { return fact.chunk == chunk; }));
}

bool Outbox::HasChunkFinished(int chunk) const {
  return std::ranges::any_of(items_, Reports<ChunkFinished>([&](auto& fact) { return fact.chunk == chunk; }));
}

void Outbox::Advance(const TaskRef& task, MonotonicTime now, SessionOutputs& out) {
  if (items_.empty() || now < items_.front().not_before) return;
  Item& item = items_.front();
  if (item.stage == Stage::kBlobUnsent) {
    item.stage = Stage::kUploading;
    out.push_back(UploadBlob{*BlobOf(item.body), item.path});
  } else if (item.stage == Stage::kReady) {
    item.stage = Stage::kSent;
    out.push_back(SendPublication{RequestId(task, item.body, item.nonce), task, item.body});
  }
}

std::optional<MonotonicTime> Outbox::NextWake() const {
  if (items_.empty()) return std::nullopt;
  const Item& item = items_.front();
  if (item.stage == Stage::kUploading || item.stage == Stage::kSent) return std::nullopt;
  return item.not_before;
}

void Outbox::Disconnect() {
  if (!items_.empty() && items_.front().stage == Stage::kSent) items_.front().stage = Stage::kReady;
}

std::optional<Outbox::Settled> Outbox::OnUploaded(const BlobUploaded& uploaded, MonotonicTime now) {
  if (items_.empty() || items_.front().stage != Stage::kUploading) return std::nullopt;
  Item& item = items_.front();
  if (*BlobOf(item.body) != uploaded.blob) return std::nullopt;
  const absl::Status& status = uploaded.status;
  // A manifest is not lost: the store has it, or its chunk is prepared again.
  const bool may_be_lost = !std::holds_alternative<DataManifest>(item.body);
  if (may_be_lost && (absl::IsNotFound(status) || absl::IsDataLoss(status))) {
    Settled settled{Verdict::kLost, std::move(item.body), status};
    items_.pop_front();
    return settled;
  }
  item.stage = status.ok() ? Stage::kReady : Stage::kBlobUnsent;
  if (!status.ok()) item.not_before = now + (absl::IsResourceExhausted(status) ? kFullPause : kRetryPause);
  return std::nullopt;
}

std::optional<Outbox::Settled> Outbox::OnAnswer(const Answered& answer, const TaskRef& task,
                                                MonotonicTime now) {
  if (items_.empty() || items_.front().stage != Stage::kSent) return std::nullopt;
  Item& item = items_.front();
  if (RequestId(task, item.body, item.nonce) != answer.request_id) return std::nullopt;
  Verdict verdict = Verdict::kAccepted;
  if (absl::IsAborted(answer.status)) {
    verdict = Verdict::kStale;
  } else if (absl::IsUnavailable(answer.status) || absl::IsResourceExhausted(answer.status)) {
    item.stage = Stage::kReady;
    item.not_before = now + kFullPause;
    return std::nullopt;
  } else if (!answer.status.ok()) {
    if (absl::IsFailedPrecondition(answer.status) && ++item.refusals < kRefusalsMax) {
      item.stage = BlobOf(item.body) == nullptr ? Stage::kReady : Stage::kBlobUnsent;
      item.not_before = now + kRetryPause;
      return std::nullopt;
    }
    verdict = Verdict::kRefused;
  }
  Settled settled{verdict, std::move(item.body), answer.status};
  items_.pop_front();
  return settled;
}

std::vector<std::string> Outbox::TrimCheckpoints(size_t limit) {
  std::vector<std::string> unneeded;
  while (true) {
    std::vector<size_t> checkpoints;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (std::holds_alternative<Checkpoint>(items_[i].body)) checkpoints.push_back(i);
    }
    if (checkpoints.size() <= limit) return unneeded;
    const auto idle = [this](size_t i) {
      return items_[i].stage == Stage::kBlobUnsent || items_[i].stage == Stage::kReady;
    };
    const auto oldest = std::ranges::find_if(checkpoints, idle);
    if (oldest == checkpoints.end() || oldest + 1 == checkpoints.end()) return unneeded;
    const size_t next = *(oldest + 1);
    unneeded.push_back(items_[*oldest].path);
    items_[*oldest] = std::move(items_[next]);
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(next));
  }
}

void Outbox::ForgetCheckpointsThrough(int64_t step) {
  std::erase_if(items_, Reports<Checkpoint>([&](auto& fact) { return fact.step <= step; }));
}

void Outbox::ForgetChunksBefore(int next_chunk) {
  std::erase_if(items_, Reports<ChunkFinished>([&](auto& fact) { return fact.chunk < next_chunk; }));
}

void Outbox::ForgetManifest(std::string_view chunk) {
  std::erase_if(items_, Reports<DataManifest>([&](auto& fact) { return fact.chunk == chunk; }));
}

std::string Describe(const SendPublication& sent) {
  const std::string& task = sent.task.task;
  if (const auto* checkpoint = std::get_if<Checkpoint>(&sent.body)) {
    return Cat(task, ": checkpoint of step ", checkpoint->step, ", ", checkpoint->blob.size_bytes, " bytes (",
               ToString(checkpoint->reason), ")");
  }
  if (const auto* evaluation = std::get_if<Evaluation>(&sent.body)) {
    return Cat(task, ": ", ToString(evaluation->kind), " AUC ", evaluation->auc, " [", evaluation->auc_low,
               ", ", evaluation->auc_high, "]");
  }
  if (const auto* finished = std::get_if<ChunkFinished>(&sent.body)) {
    return Cat(task, ": chunk index ", finished->chunk, " finished at step ", finished->step);
  }
  return "";
}

}  // namespace interceptor::worker
