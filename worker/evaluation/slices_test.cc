#include "worker/evaluation/slices.h"

#include <limits>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a value lies in one slice of its attribute, the one that begins at or below it") {
  CATCH_CHECK(LiesIn("brightness", "dark", 0.249));
  CATCH_CHECK(LiesIn("brightness", "medium", 0.25));
  CATCH_CHECK(LiesIn("brightness", "bright", 1));
  for (const SlicedAttribute& attribute : SlicedAttributes()) {
    CATCH_REQUIRE(attribute.slices.size() == attribute.edges.size() + 1);
    for (const double value : {-1.0, 0.0, 0.1, 0.3, 1.0, 100.0, 500.0, 2000.0}) {
      int in = 0;
      for (const std::string_view slice : attribute.slices)
        in += LiesIn(attribute.name, slice, value) ? 1 : 0;
      CATCH_CHECK(in == 1);
    }
  }
}

CATCH_TEST_CASE("no value, an unknown attribute and an unknown slice lie nowhere") {
  CATCH_CHECK_FALSE(LiesIn("brightness", "dark", std::numeric_limits<double>::quiet_NaN()));
  CATCH_CHECK_FALSE(LiesIn("mood", "dark", 0));
  CATCH_CHECK_FALSE(LiesIn("brightness", "dim", 0));
}

}  // namespace
}  // namespace interceptor::worker
