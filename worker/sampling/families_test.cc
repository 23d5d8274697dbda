#include "worker/sampling/families.h"

#include <cmath>
#include <string>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("folds, halves and the reservoir are the digest's first eight bytes") {
  // Computed apart from this code: int.from_bytes(hashlib.sha256(b"fold|..." ).digest()[:8], "big").
  CATCH_CHECK(FamilyName("00", "aaaaaaaaaa.mp4") == "00/aaaaaaaaaa.mp4");
  CATCH_CHECK(FoldOf("00/aaaaaaaaaa.mp4", 5) == 4);
  CATCH_CHECK(FoldOf("00/aaaaaaaaaa.mp4", 3) == 2);
  CATCH_CHECK(FoldOf("01/aaaaaaaaaa.mp4", 5) == 2);
  CATCH_CHECK(FoldOf("09/zzzzzzzzzz.mp4", 3) == 0);
  CATCH_CHECK(HalfOf("00/aaaaaaaaaa.mp4") == Half::kCalibrate);
  CATCH_CHECK(HalfOf("00/bbbbbbbbbb.mp4") == Half::kReport);
  CATCH_CHECK(IsReplayFamily("09/zzzzzzzzzz.mp4", 0.0352));
  CATCH_CHECK_FALSE(IsReplayFamily("09/zzzzzzzzzz.mp4", 0.0351));
}

CATCH_TEST_CASE("a reservoir of nothing is empty and one of everything is full") {
  for (int i = 0; i < 100; ++i) {
    const std::string family = Cat("00/", i);
    CATCH_CHECK_FALSE(IsReplayFamily(family, 0.0));
    CATCH_CHECK_FALSE(IsReplayFamily(family, -1.0));
    CATCH_CHECK_FALSE(IsReplayFamily(family, std::nan("")));
    CATCH_CHECK(IsReplayFamily(family, 1.0));
  }
}

CATCH_TEST_CASE("folds, halves and the reservoir have their shares and are independent of one another") {
  constexpr int kFamilies = 20000;
  int held_out = 0;
  int held_out_report = 0;
  int replayed = 0;
  for (int i = 0; i < kFamilies; ++i) {
    const std::string family = Cat("03/clip", i, ".mp4");
    const int fold = FoldOf(family, 5);
    CATCH_REQUIRE(fold >= 0);
    CATCH_REQUIRE(fold < 5);
    if (fold == 0) {
      ++held_out;
      if (HalfOf(family) == Half::kReport) ++held_out_report;
    }
    if (IsReplayFamily(family, 0.1)) ++replayed;
  }
  CATCH_CHECK(std::abs(held_out / double{kFamilies} - 0.2) < 0.01);
  CATCH_CHECK(std::abs(held_out_report / static_cast<double>(held_out) - 0.5) < 0.03);
  CATCH_CHECK(std::abs(replayed / double{kFamilies} - 0.1) < 0.01);
}

}  // namespace
}  // namespace interceptor::worker
