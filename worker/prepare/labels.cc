#include "worker/prepare/labels.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <sstream>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "common/io/file_system.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;
using Labels = std::map<std::string, LabelLine>;

constexpr std::string_view kMetadataName = "metadata.json";
// Of all metadata.json files of a zip together.
constexpr int64_t kMetadataBytesMax = int64_t{32} << 20;
constexpr int64_t kMetadataFilesMax = 10000;
constexpr std::string_view kMediaEndings[] = {".mp4",  ".mov", ".m4v", ".3gp",  ".mkv",
                                              ".webm", ".avi", ".jpg", ".jpeg", ".png"};
// Of pictures and videos that are not decoded; what else a zip holds is no clip.
constexpr std::string_view kOtherEndings[] = {".3g2",  ".bmp",  ".flv", ".gif",  ".heic",
                                              ".m2ts", ".mpeg", ".mpg", ".mts",  ".ogv",
                                              ".tiff", ".ts",   ".vob", ".webp", ".wmv"};

bool EndsWithOne(std::string_view path, std::span<const std::string_view> endings) {
  std::string lower(path);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  // What macOS adds to a zip: names and sizes of media, without their contents.
  if (lower.rfind("__macosx/", 0) == 0) return false;
  return std::any_of(endings.begin(), endings.end(),
                     [&lower](std::string_view ending) { return lower.ends_with(ending); });
}

std::string FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

absl::StatusOr<LabelLine> ParseMetadataEntry(const std::string& clip, const json& value) {
  ICPT_RETURN_IF_ERROR(ValidateEntryName(clip));
  if (!value.is_object()) return InvalidArgument("\"", clip, "\" is not an object");
  const auto label = value.find("label");
  if (label == value.end() || !label->is_string()) return InvalidArgument("\"", clip, "\" has no \"label\"");
  const std::optional<Label> parsed = ParseLabel(label->get<std::string>());
  if (!parsed.has_value()) {
    return InvalidArgument("\"", clip, "\" has the label \"", Printable(label->get<std::string>(), 60),
                           "\"; it must be REAL or FAKE");
  }
  LabelLine line{*parsed, ""};
  const auto original = value.find("original");
  if (original != value.end() && !original->is_null()) {
    if (!original->is_string())
      return InvalidArgument("\"", clip, "\" has an \"original\" that is no string");
    line.original = original->get<std::string>();
    if (!line.original.empty()) {
      ICPT_RETURN_IF_ERROR(Annotate(ValidateEntryName(line.original), Cat("\"", clip, "\": \"original\"")));
    }
  }
  if (line.label == Label::kFake && line.original.empty()) {
    return InvalidArgument("\"", clip, "\" is FAKE and names no \"original\": families cannot be told apart");
  }
  return line;
}

// One source of labels: what it says of an entry, and what it says of clips that are not there.
class LabelSource {
 public:
  virtual ~LabelSource() = default;
  virtual std::string ClipName(const ArchiveEntry& entry) const { return BaseName(entry.path); }
  // Nothing and a reason when the entry has no label.
  virtual std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) = 0;
  // Names with a label and no clip.
  virtual std::vector<std::string> WithoutClip() const { return {}; }
};

class MetadataSource final : public LabelSource {
 public:
  explicit MetadataSource(std::map<std::string, Labels> folders) : folders_(std::move(folders)) {}

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

  std::vector<std::string> WithoutClip() const override {
    std::vector<std::string> missing;
    for (const auto& [folder, labels] : folders_) {
      for (const auto& [name, line] : labels) {
        std::string path = folder.empty() ? name : JoinPath(folder, name);
        if (!matched_.contains(path)) missing.push_back(std::move(path));
      }
    }
    return missing;
  }

 private:
  std::map<std::string, Labels> folders_;
  std::set<std::string> matched_;
};

// The CSV may describe all chunks, so lines without a clip here are nothing unusual.
class CsvSource final : public LabelSource {
 public:
  explicit CsvSource(Labels labels) : labels_(std::move(labels)) {}

  std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) override {
    auto line = labels_.find(entry.path);
    if (line == labels_.end()) line = labels_.find(BaseName(entry.path));
    // Clips go by their file names, however the CSV names them.
    if (line != labels_.end()) return LabelLine{line->second.label, BaseName(line->second.original)};
    reason = "no label: the CSV does not name it";
    return std::nullopt;
  }

 private:
  Labels labels_;
};

class PathSource final : public LabelSource {
 public:
  // Two folders may use one file name for two clips.
  std::string ClipName(const ArchiveEntry& entry) const override { return entry.path; }

  std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) override {
    const std::string folders = Cat("/", FolderOf(entry.path), "/");
    const bool real = folders.find("/real/") != std::string::npos;
    const bool fake = folders.find("/fake/") != std::string::npos;
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

absl::StatusOr<std::unique_ptr<LabelSource>> MakeSource(Archive& archive, const std::string* csv,
                                                        std::string& name) {
  if (csv != nullptr) {
    name = "the labels CSV";
    ICPT_ASSIGN_OR_RETURN(Labels labels, ParseLabelsCsv(*csv));
    return std::make_unique<CsvSource>(std::move(labels));
  }
  std::map<std::string, Labels> folders;
  bool has_components = false;
  ICPT_RETURN_IF_ERROR(CheckMetadataSize(archive.entries()));
  for (const ArchiveEntry& entry : archive.entries()) {
    const std::string folders_of_entry = Cat("/", FolderOf(entry.path), "/");
    has_components |= folders_of_entry.find("/real/") != std::string::npos ||
                      folders_of_entry.find("/fake/") != std::string::npos;
    if (BaseName(entry.path) != kMetadataName) continue;
    auto text = archive.Read(entry, kMetadataBytesMax);
    if (!text.ok()) return InvalidArgument(entry.path, " cannot be read: ", text.status().message());
    auto labels = ParseMetadata(*text);
    if (!labels.ok()) return InvalidArgument(entry.path, ": ", labels.status().message());
    folders[FolderOf(entry.path)] = *std::move(labels);
  }
  if (!folders.empty()) {
    name = kMetadataName;
    return std::make_unique<MetadataSource>(std::move(folders));
  }
  if (!has_components) {
    return InvalidArgument(
        "no labels: the zip has no metadata.json and no real/ or fake/ folders; add metadata.json beside the "
        "clips or name a CSV in the plan's preparation.labels_csv");
  }
  name = "paths";
  return std::make_unique<PathSource>();
}

// The original at the end of a chain of originals inside the chunk.
absl::StatusOr<std::string> FamilyRoot(const std::map<std::string, LabelLine>& lines,
                                       const std::string& name) {
  std::string root = name;
  for (int links = 0; links <= 16; ++links) {
    const auto line = lines.find(root);
    if (line == lines.end() || line->second.original.empty() || line->second.original == root) return root;
    root = line->second.original;
  }
  return InvalidArgument("the originals of '", name, "' lead round in a circle; correct its label");
}

absl::StatusOr<GateReport> Collect(Archive& archive, LabelSource& source) {
  GateReport report;
  std::map<std::string, LabelLine> lines;
  std::map<std::string, ArchiveEntry> entries;
  for (const ArchiveEntry& entry : archive.entries()) {
    const bool is_other = EndsWithOne(entry.path, kOtherEndings);
    if (!is_other && !EndsWithOne(entry.path, kMediaEndings)) continue;
    const std::string name = source.ClipName(entry);
    if (const auto [at, added] = entries.emplace(name, entry); !added) {
      return InvalidArgument("the clip name '", name, "' stands twice, as ", at->second.path, " and ",
                             entry.path, ": rename one, with its label");
    }
    std::string reason;
    if (is_other) {
      report.unlabelled[name] = "files with its ending are not decoded; convert it, with its label";
    } else if (const auto line = source.Find(entry, reason)) {
      lines[name] = *line;
    } else {
      report.unlabelled[name] = reason;
    }
  }
  for (const auto& [name, line] : lines) {
    ICPT_ASSIGN_OR_RETURN(std::string root, FamilyRoot(lines, name));
    (line.label == Label::kReal ? report.reals : report.fakes) += 1;
    report.clips.push_back({name, line.label, std::move(root), entries.at(name)});
  }
  return report;
}

// The first few names of a long list.
template <typename Names>
std::string Some(const Names& names) {
  std::ostringstream text;
  size_t shown = 0;
  for (const auto& name : names) {
    if (shown == 3) break;
    text << (shown++ == 0 ? "" : ", ") << name;
  }
  if (names.size() > shown) text << ", ...";
  return text.str();
}

absl::Status CheckMatches(const GateReport& report, const LabelSource& source, const GateRules& rules) {
  const std::vector<std::string> missing = source.WithoutClip();
  const auto clips = static_cast<int64_t>(report.clips.size() + report.unlabelled.size() + missing.size());
  const auto unmatched = static_cast<int64_t>(report.unlabelled.size() + missing.size());
  if (unmatched <= UnmatchedMax(clips, rules.unmatched_share_max)) return absl::OkStatus();
  std::vector<std::string> unlabelled;
  for (const auto& [name, reason] : report.unlabelled) unlabelled.push_back(name);
  std::ostringstream text;
  text << unmatched << " of " << clips << " names do not match by exact key";
  if (!unlabelled.empty())
    text << "; " << unlabelled.size() << " clips without a label: " << Some(unlabelled);
  if (!missing.empty()) text << "; " << missing.size() << " labels without a clip: " << Some(missing);
  text << ". Correct " << report.source << ", or allow more by preparation.unmatched_share_max (now "
       << rules.unmatched_share_max << ")";
  return absl::FailedPreconditionError(text.str());
}

std::string Percent(double share) {
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << 100 * share << " %";
  return text.str();
}

std::string ExplainBalance(const GateReport& report, const GateRules& rules) {
  std::ostringstream text;
  text << report.reals << " REAL and " << report.fakes << " FAKE: " << Percent(report.fake_share)
       << " fake where the plan expects " << Percent(rules.expected_fake_share) << ". ";
  if (report.reals == report.fakes) {
    text << "The sampler takes every clip once an epoch.";
    return text.str();
  }
  const bool more_fakes = report.fakes > report.reals;
  const double times = static_cast<double>(std::max(report.reals, report.fakes)) /
                       static_cast<double>(std::min(report.reals, report.fakes));
  text.precision(1);
  text << "The sampler takes every " << (more_fakes ? "FAKE" : "REAL") << " once an epoch and every "
       << (more_fakes ? "REAL" : "FAKE") << " about " << std::fixed << times
       << " times, so that each batch is half real and half fake.";
  return text.str();
}

}  // namespace

absl::StatusOr<Labels> ParseMetadata(std::string_view text) {
  auto object = ParseJsonObject(text);
  if (!object.ok()) return InvalidArgument("malformed: ", object.status().message());
  Labels labels;
  for (const auto& [clip, value] : object->items()) {
    ICPT_ASSIGN_OR_RETURN(labels[clip], ParseMetadataEntry(clip, value));
  }
  return labels;
}

absl::StatusOr<Labels> ParseLabelsCsv(std::string_view csv) {
  Labels labels;
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
    const size_t first = line.find(',');
    const size_t second = first == std::string::npos ? first : line.find(',', first + 1);
    if (second == std::string::npos || line.find(',', second + 1) != std::string::npos) {
      return fault("it must have three fields");
    }
    if (line.find('"') != std::string::npos) return fault("fields are written without quotes");
    const std::string clip = line.substr(0, first);
    const std::optional<Label> label = ParseLabel(line.substr(first + 1, second - first - 1));
    if (clip.empty()) return fault("the clip has no name");
    if (!label.has_value()) return fault("the label must be REAL or FAKE");
    if (!labels.emplace(clip, LabelLine{*label, line.substr(second + 1)}).second) {
      return fault(Cat("'", clip, "' stands twice"));
    }
  }
  if (labels.empty()) return InvalidArgument("the labels CSV has no lines");
  return labels;
}

int64_t UnmatchedMax(int64_t clips, double share) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(clips) * share));
}

GateRules RulesOf(const PreparationSettings& settings) {
  return {settings.unmatched_share_max, settings.expected_fake_share};
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

absl::StatusOr<GateReport> PassDataGate(Archive& archive, const GateRules& rules, const std::string* csv) {
  std::string source_name;
  auto source = MakeSource(archive, csv, source_name);
  if (!source.ok()) return Annotate(source.status(), archive.path());
  auto report = Collect(archive, **source);
  if (!report.ok()) return Annotate(report.status(), archive.path());
  report->source = source_name;
  ICPT_RETURN_IF_ERROR(Annotate(CheckMatches(*report, **source, rules), archive.path()));
  if (report->reals == 0 || report->fakes == 0) {
    return FailedPrecondition(archive.path(), ": one class only: ", report->reals, " REAL and ",
                              report->fakes, " FAKE clips by ", source_name,
                              "; a chunk needs both. Correct its labels or leave it out of the plan");
  }
  report->fake_share =
      static_cast<double>(report->fakes) / static_cast<double>(report->fakes + report->reals);
  report->text = ExplainBalance(*report, rules);
  return report;
}

}  // namespace interceptor::worker
