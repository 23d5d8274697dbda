#include "worker/prepare/leak_scan.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/core/families.h"
#include "worker/media/picture_hash.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

constexpr int kLookFrames = 4;
constexpr int kLookPixels = 64;
constexpr size_t kWindow = 8;  // clips in flight, whose bytes are in memory
constexpr std::chrono::milliseconds kStopCheckPeriod(200);

void AddFamilies(const DataManifest& manifest, std::vector<FamilyLook>& families) {
  std::map<std::string, FamilyLook> by_name;
  for (const ClipInfo& clip : manifest.clips) {
    FamilyLook& family = by_name[clip.family];
    family.family = clip.family;
    family.fold = clip.fold;
    if (const auto look = manifest.looks.find(clip.name); look != manifest.looks.end())
      family.hashes = look->second;
  }
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
}

// The clip that is looked at for each family, by the family's name.
std::map<std::string, const LabelledClip*> ClipsToLookAt(const GateReport& gate, const std::string& chunk) {
  std::map<std::string, const LabelledClip*> chosen;
  for (const LabelledClip& clip : gate.clips) {
    const LabelledClip*& known = chosen[FamilyName(chunk, clip.original)];
    if (known == nullptr || clip.name == clip.original) known = &clip;
  }
  return chosen;
}

struct Pending {
  std::string family;
  std::string clip;
  std::future<DecodeOutcome> outcome;
};

}  // namespace

absl::StatusOr<EarlierChunks> ReadEarlierChunks(const FileSystem& files, const std::string& store,
                                                const RunSettings& settings, const std::string& chunk) {
  EarlierChunks earlier;
  const auto own = std::find(settings.chunks.begin(), settings.chunks.end(), chunk);
  if (own == settings.chunks.end()) return earlier;
  for (auto name = settings.chunks.begin(); name != own; ++name) {
    const std::string path = ManifestPath(store, *name);
    const auto text = ReadWholeFile(files, path);
    if (absl::IsNotFound(text.status())) continue;
    ICPT_RETURN_IF_ERROR(text.status());
    const auto manifest = DecodeManifest(*text);
    if (!manifest.ok()) return Annotate(manifest.status(), path);
    earlier.scanned[*name] = DigestOf(*text).hex;
    AddFamilies(*manifest, earlier.families);
    earlier.left_held_out.insert(manifest->left_held_out.begin(), manifest->left_held_out.end());
  }
  return earlier;
}

absl::StatusOr<LeakScan> ScanForLeaks(DecoderPool& pool, Archive& archive, const std::string& chunk,
                                      const GateReport& gate, const EarlierChunks& earlier,
                                      const EvaluationSettings& evaluation,
                                      const std::function<bool(int64_t done, int64_t total)>& progress) {
  LeakScan scan;
  std::vector<FamilyLook> own;
  const auto clips = ClipsToLookAt(gate, chunk);
  const auto total = static_cast<int64_t>(clips.size());
  std::deque<Pending> window;
  const auto take = [&]() -> absl::Status {
    Pending& first = window.front();
    do {
      if (!progress(static_cast<int64_t>(own.size()), total)) return absl::CancelledError("stopped");
    } while (first.outcome.wait_for(kStopCheckPeriod) != std::future_status::ready);
    const DecodeOutcome outcome = first.outcome.get();
    ICPT_RETURN_IF_ERROR(outcome.status);
    FamilyLook look{first.family, FoldOf(first.family, evaluation.folds), {}};
    if (outcome.fault.empty()) look.hashes = HashPictures(outcome.clip, kLookPixels);
    if (!look.hashes.empty()) scan.looks[first.clip] = look.hashes;
    own.push_back(std::move(look));
    window.pop_front();
    return absl::OkStatus();
  };
  for (const auto& [family, clip] : clips) {
    auto bytes = archive.Read(clip->entry);
    if (!bytes.ok() || bytes->empty()) continue;
    DecodeJob job;
    job.frames = kLookFrames;
    job.view_pixels = kLookPixels;
    job.views = {View::kFullFrame};
    if (window.size() == kWindow) ICPT_RETURN_IF_ERROR(take());
    window.push_back({family, clip->name, pool.Submit({clip->name, *std::move(bytes), job})});
  }
  while (!window.empty()) ICPT_RETURN_IF_ERROR(take());
  scan.links = LinkFamilies(earlier.families, own, earlier.left_held_out, evaluation.held_out_fold);
  return scan;
}

}  // namespace interceptor::worker
