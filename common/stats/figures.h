// What is shown of one specialist's scores on clips that it was not trained on. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"

namespace interceptor {

struct Figures {
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t families = 0;
  double auc = 0;
  double auc_low = 0;  // 95 % interval, bootstrap over families
  double auc_high = 0;
  double log_loss = 0;  // class-balanced, nats
  double real_accuracy = 0;
  double fake_accuracy = 0;
  bool too_few = false;  // families, for the interval to be trusted
};

// INVALID_ARGUMENT when a class has no clip. The intervals' draws follow from `seed`.
absl::StatusOr<Figures> Summarise(const std::vector<ClipScore>& clips, uint64_t seed);

}  // namespace interceptor
