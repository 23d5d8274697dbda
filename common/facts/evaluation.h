// Results of one specialist on clips that it was not trained on, computed from a score table in the vault.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/facts/bias.h"

namespace interceptor {

// Numbered as in the journal.
enum class EvaluationKind { kHeldOut = 1, kLookAhead, kValidation };
std::string_view ToString(EvaluationKind kind);  // "held_out", "look_ahead", "validation"
std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text);

// proto/interceptor/v1/resources.proto says what each figure is.
struct Evaluation {
  std::string specialist;
  EvaluationKind kind = EvaluationKind::kHeldOut;
  int chunk = 0;
  int64_t step = 0;
  Digest score_table;
  int reals = 0;
  int fakes = 0;
  int families = 0;
  double auc = 0;
  double auc_low = 0;
  double auc_high = 0;
  double log_loss = 0;
  double real_accuracy = 0;
  double fake_accuracy = 0;
  bool too_few = false;
  // Of a validation alone:
  double log_loss_low = 0;
  double log_loss_high = 0;
  int64_t best_step = 0;
  double rise_low = 0;
  double rise_high = 0;
  int worse_in_a_row = 0;
  // Of a held-out one alone, where both classes have calibration rows.
  std::optional<Bias> bias = {};
  absl::Time recorded_at = absl::UnixEpoch();  // given by the coordinator

  friend bool operator==(const Evaluation&, const Evaluation&) = default;
};

// Worse than the run's best validation, beyond the paired interval, twice in a row.
bool ShowsOverfitting(const Evaluation& evaluation);
// For people: "log loss 0.520 [0.480, 0.570], 0.020 to 0.150 above its best at step 500, 2 times in a row".
std::string DescribeValidation(const Evaluation& evaluation);

}  // namespace interceptor
