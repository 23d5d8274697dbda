#include "common/stats/false_discovery.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("adjusted p-values are those of R's p.adjust, index for index") {
  const auto adjusted = AdjustByFalseDiscoveryRate({0.01, 0.04, 0.03, 0.02, 0.5});
  CATCH_REQUIRE(adjusted.ok());
  const std::vector<double> expected = {0.05, 0.05, 0.05, 0.05, 0.5};
  for (size_t i = 0; i < expected.size(); ++i) CATCH_CHECK(std::abs((*adjusted)[i] - expected[i]) < 1e-15);
  CATCH_CHECK(*AdjustByFalseDiscoveryRate({0.9, 1.0, 0.2}) == std::vector<double>{1.0, 1.0, 0.2 * 3});
}

CATCH_TEST_CASE("no tests, one test, equal p-values and what is no p-value") {
  CATCH_CHECK(AdjustByFalseDiscoveryRate({})->empty());
  CATCH_CHECK(*AdjustByFalseDiscoveryRate({0.3}) == std::vector<double>{0.3});
  CATCH_CHECK(*AdjustByFalseDiscoveryRate({0.25, 0.25}) == std::vector<double>{0.25, 0.25});
  for (const double bad : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    CATCH_CHECK(absl::IsInvalidArgument(AdjustByFalseDiscoveryRate({0.5, bad}).status()));
  }
}

}  // namespace
}  // namespace interceptor
