// What each specialist adds to the fusion. Pure. docs/evaluation.md, "Fusion".
#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "worker/integrate/fusion.h"
#include "worker/integrate/fusion_rows.h"

namespace interceptor::worker {

// Differences of AUC, each with its paired interval over families.
struct SpecialistProof {
  SpecialistName specialist = SpecialistName::kBG;
  int64_t clips = 0;  // that it speaks on
  // BG fused with it - BG alone, over all clips and over those it speaks on. Nothing for BG; nor the second when one
  // class has no clip that it speaks on.
  std::optional<Interval> added;
  std::optional<Interval> added_where_it_speaks;
  // All of them - all but this one.
  Interval lost_without_it;
};

// Of each specialist of the fusion, on clips that nothing of it was fitted on. Where nobody speaks the ratio is 0, on all
// clips for a BG that was left out. INVALID_ARGUMENT when tables do not fit together (JoinRows) or a class has no clip.
absl::StatusOr<std::vector<SpecialistProof>> ProveFusion(const Fusion& fusion, const SpecialistRows& reported,
                                                         const BootstrapOptions& options);

nlohmann::json ToJson(const std::vector<SpecialistProof>& proof);

}  // namespace interceptor::worker
