#include "worker/agent/manifest_difference.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {
namespace {

constexpr size_t kLinesShown = 5;

std::vector<std::string> OnlyIn(const std::set<std::string>& lines, const std::set<std::string>& other) {
  std::vector<std::string> found;
  std::set_difference(lines.begin(), lines.end(), other.begin(), other.end(), std::back_inserter(found));
  return found;
}

}  // namespace

std::vector<std::string> DescribeDifference(const std::string& ours, const std::string& theirs) {
  const std::set<std::string> our_lines = absl::StrSplit(ours, '\n');
  const std::set<std::string> their_lines = absl::StrSplit(theirs, '\n');
  const std::vector<std::string> here = OnlyIn(our_lines, their_lines);
  const std::vector<std::string> there = OnlyIn(their_lines, our_lines);
  std::vector<std::string> lines = {
      Cat(here.size(), " lines only in this box's manifest, ", there.size(), " only in the committed one")};
  for (size_t i = 0; i < std::min(here.size(), kLinesShown); ++i)
    lines.push_back(Cat("here:      ", here[i]));
  for (size_t i = 0; i < std::min(there.size(), kLinesShown); ++i)
    lines.push_back(Cat("committed: ", there[i]));
  return lines;
}

absl::Status LogDifference(const FileSystem& files, const std::string& our_path,
                           const std::string& their_path) {
  ICPT_ASSIGN_OR_RETURN(const std::string ours, ReadWholeFile(files, our_path));
  ICPT_ASSIGN_OR_RETURN(const std::string theirs, ReadWholeFile(files, their_path));
  for (const std::string& line : DescribeDifference(ours, theirs)) ICPT_LOG(kError) << line;
  return absl::OkStatus();
}

}  // namespace interceptor::worker
