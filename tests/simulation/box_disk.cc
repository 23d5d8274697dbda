#include "tests/simulation/box_disk.h"

#include "worker/session/outbox.h"

namespace interceptor::simulation {
namespace {

bool IsThere(const BoxDisk& disk, const std::string& path, int64_t size_bytes) {
  const auto file = disk.files.find(path);
  return file != disk.files.end() && file->second->digest.size_bytes == size_bytes;
}

bool IsCheckpointOf(const std::string& path, const std::string& specialist) {
  return path.starts_with(specialist + "/checkpoints/") || path.starts_with(specialist + "/base-");
}

}  // namespace

worker::RunMemory LoadRunMemory(BoxDisk& disk, const std::string& specialist) {
  worker::RunMemory memory;
  const auto stored = disk.memories.find(specialist);
  if (stored != disk.memories.end()) memory = stored->second;
  std::erase_if(memory.files, [&disk](const worker::RunMemory::File& file) {
    return !IsThere(disk, file.path, file.blob.size_bytes);
  });
  std::erase_if(memory.unpublished, [&disk](const worker::RunMemory::Fact& fact) {
    const Digest* blob = worker::BlobOf(fact.body);
    return blob != nullptr && !IsThere(disk, fact.path, blob->size_bytes);
  });
  std::set<std::string> known;
  for (const worker::RunMemory::File& file : memory.files) known.insert(file.path);
  std::erase_if(disk.files, [&](const auto& file) {
    return IsCheckpointOf(file.first, specialist) && !known.contains(file.first);
  });
  return memory;
}

std::map<std::string, worker::StoredChunk> LookAtStore(const BoxDisk& disk,
                                                       const std::vector<std::string>& chunks,
                                                       const std::set<std::string>& trusted) {
  std::map<std::string, worker::StoredChunk> found;
  for (const std::string& chunk : chunks) {
    const auto stored = disk.store.find(chunk);
    if (stored == disk.store.end()) continue;
    found[chunk] = stored->second;
    found[chunk].has_train = stored->second.has_train && trusted.contains(chunk);
  }
  return found;
}

void ReleaseChunk(BoxDisk& disk, const std::string& chunk, const std::string& specialist) {
  std::set<std::string>& refs = disk.refs[chunk];
  if (refs.erase(specialist) == 0 || !refs.empty()) return;
  const auto stored = disk.store.find(chunk);
  if (stored != disk.store.end()) stored->second.has_train = false;
}

}  // namespace interceptor::simulation
