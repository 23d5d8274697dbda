#include "worker/agent/inventory.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/json_fields.h"
#include "common/io/zip_directory.h"

namespace interceptor::worker {
namespace {

constexpr absl::Duration kScanPeriod = absl::Seconds(1);
// A file that was not copied on for this long needs a person.
constexpr absl::Duration kStillMax = absl::Minutes(1);
// After an error of the disk, which says nothing of the file's contents.
constexpr absl::Duration kReadAgainAfter = absl::Minutes(5);

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
    FieldReader reader(entry, cache_path_);
    Known known;
    Fields(reader, known.file);
    reader("sha256", known.sha256);
    if (reader.Finish().ok()) known_[name] = known;
  }
}

void Inventory::Store() const {
  nlohmann::json object = nlohmann::json::object();
  for (auto [name, known] : known_) {
    FieldWriter entry;
    Fields(entry, known.file);
    entry("sha256", known.sha256);
    object[name] = std::move(entry.object);
  }
  const absl::Status status = WriteFileAtomically(files_, cache_path_, object.dump(1) + "\n");
  if (!status.ok()) ICPT_LOG(kWarning) << "digests are not kept: " << Message(status);
}

absl::StatusOr<std::string> Inventory::Hash(const std::string& path, const FileInfo& before,
                                            const std::function<bool()>& stopped) const {
  ICPT_ASSIGN_OR_RETURN(const auto file, files_.Open(path, OpenMode::kRead));
  ICPT_RETURN_IF_ERROR(ReadZipDirectory(*file).status());
  ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files_, path, stopped));
  ICPT_ASSIGN_OR_RETURN(const FileInfo after, files_.Stat(path));
  if (before != after || digest.size_bytes != before.size_bytes) return StillCopied();
  return digest.hex;
}

bool Inventory::Look(Waiting& waiting, bool is_new, const FileInfo& file, MonotonicTime now) const {
  if (is_new || waiting.file != file) {
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
    known_[name] = {waiting.file, *sha256};
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
    if (known != known_.end() && known->second.file == file) {
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

InventoryThread::InventoryThread(Inventory inventory, std::function<void(const ChunkFiles&)> on_change)
    : inventory_(std::move(inventory)), on_change_(std::move(on_change)), thread_([this] { Run(); }) {}

InventoryThread::~InventoryThread() {
  stop_.Notify();
  thread_.join();
}

void InventoryThread::SetChunks(std::map<std::string, std::string> names) {
  absl::MutexLock lock(&mutex_);
  names_ = std::move(names);
}

void InventoryThread::Run() {
  ChunkFiles reported;
  do {
    {
      absl::MutexLock lock(&mutex_);
      inventory_.SetChunks(names_);
    }
    while (inventory_.Scan([this] { return stop_.HasBeenNotified(); })) {
      if (stop_.HasBeenNotified()) return;
      on_change_(reported = inventory_.chunks());
    }
    if (inventory_.chunks() != reported) on_change_(reported = inventory_.chunks());
  } while (!stop_.Await(kScanPeriod));
}

}  // namespace interceptor::worker
