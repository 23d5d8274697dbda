#include "worker/integrate/fusion_rows.h"

#include <string_view>
#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

struct Entry {
  JoinedClip joined;
  SpecialistName first = SpecialistName::kBG;  // the specialist that `joined.clip` is of
  SpecialistName last_seen = SpecialistName::kBG;
};

absl::Status CheckSame(const Entry& entry, SpecialistName specialist, const ScoreRow& row) {
  const ClipInfo& clip = *entry.joined.clip;
  if (entry.last_seen == specialist) {
    return InvalidArgument("clip ", clip.chunk, "/", clip.name, " has two rows of ", ToString(specialist));
  }
  const auto differ = [&](std::string_view what, std::string_view first, std::string_view second) {
    return InvalidArgument("clip ", clip.chunk, "/", clip.name, " has ", what, " ", first,
                           " in the table of ", ToString(entry.first), " and ", second, " in that of ",
                           ToString(specialist));
  };
  if (clip.family != row.clip.family) return differ("family", clip.family, row.clip.family);
  if (clip.label != row.clip.label) return differ("label", ToString(clip.label), ToString(row.clip.label));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<JoinedClip>> JoinRows(const SpecialistRows& tables) {
  std::map<std::pair<std::string_view, std::string_view>, Entry> clips;
  size_t place = 0;
  for (const auto& [specialist, rows] : tables) {
    for (const ScoreRow& row : rows) {
      const auto [at, is_new] = clips.try_emplace({row.clip.chunk, row.clip.name});
      Entry& entry = at->second;
      if (is_new) {
        entry = {.joined = {&row.clip, std::vector<const ScoreRow*>(tables.size(), nullptr)},
                 .first = specialist,
                 .last_seen = specialist};
      } else {
        ICPT_RETURN_IF_ERROR(CheckSame(entry, specialist, row));
        entry.last_seen = specialist;
      }
      if (!row.abstained) entry.joined.rows[place] = &row;
    }
    ++place;
  }
  std::vector<JoinedClip> joined;
  for (auto& [name, entry] : clips) joined.push_back(std::move(entry.joined));
  return joined;
}

}  // namespace interceptor::worker
