#include "worker/prepare/held_out.h"

#include "common/base/status.h"
#include "common/text/text.h"

namespace interceptor::worker {

void HeldOutClips::Add(const std::string& family, Label label) {
  families_.insert(family);
  (label == Label::kReal ? reals_ : fakes_) += 1;
}

absl::Status HeldOutClips::Check(std::string_view chunks, const EvaluationSettings& evaluation) const {
  if (reals_ > 0 && fakes_ > 0) return absl::OkStatus();
  return InvalidArgument(
      "of ", chunks, " ", Counted(static_cast<int64_t>(families_.size()), "family is", "families are"),
      " held out, with ", reals_, " REAL and ", fakes_,
      " FAKE clips; without both no result can be computed. Put more families, originals with their fakes, "
      "into the chunk, or choose another evaluation.held_out_fold (now ",
      evaluation.held_out_fold, ") or fewer evaluation.folds (now ", evaluation.folds, ")");
}

}  // namespace interceptor::worker
