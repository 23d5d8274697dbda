#include "worker/agent/inventory.h"

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "common/io/zip_directory.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kHashPartBytes = 4 << 20;
// A file that was not copied on for this long needs a person.
constexpr absl::Duration kStillMax = absl::Minutes(1);
// After an error of the disk, which says nothing of the file's contents.
constexpr absl::Duration kReadAgainAfter = absl::Minutes(5);

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.size_bytes == b.size_bytes && a.modified == b.modified;
}

absl::Status StillCopied() { return Unavailable("it is still being copied: its size or time changes"); }

// With the remedy where the cause does not bring one. Paths and names of entries may be any bytes.
std::string Text(const absl::Status& fault) {
  std::string text = Message(fault);
  if (absl::IsPermissionDenied(fault)) text += "; let the worker's user read it";
  if (absl::IsInternal(fault)) text += "; look at the disk and the folder, or copy it again";
  using nlohmann::json;
  const std::string quoted = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

Inventory::Inventory(const FileSystem& files, std::string data, std::string work, const Clock& clock)
    : files_(files), data_(std::move(data)), cache_path_(JoinPath(work, "digests.json")), clock_(clock) {
  Load();
}

void Inventory::Load() {
  const auto text = ReadWholeFile(files_, cache_path_);
  if (!text.ok()) return;
  const auto object = ParseJsonObject(*text);
  if (!object.ok()) return;  // a cache: made again
  for (const auto& [name, entry] : object->items()) {
    if (!entry.is_object()) continue;
    JsonReader reader(entry, cache_path_);
    Known known;
    known.inode = static_cast<uint64_t>(reader.Integer("inode"));
    known.size_bytes = reader.Integer("size_bytes");
    known.modified_ns = reader.Integer("modified_ns");
    known.sha256 = reader.String("sha256");
    if (reader.Finish().ok()) known_[name] = known;
  }
}

void Inventory::Store() const {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, known] : known_) {
    object[name] = {{"inode", known.inode},
                    {"size_bytes", known.size_bytes},
                    {"modified_ns", known.modified_ns},
                    {"sha256", known.sha256}};
  }
  const absl::Status status = WriteFileAtomically(files_, cache_path_, object.dump(1) + "\n");
  if (!status.ok()) ICPT_LOG(kWarning) << "digests are not kept: " << Message(status);
}

absl::StatusOr<std::string> Inventory::Hash(const std::string& path, const FileInfo& before,
                                            const std::function<bool()>& stopped) const {
  ICPT_ASSIGN_OR_RETURN(const auto file, files_.Open(path, OpenMode::kRead));
  ICPT_RETURN_IF_ERROR(ReadZipDirectory(*file).status());
  DigestBuilder digest;
  for (int64_t offset = 0; offset < before.size_bytes;) {
    if (stopped()) return absl::CancelledError();
    ICPT_ASSIGN_OR_RETURN(const std::string part, file->ReadAt(offset, kHashPartBytes));
    if (part.empty()) return StillCopied();
    digest.Add(part);
    offset += static_cast<int64_t>(part.size());
  }
  ICPT_ASSIGN_OR_RETURN(const FileInfo after, files_.Stat(path));
  if (!SameFile(before, after)) return StillCopied();
  return digest.Finish().hex;
}

bool Inventory::Look(Waiting& waiting, bool is_new, const FileInfo& file, MonotonicTime now) const {
  if (is_new || !SameFile(waiting.file, file)) {
    waiting = {file, now, is_new ? absl::OkStatus() : StillCopied(), now};
    return false;
  }
  return now >= waiting.read_next;
}

bool Inventory::Read(const std::string& name, Waiting& waiting, ChunkFile& chunk,
                     const std::function<bool()>& stopped) {
  const std::string path = JoinPath(data_, name);
  const auto sha256 = Hash(path, waiting.file, stopped);
  if (absl::IsCancelled(sha256.status())) return false;
  if (sha256.ok()) {
    chunk.sha256 = *sha256;
    known_[name] = {waiting.file.inode, waiting.file.size_bytes, absl::ToUnixNanos(waiting.file.modified),
                    *sha256};
    Store();
    return true;
  }
  if (waiting.fault != sha256.status()) {
    ICPT_LOG(kWarning) << "waiting for " << Text(Annotate(sha256.status(), path));
  }
  waiting.fault = sha256.status();
  const bool is_verdict = absl::IsDataLoss(waiting.fault) || absl::IsInvalidArgument(waiting.fault);
  waiting.read_next.since_boot = is_verdict ? absl::InfiniteDuration()
                                 : absl::IsPermissionDenied(waiting.fault)
                                     ? absl::ZeroDuration()
                                     : clock_.Now().since_boot + kReadAgainAfter;
  return false;
}

bool Inventory::Scan(const std::function<bool()>& stopped) {
  ChunkFiles found;
  bool hashed = false;
  for (const auto& [chunk, name] : names_) {
    const auto info = files_.Stat(JoinPath(data_, name));
    if (absl::IsNotFound(info.status())) {
      waiting_.erase(name);
      continue;
    }
    // What cannot even be examined is reported as a file without contents.
    const FileInfo file = info.ok() ? *info : FileInfo{};
    ChunkFile& seen = found[chunk];
    seen.size_bytes = file.size_bytes;
    const auto known = known_.find(name);
    if (known != known_.end() && known->second.inode == file.inode &&
        known->second.size_bytes == file.size_bytes &&
        known->second.modified_ns == absl::ToUnixNanos(file.modified)) {
      seen.sha256 = known->second.sha256;
      continue;
    }
    const MonotonicTime now = clock_.Now();
    const auto [at, is_new] = waiting_.try_emplace(name);
    Waiting& waiting = at->second;
    if (Look(waiting, is_new, file, now) && !hashed) hashed = Read(name, waiting, seen, stopped);
    if (!seen.sha256.empty() || waiting.fault.ok()) continue;
    seen.problem = Text(waiting.fault);
    seen.needs_action = now - waiting.since >= kStillMax;
  }
  chunks_ = std::move(found);
  return hashed;
}

}  // namespace interceptor::worker
