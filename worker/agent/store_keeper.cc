#include "worker/agent/store_keeper.h"

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"

namespace interceptor::worker {

StoreKeeper::StoreKeeper(const FileSystem& files, std::string store, std::string box)
    : files_(files), store_(std::move(store)), box_(std::move(box)) {}

std::string StoreKeeper::RefFolder(const std::string& chunk) const {
  return JoinPath(JoinPath(store_, "refs"), chunk);
}

absl::StatusOr<StoredChunk> StoreKeeper::Look(const std::string& chunk) const {
  const std::string folder = JoinPath(store_, chunk);
  StoredChunk stored;
  stored.manifest_path = JoinPath(folder, "manifest.jsonl");
  for (const char* name : {"prepared.json", "keep.clips"}) {
    if (!files_.Exists(JoinPath(folder, name))) return NotFound("the store has no whole chunk ", chunk);
  }
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files_, stored.manifest_path));
  ICPT_ASSIGN_OR_RETURN(const nlohmann::json header, ParseJsonObject(text.substr(0, text.find('\n'))));
  JsonReader reader(header, stored.manifest_path);
  stored.manifest.chunk = reader.String("chunk");
  stored.manifest.chunk_sha256 = reader.String("chunk_sha256");
  stored.manifest.clips = static_cast<int>(reader.Integer("clips"));
  stored.manifest.families = static_cast<int>(reader.Integer("families"));
  stored.manifest.quarantined = static_cast<int>(reader.Integer("quarantined"));
  reader.Integer("folds");
  if (reader.Integer("version") > 1) {
    reader.Object("linked");
    reader.Object("scanned");
    reader.Array("left_held_out");
    for (const auto& [view, bytes] : reader.Object("view_bytes").items()) {
      if (bytes.is_number_integer()) stored.manifest.view_bytes[view] = bytes.get<int64_t>();
    }
  }
  if (const absl::Status status = reader.Finish(); !status.ok()) return DataLoss(Message(status));
  stored.manifest.blob = DigestOf(text);
  stored.has_train = trusted_.contains(chunk) && files_.Exists(JoinPath(folder, "train.clips"));
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
  const std::string path = JoinPath(RefFolder(chunk), Cat(box_, "-", specialist));
  if (!files_.Exists(path)) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(files_.Remove(path));
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> others, files_.List(RefFolder(chunk)));
  if (!others.empty()) return absl::OkStatus();
  return files_.Remove(JoinPath(JoinPath(store_, chunk), "train.clips"));
}

}  // namespace interceptor::worker
