#include "common/facts/evaluation.h"

namespace interceptor {

std::string_view ToString(EvaluationKind kind) {
  return kind == EvaluationKind::kHeldOut ? "held_out" : "look_ahead";
}

std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text) {
  for (const EvaluationKind kind : {EvaluationKind::kHeldOut, EvaluationKind::kLookAhead}) {
    if (text == ToString(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace interceptor
