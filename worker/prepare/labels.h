// The data gate: which clip of a chunk is real and which is fake, from what the chunk says and never from a
// guess. In order: the CSV that the plan names; metadata.json files; path components named real or fake.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/prepare/archive.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

struct LabelledClip {
  std::string name;  // "abcdefghij.mp4"; the whole path where labels come from path components
  Label label = Label::kReal;
  std::string original;  // the root of its family: its own name for an original
  ArchiveEntry entry;
};

struct GateRules {
  double unmatched_share_max = 0.01;
  double expected_fake_share = 0.5;
};

GateRules RulesOf(const PreparationSettings& settings);

struct GateReport {
  std::vector<LabelledClip> clips;                // sorted by name
  std::map<std::string, std::string> unlabelled;  // clip name -> why it has no label
  int reals = 0;
  int fakes = 0;
  double fake_share = 0;
  std::string source;  // "metadata.json", "paths" or the CSV's name
  std::string text;    // found against expected, and what the sampler will do about it
};

// What one label file says of a clip.
struct LabelLine {
  Label label = Label::kReal;
  std::string original;  // empty: none named
};

// DFDC's {"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}. INVALID_ARGUMENT names the
// clip.
absl::StatusOr<std::map<std::string, LabelLine>> ParseMetadata(std::string_view json);

// "clip,label,original" lines without quotes. INVALID_ARGUMENT names the line.
absl::StatusOr<std::map<std::string, LabelLine>> ParseLabelsCsv(std::string_view csv);

// The text of the plan's CSV `name`, which lies in `folder` beside the zips; nothing when `name` is empty.
// INVALID_ARGUMENT says the mend.
absl::StatusOr<std::optional<std::string>> ReadLabelsCsv(const FileSystem& files, const std::string& folder,
                                                         const std::string& name);

// `csv` is the text of the plan's CSV, null when it names none. INVALID_ARGUMENT or FAILED_PRECONDITION says
// what is wrong and how to mend it; neither is cured by trying again.
absl::StatusOr<GateReport> PassDataGate(Archive& archive, const GateRules& rules, const std::string* csv);

// How many of `clips` may be missing or undecodable: the share rounded up, so one bad clip does not refuse a
// small chunk.
int64_t UnmatchedMax(int64_t clips, double share);

}  // namespace interceptor::worker
