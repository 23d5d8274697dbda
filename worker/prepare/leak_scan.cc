#include "worker/prepare/leak_scan.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/media/perceptual_hash.h"
#include "worker/sampling/families.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

constexpr int kHashedFrames = 4;
constexpr int kHashedPixels = 64;
constexpr size_t kTriesPerFamily = 3;
constexpr size_t kWindow = 8;  // clips in flight, whose bytes are in memory
constexpr std::chrono::milliseconds kStopCheckPeriod(200);

void AddFamilies(const DataManifest& manifest, std::vector<FamilyFingerprint>& families) {
  std::map<std::string, FamilyFingerprint> by_name;
  for (const ClipInfo& clip : manifest.clips) {
    FamilyFingerprint& family = by_name[clip.family];
    family.family = clip.family;
    family.fold = clip.fold;
    if (const auto found = manifest.fingerprints.find(clip.name); found != manifest.fingerprints.end())
      family.hashes = found->second;
  }
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
}

struct Family {
  std::string name;
  // The original first: it is hashed, or the next that can be decoded.
  std::vector<const LabelledClip*> clips;
  size_t tried = 0;
};

std::vector<Family> FamiliesOf(const GateReport& gate, const std::string& chunk) {
  std::map<std::string, Family> by_name;
  for (const LabelledClip& clip : gate.clips) {
    Family& family = by_name[FamilyName(chunk, clip.original)];
    family.clips.insert(clip.name == clip.original ? family.clips.begin() : family.clips.end(), &clip);
  }
  std::vector<Family> families;
  for (auto& [name, family] : by_name) {
    family.name = name;
    families.push_back(std::move(family));
  }
  return families;
}

struct Pending {
  Family* family = nullptr;
  std::string clip;
  std::future<DecodeOutcome> outcome;
};

// Hashes one clip of each family.
class Scanner {
 public:
  using Progress = std::function<bool(int64_t done, int64_t total)>;

  Scanner(DecoderPool& pool, Archive& archive, int folds, const Progress& progress)
      : pool_(pool), archive_(archive), folds_(folds), progress_(progress) {}

  absl::Status Scan(std::vector<Family>& families) {
    total_ = static_cast<int64_t>(families.size());
    for (Family& family : families) {
      if (window_.size() == kWindow) ICPT_RETURN_IF_ERROR(Take());
      ICPT_RETURN_IF_ERROR(Try(family));
    }
    while (!window_.empty()) ICPT_RETURN_IF_ERROR(Take());
    return absl::OkStatus();
  }

  std::vector<FamilyFingerprint> seen;
  std::map<std::string, std::vector<uint64_t>> fingerprints;  // by clip

 private:
  // Submits the family's next clip that can be read, if it has one left.
  absl::Status Try(Family& family) {
    while (family.tried < std::min(family.clips.size(), kTriesPerFamily)) {
      const LabelledClip& clip = *family.clips[family.tried++];
      auto bytes = archive_.Read(clip.entry);
      if (absl::IsUnavailable(bytes.status())) return bytes.status();
      if (!bytes.ok() || bytes->empty()) continue;
      DecodeJob job;
      job.frames = kHashedFrames;
      job.view_pixels = kHashedPixels;
      job.views = {View::kFullFrame};
      window_.push_back({&family, clip.name, pool_.Submit({clip.name, *std::move(bytes), job})});
      return absl::OkStatus();
    }
    Keep(family, {});
    return absl::OkStatus();
  }

  absl::Status Take() {
    do {
      if (!progress_(static_cast<int64_t>(seen.size()), total_)) return absl::CancelledError("stopped");
    } while (window_.front().outcome.wait_for(kStopCheckPeriod) != std::future_status::ready);
    Pending first = std::move(window_.front());
    window_.pop_front();
    const DecodeOutcome outcome = first.outcome.get();
    ICPT_RETURN_IF_ERROR(outcome.status);
    std::vector<uint64_t> hashes;
    if (outcome.fault.empty()) hashes = HashFrames(outcome.clip, kHashedPixels);
    if (hashes.empty()) return Try(*first.family);
    fingerprints[first.clip] = hashes;
    Keep(*first.family, std::move(hashes));
    return absl::OkStatus();
  }

  void Keep(const Family& family, std::vector<uint64_t> hashes) {
    seen.push_back({family.name, FoldOf(family.name, folds_), std::move(hashes)});
  }

  DecoderPool& pool_;
  Archive& archive_;
  const int folds_;
  const Progress& progress_;
  int64_t total_ = 0;
  std::deque<Pending> window_;
};

}  // namespace

absl::StatusOr<EarlierChunks> ReadEarlierChunks(const FileSystem& files, const std::string& store,
                                                const RunSettings& settings, const std::string& chunk) {
  EarlierChunks earlier;
  const auto own = std::ranges::find(settings.chunks, chunk);
  if (own == settings.chunks.end()) return earlier;
  earlier.complete = true;
  for (auto name = settings.chunks.begin(); name != own; ++name) {
    const std::string path = ManifestPath(store, *name);
    const auto text = ReadWholeFile(files, path);
    if (absl::IsNotFound(text.status())) {
      earlier.complete = false;
      continue;
    }
    ICPT_RETURN_IF_ERROR(text.status());
    const auto manifest = DecodeManifest(*text);
    if (!manifest.ok()) return Annotate(manifest.status(), path);
    earlier.scanned[*name] = DigestOf(*text).hex;
    AddFamilies(*manifest, earlier.families);
    std::ranges::copy_if(manifest->clips, std::back_inserter(earlier.held_out), [&](const ClipInfo& clip) {
      return clip.fold == settings.evaluation.held_out_fold;
    });
    earlier.left_held_out.insert(manifest->left_held_out.begin(), manifest->left_held_out.end());
  }
  return earlier;
}

absl::StatusOr<LeakScan> ScanForLeaks(DecoderPool& pool, Archive& archive, const std::string& chunk,
                                      const GateReport& gate, const EarlierChunks& earlier,
                                      const EvaluationSettings& evaluation,
                                      const std::function<bool(int64_t done, int64_t total)>& progress) {
  std::vector<Family> families = FamiliesOf(gate, chunk);
  Scanner scanner(pool, archive, evaluation.folds, progress);
  ICPT_RETURN_IF_ERROR(scanner.Scan(families));
  const auto unknown = std::ranges::count_if(
      scanner.seen, [](const FamilyFingerprint& family) { return family.hashes.empty(); });
  if (unknown > 0) {
    ICPT_LOG(kWarning) << "chunk " << chunk << ": of " << unknown
                       << " families no clip that was tried shows a picture to compare; footage that they "
                          "share with others is not found";
  }
  LeakScan scan;
  scan.fingerprints = std::move(scanner.fingerprints);
  // By name, whatever order they were decoded in.
  std::ranges::sort(scanner.seen, {}, &FamilyFingerprint::family);
  scan.links = LinkFamilies(earlier.families, scanner.seen, earlier.left_held_out, evaluation.held_out_fold);
  return scan;
}

}  // namespace interceptor::worker
