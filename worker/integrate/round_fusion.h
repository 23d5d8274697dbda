// The fusion of a round: fitted on the calibrate halves of its specialists' held-out tables and on what they looked ahead at,
// measured on the report halves.
// Pure. docs/evaluation.md, "Fusion".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "common/stats/measures.h"
#include "worker/child_protocol/score_table.h"
#include "worker/integrate/fitting_rows.h"
#include "worker/integrate/fusion.h"
#include "worker/integrate/fusion_proof.h"

namespace interceptor::worker {

// The ratios that the fusion and its best specialist give the clips of the report half.
struct ReportedClips {
  std::vector<ClipScore> fused;
  std::vector<ClipScore> best;  // 0 where it has no row
};

struct RoundFusion {
  // Why there is none; else all that follows.
  std::string reason;
  Fusion fusion;
  std::map<std::string, AttributeRange> attributes;  // of the clips that it was fitted on
  // The specialist with the least log loss on the calibrate half: what the fusion has to be compared with.
  SpecialistName best = SpecialistName::kBG;
  // Of the report half; nothing when it lacks a class.
  ReportedClips reported;
  std::optional<MeasureTable> report;
  std::optional<MeasureTable> report_of_best;
  std::optional<Interval> log_loss_change;  // the fusion's - the best specialist's, paired
  std::vector<SpecialistProof> proof;
};

// Tables of specialists of other names than the six are no part of it. INVALID_ARGUMENT when tables disagree on a clip, or a
// row may not be fitted on that should be.
absl::StatusOr<RoundFusion> FuseRound(const std::map<SpecialistName, ScoreTable>& tables, uint64_t seed,
                                      const std::map<SpecialistName, LookAheadTables>& look_ahead = {});

nlohmann::json ToJson(const RoundFusion& fusion);
// For people: "fused BG, CM, LL: AUC 0.981 [0.96, 0.99] on 120 reported clips, log loss -0.021 [-0.035, -0.008] against BG alone".
std::string DescribeFusion(const RoundFusion& fusion);

}  // namespace interceptor::worker
