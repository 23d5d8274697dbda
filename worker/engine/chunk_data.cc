#include "worker/engine/chunk_data.h"

#include <algorithm>
#include <utility>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {

void ClipList::Add(const StoredClip& clip) {
  clips.push_back(&clip);
  infos.push_back(clip.info);
}

absl::StatusOr<std::unique_ptr<ChunkData>> ChunkData::Open(const FileSystem& files, const std::string& store,
                                                           const RunSettings& settings,
                                                           const ChunkOrder& order) {
  auto data = std::make_unique<ChunkData>();
  const int held_out_fold = data->held_out_fold_ = settings.evaluation.held_out_fold;
  auto open = [&](const std::string& path) -> absl::StatusOr<const ClipStoreReader*> {
    absl::StatusOr<std::unique_ptr<ClipStoreReader>> reader = ClipStoreReader::Open(path);
    if (!reader.ok()) {
      return Annotate(reader.status(), Cat("clip store ", path, " (interceptor-prepare makes it)"));
    }
    data->readers_.push_back(*std::move(reader));
    return data->readers_.back().get();
  };

  std::vector<const StoredClip*> whole;
  for (const std::string& path : {TrainStorePath(store, order.name), KeepStorePath(store, order.name)}) {
    ICPT_ASSIGN_OR_RETURN(const ClipStoreReader* reader, open(path));
    for (const StoredClip& clip : reader->clips()) whole.push_back(&clip);
  }
  std::ranges::sort(whole, {}, [](const StoredClip* clip) { return clip->info.name; });
  for (const StoredClip* clip : whole) {
    data->whole_.Add(*clip);
    (clip->info.fold == held_out_fold ? data->held_out_ : data->base_).Add(*clip);
  }
  ICPT_RETURN_IF_ERROR(data->CheckManifest(files, store, settings, order));

  for (int earlier = 0; earlier < order.chunk; ++earlier) {
    ICPT_RETURN_IF_ERROR(data->ReadLinks(files, ManifestPath(store, settings.chunks[earlier])));
    ICPT_ASSIGN_OR_RETURN(const ClipStoreReader* reader,
                          open(KeepStorePath(store, settings.chunks[earlier])));
    for (const StoredClip& clip : reader->clips()) {
      // It shows footage that was trained on, as a later chunk has brought to light.
      if (data->left_held_out_.contains(clip.info.family)) continue;
      (clip.info.fold == held_out_fold ? data->held_out_ : data->replay_).Add(clip);
    }
  }
  return data;
}

bool ChunkData::ShowsTrained(const ClipInfo& clip) const {
  return linked_.contains(clip.family) && clip.fold != held_out_fold_;
}

ClipList ChunkData::ByFootage(const ClipList& list) const {
  ClipList renamed = list;
  for (ClipInfo& clip : renamed.infos) {
    // A link leads to a family of an earlier chunk, or to one of its own chunk that has none.
    auto at = shows_.find(clip.family);
    for (size_t hops = 0; at != shows_.end() && hops <= shows_.size(); ++hops) {
      clip.family = at->second;
      at = shows_.find(clip.family);
    }
  }
  return renamed;
}

absl::Status ChunkData::ReadLinks(const FileSystem& files, const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files, path));
  const absl::StatusOr<DataManifest> manifest = DecodeManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  shows_.insert(manifest->linked.begin(), manifest->linked.end());
  return absl::OkStatus();
}

absl::Status ChunkData::CheckManifest(const FileSystem& files, const std::string& store,
                                      const RunSettings& settings, const ChunkOrder& order) {
  const std::string path = ManifestPath(store, order.name);
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files, path));
  manifest_sha256_ = DigestOf(text).hex;
  if (!order.manifest_sha256.empty() && order.manifest_sha256 != manifest_sha256_) {
    return FailedPrecondition("chunk ", order.name, ": the store was made from manifest ",
                              manifest_sha256_.substr(0, 12), ", but the plan committed ",
                              order.manifest_sha256.substr(0, 12), "; prepare the chunk again");
  }
  absl::StatusOr<DataManifest> manifest = DecodeManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  if (manifest->folds != settings.evaluation.folds) {
    return FailedPrecondition("chunk ", order.name, " was prepared with ", manifest->folds,
                              " folds; the plan says evaluation.folds: ", settings.evaluation.folds);
  }
  const bool same =
      std::equal(manifest->clips.begin(), manifest->clips.end(), whole_.infos.begin(), whole_.infos.end(),
                 [](const ClipInfo& a, const ClipInfo& b) {
                   return a.name == b.name && a.family == b.family && a.label == b.label && a.fold == b.fold;
                 });
  shows_ = manifest->linked;
  for (const auto& [family, other] : manifest->linked) linked_.insert(family);
  left_held_out_ = manifest->left_held_out;
  if (same) return absl::OkStatus();
  return FailedPrecondition("chunk ", order.name, ": the store holds ", whole_.infos.size(),
                            " clips and the manifest ", manifest->clips.size(),
                            ", and they are not the same ones; prepare the chunk again");
}

}  // namespace interceptor::worker
