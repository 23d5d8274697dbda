#include "worker/models/architecture.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("B4 with two classes has torchvision's parameters") {
  const Architecture net = MakeEfficientNetB4(1, 1, 2);
  CATCH_CHECK(net.parameter_count == 17'552'202);
  CATCH_CHECK(net.parameters.size() == 418);
  CATCH_CHECK(net.blocks.size() == 32);
  CATCH_CHECK(net.statistic_count == 2 * 62'600);
  CATCH_CHECK(net.Parameter("features.0.0.weight").shape == std::vector<int64_t>{48, 3, 3, 3});
  CATCH_CHECK(net.Parameter("features.1.0.block.0.0.weight").shape == std::vector<int64_t>{48, 1, 3, 3});
  CATCH_CHECK(net.Parameter("features.2.0.block.2.fc1.weight").shape == std::vector<int64_t>{6, 144, 1, 1});
  CATCH_CHECK(net.Parameter("classifier.1.weight").shape == std::vector<int64_t>{2, 1792});
  CATCH_CHECK_FALSE(net.Parameter("features.8.1.weight").decays);
  CATCH_CHECK_FALSE(net.Parameter("classifier.1.bias").decays);
  int64_t covered = 0;
  for (const ParameterRange& range : net.ranges) {
    CATCH_CHECK(range.offset == covered);
    covered += range.count;
  }
  CATCH_CHECK(covered == net.arena_size);
  for (const TensorPlace& place : net.parameters) {
    CATCH_INFO(place.name);
    CATCH_CHECK(place.offset % kParameterAlignment == 0);
  }
}

CATCH_TEST_CASE("channels are rounded as torchvision rounds them") {
  CATCH_CHECK(MakeDivisible(44.8) == 48);
  CATCH_CHECK(MakeDivisible(22.4) == 24);
  CATCH_CHECK(MakeDivisible(11.2) == 16);
  CATCH_CHECK(MakeDivisible(3) == 8);
}

}  // namespace
}  // namespace interceptor::worker
