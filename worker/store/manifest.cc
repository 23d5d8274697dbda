#include "worker/store/manifest.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/io/json_fields.h"
#include "worker/store/manifest_header.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// nlohmann keeps an object's keys sorted and writes no spaces, which is the canonical form.
std::string Line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Of a fingerprint: 16 hexadecimal digits each. Other texts are found by encoding the manifest again.
std::vector<std::string> Texts(const std::vector<uint64_t>& hashes) {
  std::vector<std::string> texts;
  for (const uint64_t hash : hashes) texts.push_back(absl::StrFormat("%016x", hash));
  return texts;
}

std::vector<uint64_t> Hashes(const std::vector<std::string>& texts) {
  std::vector<uint64_t> hashes;
  for (const std::string& text : texts) hashes.push_back(std::strtoull(text.c_str(), nullptr, 16));
  return hashes;
}

absl::StatusOr<DataManifest> DecodeHeader(std::string_view text, const json& header) {
  FieldReader reader(header, "line 1");
  DataManifest manifest;
  reader("version", manifest.version);
  if (manifest.version > kManifestVersion) {
    return FailedPrecondition("data manifest has version ", manifest.version, "; this program reads up to ",
                              kManifestVersion, ": use the newer program that wrote it");
  }
  if (manifest.version != 1) {
    std::vector<std::string> left_held_out;
    reader("linked", manifest.linked);
    reader("scanned", manifest.scanned);
    reader("left_held_out", left_held_out);
    manifest.left_held_out = {left_held_out.begin(), left_held_out.end()};
    manifest.version = kManifestVersion;
  }
  reader("folds", manifest.folds);
  ICPT_RETURN_IF_ERROR(reader.status());
  if (manifest.folds < 2 || manifest.folds > 100) return DataLoss("line 1: folds is ", manifest.folds);
  // Counts are compared with the lines by encoding the manifest again.
  ICPT_ASSIGN_OR_RETURN(interceptor::DataManifest facts, ReadManifestHeader(text));
  manifest.chunk = std::move(facts.chunk);
  manifest.chunk_sha256 = std::move(facts.chunk_sha256);
  manifest.view_bytes = std::move(facts.view_bytes);
  return manifest;
}

absl::Status DecodeClip(const json& object, const std::string& where, DataManifest& manifest) {
  FieldReader reader(object, where);
  ClipInfo info;
  info.chunk = manifest.chunk;
  reader("clip", info.name);
  if (object.contains("quarantined")) {
    reader("quarantined", manifest.quarantined[info.name]);
    return reader.Finish();
  }
  reader("family", info.family);
  reader("fold", info.fold);
  reader.Name("label", info.label, ParseLabel);
  if (object.contains("look")) {
    std::vector<std::string> look;
    reader("look", look);
    manifest.fingerprints[info.name] = Hashes(look);
  }
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (info.fold < 0 || info.fold >= manifest.folds) return DataLoss(where, ": fold is ", info.fold);
  manifest.clips.push_back(std::move(info));
  return absl::OkStatus();
}

// The number, from 1, of the first line in which two texts differ.
int64_t FirstDifferingLine(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  const auto end = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin()).first;
  return 1 + std::count(a.begin(), end, '\n');
}

}  // namespace

int DataManifest::FamilyCount() const {
  std::set<std::string_view> families;
  for (const ClipInfo& clip : clips) families.insert(clip.family);
  return static_cast<int>(families.size());
}

std::string EncodeManifest(const DataManifest& manifest) {
  json header = {{"chunk", manifest.chunk},        {"chunk_sha256", manifest.chunk_sha256},
                 {"clips", manifest.clips.size()}, {"families", manifest.FamilyCount()},
                 {"folds", manifest.folds},        {"quarantined", manifest.quarantined.size()},
                 {"version", manifest.version}};
  if (manifest.version > 1) {
    header["left_held_out"] = manifest.left_held_out;
    header["linked"] = json(manifest.linked);
    header["scanned"] = json(manifest.scanned);
    header["view_bytes"] = json(manifest.view_bytes);
  }
  std::string text = Line(header);
  std::map<std::string_view, std::string> lines;
  for (const ClipInfo& clip : manifest.clips) {
    json line = {{"clip", clip.name},
                 {"family", clip.family},
                 {"fold", clip.fold},
                 {"label", std::string(ToString(clip.label))}};
    if (const auto found = manifest.fingerprints.find(clip.name); found != manifest.fingerprints.end()) {
      if (!found->second.empty()) line["look"] = Texts(found->second);
    }
    const bool added = lines.emplace(clip.name, Line(line)).second;
    ICPT_CHECK(added) << "clip " << clip.name << " stands twice in the manifest of " << manifest.chunk;
  }
  for (const auto& [name, reason] : manifest.quarantined) {
    const bool added = lines.emplace(name, Line({{"clip", name}, {"quarantined", reason}})).second;
    ICPT_CHECK(added) << "quarantined clip " << name << " stands twice in the manifest of " << manifest.chunk;
  }
  for (const auto& [name, line] : lines) text += line;
  return text;
}

absl::StatusOr<DataManifest> DecodeManifest(std::string_view text) {
  DataManifest manifest;
  std::set<std::string> names;
  int64_t number = 0;
  size_t begin = 0;
  while (begin < text.size()) {
    ++number;
    const std::string where = Cat("line ", number);
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return DataLoss("data manifest: ", where, " has no end");
    const auto object = ParseJsonObject(text.substr(begin, end - begin));
    begin = end + 1;
    if (!object.ok()) return DataLoss("data manifest: ", where, ": ", object.status().message());
    if (number == 1) {
      auto header = DecodeHeader(text, *object);
      if (absl::IsFailedPrecondition(header.status())) return header.status();
      if (!header.ok()) return DataLoss("data manifest: ", header.status().message());
      manifest = *std::move(header);
      continue;
    }
    const absl::Status status = DecodeClip(*object, where, manifest);
    if (!status.ok()) return DataLoss("data manifest: ", status.message());
    const std::string name = object->at("clip").get<std::string>();
    if (!names.insert(name).second) return DataLoss("data manifest: ", where, ": '", name, "' stands twice");
  }
  if (number == 0) return DataLoss("data manifest: line 1 is missing");
  const std::string canonical = EncodeManifest(manifest);
  if (canonical != text) {
    return DataLoss("data manifest: line ", FirstDifferingLine(canonical, text), " is not canonical");
  }
  return manifest;
}

}  // namespace interceptor::worker
