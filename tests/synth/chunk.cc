#include "tests/synth/chunk.h"

#include <zip.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/status.h"

namespace interceptor::synth {
namespace {

// An archive that is thrown away unless Close succeeded.
struct DiscardZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using ZipPtr = std::unique_ptr<zip_t, DiscardZip>;

absl::StatusOr<ZipPtr> OpenZip(const std::string& path, int flags) {
  int error = 0;
  ZipPtr archive(zip_open(path.c_str(), flags, &error));
  if (archive) return archive;
  zip_error_t detail;
  zip_error_init_with_code(&detail, error);
  const std::string text = zip_error_strerror(&detail);
  zip_error_fini(&detail);
  return FailedPrecondition(path, ": ", text);
}

// `bytes` must live until the archive is closed.
absl::Status AddEntry(zip_t* archive, const std::string& name, const std::string& bytes, int method) {
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return Internal("add ", name, ": ", zip_strerror(archive));
  }
  // A fixed day, so that the bytes do not depend on the clock: 2020-01-01.
  constexpr zip_uint16_t kDosDate = (40 << 9) | (1 << 5) | 1;
  zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 1);
  zip_file_set_dostime(archive, static_cast<zip_uint64_t>(index), 0, kDosDate, 0);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadEntry(zip_t* archive, zip_uint64_t index) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0) return DataLoss("zip entry: ", zip_strerror(archive));
  zip_file_t* file = zip_fopen_index(archive, index, 0);
  if (file == nullptr) return DataLoss(stat.name, ": ", zip_strerror(archive));
  std::string bytes(stat.size, '\0');
  const zip_int64_t count = zip_fread(file, bytes.data(), bytes.size());
  zip_fclose(file);
  if (count != static_cast<zip_int64_t>(stat.size)) return DataLoss(stat.name, ": cut short");
  return bytes;
}

}  // namespace

std::string ChunkName(int chunk) {
  char name[16];
  std::snprintf(name, sizeof name, "%02d", chunk);
  return name;
}

std::string Metadata(const std::vector<ChunkClip>& clips) {
  nlohmann::json metadata = nlohmann::json::object();
  for (const ChunkClip& clip : clips) {
    nlohmann::json& entry = metadata[clip.name];
    entry["label"] = clip.fake ? "FAKE" : "REAL";
    entry["split"] = "train";
    if (clip.fake) entry["original"] = clip.original;
  }
  return metadata.dump();
}

absl::Status WriteChunk(const std::string& folder, int chunk, const std::vector<ChunkClip>& clips) {
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/" + ChunkName(chunk) + ".zip";
  ICPT_ASSIGN_OR_RETURN(ZipPtr archive, OpenZip(path, ZIP_CREATE | ZIP_TRUNCATE));
  const std::string part = Cat("dfdc_train_part_", chunk, "/");
  const std::string metadata = Metadata(clips);
  // In name order, as DFDC's own parts are; every second one deflated, for readers must do both.
  std::vector<const ChunkClip*> ordered;
  for (const ChunkClip& clip : clips) ordered.push_back(&clip);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (size_t i = 0; i < ordered.size(); ++i) {
    ICPT_RETURN_IF_ERROR(AddEntry(archive.get(), part + ordered[i]->name, ordered[i]->bytes,
                                  i % 2 == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE));
  }
  ICPT_RETURN_IF_ERROR(AddEntry(archive.get(), part + "metadata.json", metadata, ZIP_CM_DEFLATE));
  if (zip_close(archive.get()) != 0) return Internal("write ", path, ": ", zip_strerror(archive.get()));
  archive.release();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ChunkClip>> ReadChunk(const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(ZipPtr archive, OpenZip(path, ZIP_RDONLY));
  nlohmann::json metadata;
  std::map<std::string, std::string> entries;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const std::string name = zip_get_name(archive.get(), index, 0);
    if (name.ends_with("/")) continue;
    ICPT_ASSIGN_OR_RETURN(std::string bytes, ReadEntry(archive.get(), index));
    const std::string base = name.substr(name.rfind('/') + 1);
    if (base == "metadata.json") {
      metadata = nlohmann::json::parse(bytes, nullptr, false);
    } else {
      entries[base] = std::move(bytes);
    }
  }
  if (!metadata.is_object()) return FailedPrecondition(path, ": no readable metadata.json");
  std::vector<ChunkClip> clips;
  for (const auto& [name, entry] : metadata.items()) {
    const auto found = entries.find(name);
    if (found == entries.end()) return FailedPrecondition(path, ": ", name, " is in metadata.json only");
    clips.push_back({.name = name,
                     .fake = entry.value("label", "") == "FAKE",
                     .original = entry.value("original", ""),
                     .bytes = std::move(found->second)});
  }
  return clips;
}

absl::StatusOr<std::vector<std::string>> ListChunks(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".zip") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) return NotFound("no *.zip in ", folder);
  return paths;
}

}  // namespace interceptor::synth
