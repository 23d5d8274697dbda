// What says which clip is real and which is fake: the CSV that the plan names, metadata.json files, or
// folders named real and fake. In this order, and never a guess.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/prepare/archive.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// What one label file says of a clip.
struct LabelLine {
  Label label = Label::kReal;
  std::string original;  // empty: none named
};

using LabelLines = std::map<std::string, LabelLine>;  // by clip name

// DFDC's {"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}. INVALID_ARGUMENT names the
// clip.
absl::StatusOr<LabelLines> ParseMetadata(std::string_view json);

// "clip,label,original" lines without quotes. INVALID_ARGUMENT names the line.
absl::StatusOr<LabelLines> ParseLabelsCsv(std::string_view csv);

// The text of the plan's CSV `name`, which lies in `folder` beside the zips; nothing when `name` is empty.
// INVALID_ARGUMENT says the remedy.
absl::StatusOr<std::optional<std::string>> ReadLabelsCsv(const FileSystem& files, const std::string& folder,
                                                         const std::string& name);

// True for what stands where no original is named: nothing, or what pandas and others write for it, such as
// NaN, None and null.
bool NamesNothing(std::string_view original);

class LabelSource {
 public:
  virtual ~LabelSource() = default;
  virtual std::string_view name() const = 0;  // "metadata.json", "paths" or "the labels CSV"
  // What the clip is called: its file name, or its path where paths are what its labels name.
  virtual std::string ClipName(const ArchiveEntry& entry) const { return BaseName(entry.path); }
  // Nothing and a reason when the entry has no label. An original in the zip goes by its ClipName.
  virtual std::optional<LabelLine> Find(const ArchiveEntry& entry, std::string& reason) = 0;
  // Names that have a label and were not found: by their paths in the zip, where labels stand beside clips.
  virtual std::vector<std::string> Unused() const { return {}; }
  // False for labels that may describe other zips too, so that a name without a clip is nothing unusual.
  virtual bool DescribesOneZip() const { return false; }
};

// `entries` are those of `archive` that count. INVALID_ARGUMENT where nothing says what they are.
absl::StatusOr<std::unique_ptr<LabelSource>> FindLabels(Archive& archive,
                                                        std::span<const ArchiveEntry> entries,
                                                        const std::optional<std::string>& csv);

}  // namespace interceptor::worker
