#include "worker/prepare/labels.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/text/text.h"
#include "worker/prepare/label_sources.h"
#include "worker/prepare/near_names.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kMediaEndings[] = {".mp4",  ".mov", ".m4v", ".3gp",  ".mkv",
                                              ".webm", ".avi", ".jpg", ".jpeg", ".png"};
// Of pictures and videos that are not decoded; what else a zip holds is no clip.
constexpr std::string_view kOtherEndings[] = {".3g2",  ".bmp",  ".flv", ".gif",  ".heic",
                                              ".m2ts", ".mpeg", ".mpg", ".mts",  ".ogv",
                                              ".tiff", ".ts",   ".vob", ".webp", ".wmv"};

bool EndsWithOne(std::string_view path, std::span<const std::string_view> endings) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(path));
  return std::ranges::any_of(endings, [&lower](std::string_view ending) { return lower.ends_with(ending); });
}

// What macOS, Windows, Android and file servers put beside one's files.
constexpr std::string_view kSystemFolders[] = {
    "#recycle",   "$recycle.bin", ".@__thumb",   ".appledouble",    ".documentrevisions-v100",  ".fseventsd",
    ".trash",     ".trashes",     ".thumbnails", "@eadir",          ".spotlight-v100",          "@recycle",
    "lost+found", "__macosx",     "@tmp",        ".temporaryitems", "system volume information"};
constexpr std::string_view kSystemFiles[] = {".ds_store", ".localized", "desktop.ini", "ehthumbs.db",
                                             "thumbs.db"};

bool IsSystemFile(std::string_view path) {
  const std::vector<std::string> parts = absl::StrSplit(absl::AsciiStrToLower(ToAbsl(path)), '/');
  const auto is_one = [](const auto& names, const std::string& part) {
    return std::ranges::find(names, part) != std::end(names);
  };
  const std::string& file = parts.back();
  return is_one(kSystemFiles, file) || file.starts_with("._") || file.starts_with(".trashed-") ||
         std::any_of(parts.begin(), parts.end() - 1, [&](const std::string& folder) {
           return is_one(kSystemFolders, folder) || folder.starts_with(".trash-");
         });
}

// Adds a line on what is odd, where anything is.
void Note(std::string_view what, const Examples& examples, std::string_view verdict,
          std::vector<std::string>& notes) {
  if (examples.count() > 0) notes.push_back(Cat(what, " (", examples.Text(), "): ", verdict));
}

// Clears originals that cannot be one: what all of them seem to share is no family.
void SettleOriginals(LabelLines& lines, std::vector<std::string>& notes) {
  Examples nothing;
  Examples unfit;
  Examples of_fakes;
  for (auto& [name, line] : lines) {
    if (line.original.empty()) continue;
    const auto other = lines.find(line.original);
    const bool is_real = other != lines.end() && other->second.label == Label::kReal;
    const std::string example = Cat(name, " of ", Printable(line.original, 100));
    const bool is_itself = line.original == name;
    if (NamesNothing(line.original) || (is_itself && line.label == Label::kReal)) {
      nothing.Add(example);
      line.original.clear();
    } else if (line.label == Label::kReal && !is_real) {
      unfit.Add(example);
      line.original.clear();
    } else if (other != lines.end() && !is_real && !is_itself) {
      of_fakes.Add(example);
    }
  }
  Note(Cat(Counted(nothing.count(), "clip names", "clips name"), " nothing or itself as original"), nothing,
       "ignored, each is of no other's family", notes);
  Note(Cat(Counted(unfit.count(), "REAL clip names", "REAL clips name"),
           " an original that is FAKE or not in the chunk"),
       unfit, "ignored, each is of no other's family; correct its \"original\" if it shows another's footage",
       notes);
  Note(Cat(Counted(of_fakes.count(), "FAKE clip names", "FAKE clips name"), " another FAKE as original"),
       of_fakes, "each is of that one's family", notes);
}

// The original at the end of a chain of originals inside the chunk.
absl::StatusOr<std::string> FamilyRoot(const LabelLines& lines, const std::string& name) {
  std::string root = name;
  for (size_t links = 0; links <= lines.size(); ++links) {
    const auto line = lines.find(root);
    if (line == lines.end() || line->second.original.empty()) return root;
    root = line->second.original;
  }
  return InvalidArgument("the originals of '", name,
                         "' lead round in a circle; name the clip that each of them was made from");
}

// Refuses a FAKE whose original is a clip but for its spelling: as two families, one may be trained on and the
// other held out.
absl::Status CheckOriginals(const LabelLines& lines) {
  CaselessNames clips;
  for (const auto& [name, line] : lines) clips.Add(name);
  Examples spelled;
  for (const auto& [name, line] : lines) {
    if (line.original.empty() || lines.contains(line.original)) continue;
    if (const std::string* clip = clips.Find(line.original)) {
      spelled.Add(Cat(name, " of ", Printable(line.original, 100), ", a clip as ", *clip));
    }
  }
  if (spelled.count() == 0) return absl::OkStatus();
  return InvalidArgument(
      Counted(spelled.count(), "clip names", "clips name"),
      " an original that differs from a clip in letter case or Unicode normal form alone (", spelled.Text(),
      "): write each \"original\" as the clip is named");
}

// `unlabelled_paths`: of what report.unlabelled names.
absl::StatusOr<GateReport> Collect(std::span<const ArchiveEntry> entries, LabelSource& source,
                                   std::vector<std::string>& unlabelled_paths) {
  GateReport report;
  LabelLines lines;
  std::map<std::string, ArchiveEntry> entry_of;
  for (const ArchiveEntry& entry : entries) {
    const bool is_other = EndsWithOne(entry.path, kOtherEndings);
    if (!is_other && !EndsWithOne(entry.path, kMediaEndings)) continue;
    const std::string name = source.ClipName(entry);
    if (const auto [at, added] = entry_of.emplace(name, entry); !added) {
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
      unlabelled_paths.push_back(entry.path);
    }
  }
  SettleOriginals(lines, report.notes);
  ICPT_RETURN_IF_ERROR(CheckOriginals(lines));
  for (const auto& [name, line] : lines) {
    ICPT_ASSIGN_OR_RETURN(std::string root, FamilyRoot(lines, name));
    (line.label == Label::kReal ? report.reals : report.fakes) += 1;
    report.clips.push_back({name, line.label, std::move(root), entry_of.at(name)});
  }
  return report;
}

absl::Status CheckMatches(const GateReport& report, std::span<const std::string> unlabelled_paths,
                          const LabelSource& source, const PreparationSettings& settings) {
  const std::vector<std::string> unused = source.Unused();
  std::vector<std::string> missing;
  if (source.DescribesOneZip()) {
    std::ranges::copy_if(unused, std::back_inserter(missing),
                         [](const std::string& name) { return !IsSystemFile(name); });
  }
  const auto clips = static_cast<int64_t>(report.clips.size() + report.unlabelled.size() + missing.size());
  const auto unmatched = static_cast<int64_t>(report.unlabelled.size() + missing.size());
  if (unmatched <= UnmatchedMax(clips, settings.unmatched_share_max)) return absl::OkStatus();
  Examples unlabelled;
  Examples undecoded;
  std::string example;
  for (const auto& [name, reason] : report.unlabelled) {
    constexpr std::string_view kNoLabel = "no label: ";
    const bool has_none = reason.starts_with(kNoLabel);
    if (has_none && unlabelled.count() == 0) example = Cat(name, ": ", reason.substr(kNoLabel.size()));
    (has_none ? unlabelled : undecoded).Add(name);
  }
  Examples without_clip;
  for (const std::string& name : missing) without_clip.Add(name);
  std::string text = Cat(unmatched, " of ", clips, " names do not match by exact key");
  if (unlabelled.count() > 0) {
    text += Cat("; ", Counted(unlabelled.count(), "clip", "clips"), " without a label: ", unlabelled.Text(),
                " (", example, ")");
  }
  if (undecoded.count() > 0) {
    text += Cat("; ", Counted(undecoded.count(), "file is", "files are"),
                " of a kind that is not decoded: ", undecoded.Text(), " (convert it, with its label)");
  }
  if (without_clip.count() > 0) {
    text +=
        Cat("; ", Counted(without_clip.count(), "label", "labels"), " without a clip: ", without_clip.Text());
  }
  return FailedPrecondition(text, ExplainMismatch(unlabelled_paths, unused), ". Correct ", report.source,
                            ", or allow more by preparation.unmatched_share_max (now ",
                            settings.unmatched_share_max, ")");
}

std::string ExplainBalance(const GateReport& report, const PreparationSettings& settings) {
  const std::string found =
      absl::StrFormat("%d REAL and %d FAKE: %.1f %% fake where the plan expects %.1f %%. ", report.reals,
                      report.fakes, 100 * report.fake_share, 100 * settings.expected_fake_share);
  if (report.reals == report.fakes) return found + "The sampler takes every clip once an epoch.";
  const bool more_fakes = report.fakes > report.reals;
  const double times = static_cast<double>(std::max(report.reals, report.fakes)) /
                       static_cast<double>(std::min(report.reals, report.fakes));
  return found + absl::StrFormat(
                     "The sampler takes every %s once an epoch and every %s about %.1f times, so that each "
                     "batch is half real and half fake.",
                     more_fakes ? "FAKE" : "REAL", more_fakes ? "REAL" : "FAKE", times);
}

}  // namespace

int64_t UnmatchedMax(int64_t clips, double share) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(clips) * share));
}

absl::StatusOr<GateReport> PassDataGate(Archive& archive, const PreparationSettings& settings,
                                        const std::optional<std::string>& csv) {
  std::vector<ArchiveEntry> entries;
  Examples system_files;
  for (const ArchiveEntry& entry : archive.entries()) {
    if (IsSystemFile(entry.path)) {
      system_files.Add(entry.path);
    } else {
      entries.push_back(entry);
    }
  }
  const auto source = FindLabels(archive, entries, csv);
  if (!source.ok()) return Annotate(source.status(), archive.path());
  std::vector<std::string> unlabelled_paths;
  auto report = Collect(entries, **source, unlabelled_paths);
  if (!report.ok()) return Annotate(report.status(), archive.path());
  Note(Counted(system_files.count(), "file", "files"), system_files,
       "left out: the system that made the zip wrote them, and no camera", report->notes);
  report->source = (*source)->name();
  ICPT_RETURN_IF_ERROR(Annotate(CheckMatches(*report, unlabelled_paths, **source, settings), archive.path()));
  if (report->reals == 0 || report->fakes == 0) {
    return FailedPrecondition(archive.path(), ": one class only: ", report->reals, " REAL and ",
                              report->fakes, " FAKE clips by ", report->source,
                              "; a chunk needs both. Correct its labels or leave it out of the plan");
  }
  report->fake_share =
      static_cast<double>(report->fakes) / static_cast<double>(report->fakes + report->reals);
  report->text = ExplainBalance(*report, settings);
  return report;
}

}  // namespace interceptor::worker
