// Score tables of several specialists, joined clip by clip. Pure.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/child_protocol/score_table.h"

namespace interceptor::worker {

struct JoinedClip {
  const ClipInfo* clip = nullptr;
  // One for each specialist; nullptr for one that abstained or has no row of the clip.
  std::vector<const ScoreRow*> rows;
};

// Specialists in the order of every table (SpecialistName).
using SpecialistRows = std::map<SpecialistName, std::span<const ScoreRow>>;

// Every clip that one of them has a row of, by chunk and name. REQUIRES: the rows outlive what is returned.
// INVALID_ARGUMENT names a clip that has two rows of one specialist, or whose family or label two specialists disagree on.
absl::StatusOr<std::vector<JoinedClip>> JoinRows(const SpecialistRows& tables);

}  // namespace interceptor::worker
