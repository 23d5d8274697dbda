#include "worker/agent/store_keeper.h"

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest_header.h"

namespace interceptor::worker {

StoreKeeper::StoreKeeper(const FileSystem& files, std::string store, std::string box)
    : files_(files), store_(std::move(store)), box_(std::move(box)) {}

std::string StoreKeeper::RefFolder(const std::string& chunk) const {
  return JoinPath(JoinPath(store_, "refs"), chunk);
}

absl::StatusOr<StoredChunk> StoreKeeper::Look(const std::string& chunk) const {
  for (const std::string& path : {PreparedStampPath(store_, chunk), KeepStorePath(store_, chunk)}) {
    if (!files_.Exists(path)) return NotFound("the store has no whole chunk ", chunk);
  }
  StoredChunk stored;
  stored.manifest_path = ManifestPath(store_, chunk);
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files_, stored.manifest_path));
  auto manifest = ReadManifestHeader(text);
  if (!manifest.ok()) return Annotate(manifest.status(), stored.manifest_path);
  stored.manifest = *std::move(manifest);
  stored.manifest.blob = DigestOf(text);
  stored.has_train = trusted_.contains(chunk) && files_.Exists(TrainStorePath(store_, chunk));
  return stored;
}

std::map<std::string, StoredChunk> StoreKeeper::LookAtAll(const std::vector<std::string>& chunks) const {
  std::map<std::string, StoredChunk> found;
  for (const std::string& chunk : chunks) {
    auto stored = Look(chunk);
    if (stored.ok()) {
      found[chunk] = *std::move(stored);
    } else if (!absl::IsNotFound(stored.status())) {
      ICPT_LOG(kWarning) << "clip store, chunk " << chunk << ": " << Message(stored.status());
    }
  }
  return found;
}

absl::Status StoreKeeper::Refer(const std::string& chunk, const std::string& specialist) {
  ICPT_RETURN_IF_ERROR(files_.MakeFolder(RefFolder(chunk)));
  const std::string path = JoinPath(RefFolder(chunk), Cat(box_, "-", specialist));
  return files_.Open(path, OpenMode::kReadWrite).status();
}

absl::Status StoreKeeper::Release(const std::string& chunk, const std::string& specialist) {
  ICPT_RETURN_IF_ERROR(files_.Remove(JoinPath(RefFolder(chunk), Cat(box_, "-", specialist))));
  // Also when the reference was gone before: its removal may have been the last thing done.
  const auto references = files_.List(RefFolder(chunk));
  if (absl::IsNotFound(references.status())) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(references.status());
  return references->empty() ? files_.Remove(TrainStorePath(store_, chunk)) : absl::OkStatus();
}

}  // namespace interceptor::worker
