#include "worker/sampling/families.h"

#include <cmath>
#include <cstdint>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status.h"

namespace interceptor::worker {

std::string FamilyName(std::string_view chunk, std::string_view original) {
  return Cat(chunk, "/", original);
}

int FoldOf(std::string_view family, int folds) {
  ICPT_CHECK(folds >= 2) << "folds " << folds;
  return static_cast<int>(DigestPrefix64(Cat("fold|", family)) % static_cast<uint64_t>(folds));
}

Half HalfOf(std::string_view family) {
  return DigestPrefix64(Cat("half|", family)) % 2 == 0 ? Half::kCalibrate : Half::kReport;
}

bool IsReplayFamily(std::string_view family, double share) {
  if (!(share > 0.0)) return false;
  if (share >= 1.0) return true;
  // A double below 1 has 53 bits, so its product with 2^64 is exact and fits 64 bits.
  const auto threshold = static_cast<uint64_t>(std::ceil(std::ldexp(share, 64)));
  return DigestPrefix64(Cat("replay|", family)) < threshold;
}

}  // namespace interceptor::worker
