// The data gate: which clip of a chunk is real and which is fake, and which clips are one family.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/prepare/archive.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

struct LabelledClip {
  std::string name;  // "abcdefghij.mp4"; its path in the zip where paths are what its labels name
  Label label = Label::kReal;
  std::string original;  // the root of its family: its own name for an original
  ArchiveEntry entry;
};

struct GateReport {
  std::vector<LabelledClip> clips;                // sorted by name
  std::map<std::string, std::string> unlabelled;  // clip name -> why it has no label
  int reals = 0;
  int fakes = 0;
  double fake_share = 0;
  std::string source;  // "metadata.json", "paths" or the CSV's name
  std::string text;    // found against expected, and what the sampler will do about it
  // What is odd and was passed over: each line counts it, names the first few and says what was made of it.
  std::vector<std::string> notes;
};

// `csv` is the text of the plan's CSV, nothing when it names none. INVALID_ARGUMENT or FAILED_PRECONDITION says
// what is wrong and how to correct it; neither is cured by trying again.
absl::StatusOr<GateReport> PassDataGate(Archive& archive, const PreparationSettings& settings,
                                        const std::optional<std::string>& csv);

// How many of `clips` may be missing or undecodable: the share rounded up, so one bad clip does not refuse a
// small chunk.
int64_t UnmatchedMax(int64_t clips, double share);

}  // namespace interceptor::worker
