#include "worker/agent/inventory.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kHashPartBytes = 4 << 20;
constexpr int64_t kEndRecordBytes = 22;
constexpr int64_t kCommentBytesMax = 65535;
constexpr std::string_view kEndSignature("PK\5\6", 4);
constexpr std::string_view kLocatorSignature("PK\6\7", 4);
constexpr std::string_view kEntrySignature("PK\1\2", 4);
constexpr int64_t kLocatorBytes = 20;
constexpr uint32_t kInZip64 = 0xffffffff;

uint32_t Little(std::string_view bytes, size_t offset, size_t count) {
  uint32_t value = 0;
  for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i - 1]);
  return value;
}

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.size_bytes == b.size_bytes && a.modified == b.modified;
}

}  // namespace

bool HasCentralDirectory(const File& file) {
  const auto size = file.Size();
  if (!size.ok() || *size < kEndRecordBytes) return false;
  const int64_t tail_bytes = std::min(*size, kEndRecordBytes + kCommentBytesMax + kLocatorBytes);
  const auto tail = file.ReadAt(*size - tail_bytes, tail_bytes);
  if (!tail.ok() || static_cast<int64_t>(tail->size()) != tail_bytes) return false;
  const std::string_view bytes = *tail;
  for (size_t at = bytes.size() - kEndRecordBytes + 1; at-- > 0;) {
    if (bytes.substr(at, 4) != kEndSignature) continue;
    if (at + kEndRecordBytes + Little(bytes, at + 20, 2) != bytes.size()) continue;
    const uint32_t entries = Little(bytes, at + 10, 2);
    const int64_t directory_bytes = Little(bytes, at + 12, 4);
    const uint32_t directory_offset = Little(bytes, at + 16, 4);
    if (directory_offset == kInZip64) {
      return at >= kLocatorBytes && bytes.substr(at - kLocatorBytes, 4) == kLocatorSignature;
    }
    const int64_t record_offset = *size - tail_bytes + static_cast<int64_t>(at);
    if (directory_offset + directory_bytes > record_offset) return false;
    if (entries == 0) return true;
    const auto first = file.ReadAt(record_offset - directory_bytes, 4);
    return first.ok() && *first == kEntrySignature;
  }
  return false;
}

Inventory::Inventory(const FileSystem& files, std::string data, std::string work)
    : files_(files), data_(std::move(data)), cache_path_(JoinPath(work, "digests.json")) {
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

std::string Inventory::Hash(const std::string& path, const FileInfo& before,
                            const std::function<bool()>& stopped) const {
  const auto file = files_.Open(path, OpenMode::kRead);
  if (!file.ok() || !HasCentralDirectory(**file)) return "";
  DigestBuilder digest;
  for (int64_t offset = 0; offset < before.size_bytes;) {
    if (stopped()) return "";
    const auto part = (*file)->ReadAt(offset, kHashPartBytes);
    if (!part.ok() || part->empty()) return "";
    digest.Add(*part);
    offset += static_cast<int64_t>(part->size());
  }
  const auto after = files_.Stat(path);
  return after.ok() && SameFile(before, *after) ? digest.Finish().hex : "";
}

bool Inventory::Scan(const std::function<bool()>& stopped) {
  ChunkFiles found;
  bool hashed = false;
  for (const auto& [chunk, name] : names_) {
    const std::string path = JoinPath(data_, name);
    const auto info = files_.Stat(path);
    if (!info.ok() || info->is_directory) continue;
    ChunkFile& file = found[chunk];
    file.size_bytes = info->size_bytes;
    const int64_t modified_ns = absl::ToUnixNanos(info->modified);
    const auto known = known_.find(name);
    if (known != known_.end() && known->second.inode == info->inode &&
        known->second.size_bytes == info->size_bytes && known->second.modified_ns == modified_ns) {
      file.sha256 = known->second.sha256;
      continue;
    }
    // A file that is still being copied changes between two looks.
    const auto seen = seen_.find(name);
    const bool still = seen != seen_.end() && SameFile(seen->second, *info);
    seen_[name] = *info;
    const auto broken = broken_.find(name);
    if (!still || hashed || (broken != broken_.end() && SameFile(broken->second, *info))) continue;
    hashed = true;
    file.sha256 = Hash(path, *info, stopped);
    if (file.sha256.empty()) {
      if (!stopped()) ICPT_LOG(kWarning) << path << " is no whole zip yet; waiting for it to change";
      broken_[name] = *info;
      continue;
    }
    known_[name] = {info->inode, info->size_bytes, modified_ns, file.sha256};
    Store();
  }
  chunks_ = std::move(found);
  return hashed;
}

}  // namespace interceptor::worker
