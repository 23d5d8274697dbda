// The joined table of results: what each specialist's held-out score table says after one chunk, side by
// side. Figures are computed anew from the tables, not taken from whoever reported them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/facts/round.h"
#include "common/stats/figures.h"
#include "worker/child_protocol/score_table.h"
#include "worker/integrate/judgement.h"
#include "worker/integrate/round_fusion.h"

namespace interceptor::worker {

struct SpecialistResult : Figures {
  std::string specialist;
  int64_t step = 0;
  std::optional<Judgement> judgement = {};
};

// With its judgement. INVALID_ARGUMENT when a class has no clip.
absl::StatusOr<SpecialistResult> Summarise(std::string_view specialist, const ScoreTable& table,
                                           uint64_t seed);

struct RoundResults {
  std::optional<int> chunk;  // index in the plan
  std::string chunk_name;
  std::vector<SpecialistResult> specialists;
  std::vector<AbsentSpecialist> absent;
  std::optional<RoundFusion> fusion = {};
  std::optional<Digest> bundle = {};  // that was made of it
};

// One line a specialist under a line of names, the absent ones last: with their reason and no figures.
std::string ResultsToCsv(const RoundResults& results);
std::string ResultsToJson(const RoundResults& results);

}  // namespace interceptor::worker
