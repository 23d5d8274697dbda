#include "worker/prepare/label_sources.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadataName = "metadata.json";
// Of all metadata.json files of a zip together.
constexpr int64_t kMetadataBytesMax = int64_t{32} << 20;
constexpr int64_t kMetadataFilesMax = 10000;

std::string FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

bool HasFolder(const ArchiveEntry& entry, std::string_view folder) {
  return Cat("/", FolderOf(entry.path), "/").find(Cat("/", folder, "/")) != std::string::npos;
}

// Refuses a name that no entry of a zip can have.
absl::Status CheckName(std::string_view name) {
  const absl::Status valid = ValidateEntryName(name);
  return valid.ok() ? valid : InvalidArgument(valid.message(), "; write it as the zip names the clip");
}

absl::StatusOr<LabelLine> ParseMetadataEntry(const std::string& clip, const json& value) {
  ICPT_RETURN_IF_ERROR(CheckName(clip));
  if (!value.is_object()) {
    return InvalidArgument("\"", clip, "\" is not an object; write {\"label\": \"FAKE\", \"original\": ...}");
  }
  const auto label = value.find("label");
  if (label == value.end() || !label->is_string()) {
    return InvalidArgument("\"", clip, "\" has no \"label\"; give it REAL or FAKE");
  }
  const std::optional<Label> parsed = ParseLabel(label->get<std::string>());
  if (!parsed.has_value()) {
    return InvalidArgument("\"", clip, "\" has the label \"", Printable(label->get<std::string>(), 60),
                           "\"; it must be REAL or FAKE");
  }
  LabelLine line{*parsed, ""};
  const auto original = value.find("original");
  if (original != value.end() && !original->is_null()) {
    if (!original->is_string())
      return InvalidArgument("\"", clip, "\" has an \"original\" that is no string; name a clip");
    line.original = original->get<std::string>();
    if (!line.original.empty()) {
      ICPT_RETURN_IF_ERROR(Annotate(CheckName(line.original), Cat("\"", clip, "\": \"original\"")));
    }
  }
  if (line.label == Label::kFake && NamesNothing(line.original)) {
    return InvalidArgument("\"", clip, "\" is FAKE and names no \"original\"",
                           line.original.empty() ? "" : Cat(" but \"", line.original, "\""),
                           ": families cannot be told apart; name the clip that it was made from");
  }
  return line;
}

class MetadataSource final : public LabelSource {
 public:
  explicit MetadataSource(std::map<std::string, LabelLines> folders) : folders_(std::move(folders)) {}

  std::string_view name() const override { return kMetadataName; }

  std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) override {
    const std::string folder = FolderOf(entry.path);
    const auto labels = folders_.find(folder);
    if (labels == folders_.end()) {
      reason = Cat("no label: its folder '", folder, "' has no metadata.json");
      return std::nullopt;
    }
    const auto line = labels->second.find(BaseName(entry.path));
    if (line == labels->second.end()) {
      reason = "no label: metadata.json does not name it";
      return std::nullopt;
    }
    matched_.insert(entry.path);
    return line->second;
  }

  bool DescribesOneZip() const override { return true; }

  std::vector<std::string> Unused() const override {
    std::vector<std::string> missing;
    for (const auto& [folder, labels] : folders_) {
      for (const auto& [name, line] : labels) {
        std::string path = JoinPath(folder, name);
        if (!matched_.contains(path)) missing.push_back(std::move(path));
      }
    }
    return missing;
  }

 private:
  std::map<std::string, LabelLines> folders_;
  std::set<std::string> matched_;
};

class CsvSource final : public LabelSource {
 public:
  CsvSource(LabelLines labels, std::span<const ArchiveEntry> entries) : labels_(std::move(labels)) {
    names_paths_ = std::ranges::any_of(
        labels_, [](const auto& line) { return line.first.find('/') != std::string::npos; });
    for (const ArchiveEntry& entry : entries) {
      clips_.insert(ClipName(entry));
      clips_of_file_[BaseName(entry.path)].push_back(ClipName(entry));
    }
  }

  std::string_view name() const override { return "the labels CSV"; }

  std::string ClipName(const ArchiveEntry& entry) const override {
    const std::string file = BaseName(entry.path);
    const bool by_path = names_paths_ && (labels_.contains(entry.path) || !labels_.contains(file));
    return by_path ? entry.path : file;
  }

  std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) override {
    const auto line = labels_.find(ClipName(entry));
    if (line == labels_.end()) {
      reason = "no label: the CSV does not name it";
      return std::nullopt;
    }
    matched_.insert(line->first);
    const std::optional<std::string> original = OriginalOf(entry, line->second.original);
    if (original.has_value()) return LabelLine{line->second.label, *original};
    reason = Cat("no label: its original '", line->second.original,
                 "' stands in several folders; name it by its path in the CSV");
    return std::nullopt;
  }

  std::vector<std::string> Unused() const override {
    std::vector<std::string> unused;
    for (const auto& [name, line] : labels_) {
      if (!matched_.contains(name)) unused.push_back(name);
    }
    return unused;
  }

 private:
  // Nothing where `original` may be several clips.
  std::optional<std::string> OriginalOf(const ArchiveEntry& entry, const std::string& original) const {
    if (NamesNothing(original)) return original;
    const std::string file = BaseName(original);
    if (!names_paths_) return file;
    for (const std::string& name : {original, JoinPath(FolderOf(entry.path), original)}) {
      if (clips_.contains(name)) return name;
    }
    const auto clips = clips_of_file_.find(file);
    if (clips == clips_of_file_.end()) return original;
    return clips->second.size() == 1 ? std::optional(clips->second.front()) : std::nullopt;
  }

  LabelLines labels_;
  bool names_paths_ = false;
  std::set<std::string> matched_;
  std::set<std::string> clips_;
  std::map<std::string, std::vector<std::string>> clips_of_file_;  // file name -> clip names
};

// Two folders may use one file name for two clips, so a clip is its path.
class PathSource final : public LabelSource {
 public:
  std::string_view name() const override { return "paths"; }
  std::string ClipName(const ArchiveEntry& entry) const override { return entry.path; }

  std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) override {
    const bool real = HasFolder(entry, "real");
    const bool fake = HasFolder(entry, "fake");
    if (real != fake) return LabelLine{real ? Label::kReal : Label::kFake, ""};
    reason =
        real ? "no label: its path says both real and fake" : "no label: its path says neither real nor fake";
    return std::nullopt;
  }
};

// By what the zip declares, before any is read; reading holds it to that.
absl::Status CheckMetadataSize(std::span<const ArchiveEntry> entries) {
  int64_t files = 0;
  int64_t bytes = 0;
  for (const ArchiveEntry& entry : entries) {
    if (BaseName(entry.path) != kMetadataName) continue;
    ++files;
    bytes = std::min(bytes, kMetadataBytesMax) + entry.size_bytes;
  }
  constexpr std::string_view kRemedy = "; keep only the labels of its clips, or split it into several chunks";
  if (files > kMetadataFilesMax) {
    return InvalidArgument("it has ", files, " metadata.json files; at most ", kMetadataFilesMax, " are read",
                           kRemedy);
  }
  if (bytes > kMetadataBytesMax) {
    return InvalidArgument("its metadata.json files (", files, ") have more than ", kMetadataBytesMax,
                           " bytes together", kRemedy);
  }
  return absl::OkStatus();
}

}  // namespace

bool NamesNothing(std::string_view original) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(original));
  for (const char* word : {"", "nan", "none", "null", "na", "n/a", "<na>"}) {
    if (lower == word) return true;
  }
  return false;
}

absl::StatusOr<LabelLines> ParseMetadata(std::string_view text) {
  auto object = ParseJsonObject(text);
  if (!object.ok()) return InvalidArgument("malformed: ", object.status().message());
  LabelLines labels;
  for (const auto& [clip, value] : object->items()) {
    ICPT_ASSIGN_OR_RETURN(labels[clip], ParseMetadataEntry(clip, value));
  }
  return labels;
}

absl::StatusOr<LabelLines> ParseLabelsCsv(std::string_view csv) {
  LabelLines labels;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (csv.starts_with(kByteOrderMark)) csv.remove_prefix(kByteOrderMark.size());
  std::istringstream input{std::string(csv)};
  std::string line;
  for (int number = 1; std::getline(input, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    const auto fault = [number](std::string_view what) {
      return InvalidArgument("the labels CSV, line ", number, ": ", what);
    };
    if (number == 1) {
      if (line != "clip,label,original") return fault("it must be 'clip,label,original'");
      continue;
    }
    if (line.empty()) continue;
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    if (fields.size() != 3) return fault("it must have three fields");
    if (line.find('"') != std::string::npos) return fault("fields are written without quotes");
    const std::optional<Label> label = ParseLabel(fields[1]);
    if (fields[0].empty()) return fault("the clip has no name");
    if (!label.has_value()) return fault("the label must be REAL or FAKE");
    if (!labels.emplace(fields[0], LabelLine{*label, fields[2]}).second) {
      return fault(Cat("'", fields[0], "' stands twice"));
    }
  }
  if (labels.empty()) return InvalidArgument("the labels CSV has no lines");
  return labels;
}

absl::StatusOr<std::optional<std::string>> ReadLabelsCsv(const FileSystem& files, const std::string& folder,
                                                         const std::string& name) {
  if (name.empty()) return std::nullopt;
  ICPT_RETURN_IF_ERROR(Annotate(ValidateEntryName(name), "preparation.labels_csv"));
  auto text = ReadWholeFile(files, JoinPath(folder, name));
  if (!text.ok()) {
    return InvalidArgument("preparation.labels_csv: ", text.status().message(),
                           "; put the file beside the zip");
  }
  return *std::move(text);
}

absl::StatusOr<std::unique_ptr<LabelSource>> FindLabels(Archive& archive,
                                                        std::span<const ArchiveEntry> entries,
                                                        const std::optional<std::string>& csv) {
  if (csv.has_value()) {
    ICPT_ASSIGN_OR_RETURN(LabelLines labels, ParseLabelsCsv(*csv));
    return std::make_unique<CsvSource>(std::move(labels), entries);
  }
  std::map<std::string, LabelLines> folders;
  bool has_components = false;
  std::string other_case;  // a metadata.json by another spelling
  ICPT_RETURN_IF_ERROR(CheckMetadataSize(entries));
  for (const ArchiveEntry& entry : entries) {
    has_components |= HasFolder(entry, "real") || HasFolder(entry, "fake");
    if (BaseName(entry.path) != kMetadataName) {
      if (absl::AsciiStrToLower(BaseName(entry.path)) == kMetadataName) other_case = entry.path;
      continue;
    }
    auto text = archive.Read(entry, kMetadataBytesMax);
    if (!text.ok()) return InvalidArgument(entry.path, " cannot be read: ", text.status().message());
    auto labels = ParseMetadata(*text);
    if (!labels.ok()) return InvalidArgument(entry.path, ": ", labels.status().message());
    folders[FolderOf(entry.path)] = *std::move(labels);
  }
  if (!folders.empty()) return std::make_unique<MetadataSource>(std::move(folders));
  if (!has_components && !other_case.empty()) {
    return InvalidArgument("no labels: they are read from metadata.json, and the zip has '", other_case,
                           "'; rename it to lower case");
  }
  if (!has_components) {
    return InvalidArgument(
        "no labels: the zip has no metadata.json and no real/ or fake/ folders; add metadata.json beside the "
        "clips or name a CSV in the plan's preparation.labels_csv");
  }
  return std::make_unique<PathSource>();
}

}  // namespace interceptor::worker
