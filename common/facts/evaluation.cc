#include "common/facts/evaluation.h"

#include "absl/strings/str_format.h"
#include "common/base/enum_names.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr std::pair<EvaluationKind, std::string_view> kKinds[] = {
    {EvaluationKind::kHeldOut, "held_out"},
    {EvaluationKind::kLookAhead, "look_ahead"},
    {EvaluationKind::kValidation, "validation"}};
constexpr int kOverfittingInARow = 2;

}  // namespace

std::string_view ToString(EvaluationKind kind) { return NameOf(kKinds, kind); }

std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text) { return ValueNamed(kKinds, text); }

bool ShowsOverfitting(const Evaluation& evaluation) {
  return evaluation.worse_in_a_row >= kOverfittingInARow;
}

std::string DescribeValidation(const Evaluation& evaluation) {
  const Evaluation& e = evaluation;
  std::string text =
      absl::StrFormat("log loss %.3f [%.3f, %.3f]", e.log_loss, e.log_loss_low, e.log_loss_high);
  if (e.too_few) text += " (too few families)";
  if (e.best_step == e.step) return text + ", the best so far";
  if (e.worse_in_a_row == 0) return Cat(text, ", not beyond its best at step ", e.best_step);
  text += absl::StrFormat(", %.3f to %.3f above its best at step %d", e.rise_low, e.rise_high, e.best_step);
  return e.worse_in_a_row == 1 ? text : Cat(text, ", ", e.worse_in_a_row, " times in a row");
}

}  // namespace interceptor
