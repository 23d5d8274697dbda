// Many tests at once: which of them to believe. Pure.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

namespace interceptor {

// p-values adjusted so that taking those <= q as discoveries keeps the expected share of false ones among them at or
// under q: for the k-th smallest of m, the least of p_j x m / j over j >= k, at most 1 (Benjamini, Hochberg,
// "Controlling the false discovery rate", J. R. Stat. Soc. B 57, 1995; R's p.adjust "BH"). Index for index.
// INVALID_ARGUMENT unless each lies in [0, 1].
absl::StatusOr<std::vector<double>> AdjustByFalseDiscoveryRate(const std::vector<double>& p_values);

}  // namespace interceptor
