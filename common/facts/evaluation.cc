#include "common/facts/evaluation.h"

#include "common/base/enum_names.h"

namespace interceptor {
namespace {

constexpr std::pair<EvaluationKind, std::string_view> kKinds[] = {{EvaluationKind::kHeldOut, "held_out"},
                                                                  {EvaluationKind::kLookAhead, "look_ahead"}};

}  // namespace

std::string_view ToString(EvaluationKind kind) { return NameOf(kKinds, kind); }

std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text) { return ValueNamed(kKinds, text); }

}  // namespace interceptor
