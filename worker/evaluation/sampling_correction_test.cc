#include "worker/evaluation/sampling_correction.h"

#include <cmath>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

SliceBias Slice(const std::string& attribute, const std::string& name, double false_positive,
                double p = 0.001) {
  SliceBias slice{.attribute = attribute, .slice = name};
  slice.false_positive = {.estimate = false_positive,
                          .low = false_positive - 0.1,
                          .high = false_positive + 0.1,
                          .too_few = false};
  slice.false_positive_p = p;
  return slice;
}

double Total(const std::vector<SamplingWeight>& weights) {
  double total = 0;
  for (const SamplingWeight& weight : weights) total += weight.share;
  return total;
}

CATCH_TEST_CASE("reals of a slice that are called fake are shown more, in proportion to the gap") {
  BiasReport report;
  report.slices = {Slice("brightness", "dark", 0.3), Slice("brightness", "bright", -0.3)};
  const auto weights = NextSampling(report, {});
  CATCH_REQUIRE(weights.size() == 1);
  CATCH_CHECK(weights[0] == SamplingWeight{"brightness", "dark", false, 0.3});
}

CATCH_TEST_CASE("fakes that are called real are another weight of the slice") {
  SliceBias slice = Slice("has_sound", "silent", 0, 1);
  slice.false_negative = {.estimate = 0.2, .low = 0.1, .high = 0.3, .too_few = false};
  slice.false_negative_p = 0.01;
  BiasReport report;
  report.slices = {slice};
  const auto weights = NextSampling(report, {});
  CATCH_REQUIRE(weights.size() == 1);
  CATCH_CHECK(weights[0].fake);
}

CATCH_TEST_CASE(
    "a weight stays while its gap cannot be told from none, grows with one, and shrinks past it") {
  BiasReport report;
  const std::vector<SamplingWeight> now = {{"brightness", "dark", false, 0.15}};
  report.slices = {Slice("brightness", "dark", 0.02, 0.6)};
  CATCH_CHECK(NextSampling(report, now) == now);
  report.slices = {Slice("brightness", "dark", 0.1)};
  CATCH_CHECK(std::abs(NextSampling(report, now)[0].share - 0.25) < 1e-12);
  report.slices = {Slice("brightness", "dark", -0.1)};
  CATCH_CHECK(std::abs(NextSampling(report, now)[0].share - 0.05) < 1e-12);
  report.slices = {Slice("brightness", "dark", -0.14)};
  CATCH_CHECK(NextSampling(report, now).empty());
}

CATCH_TEST_CASE("of slices and classes that go together only the one with the largest gap is shown more") {
  BiasReport report;
  report.slices = {Slice("brightness", "dark", 0.3), Slice("bits_per_pixel", "under 0.05", 0.2)};
  SliceBias bright = Slice("brightness", "bright", -0.3);
  bright.false_negative = {.estimate = 0.25, .low = 0.1, .high = 0.3, .too_few = false};
  bright.false_negative_p = 0.01;
  report.slices.push_back(bright);
  const auto weights = NextSampling(report, {});
  CATCH_REQUIRE(weights.size() == 1);
  CATCH_CHECK(weights[0] == SamplingWeight{"brightness", "dark", false, 0.3});
}

CATCH_TEST_CASE("all weights together stay within two fifths of the positions") {
  BiasReport report;
  report.slices = {Slice("brightness", "dark", 0.9), Slice("face_pixels", "under 96", 0.1, 0.5)};
  const auto weights =
      NextSampling(report, {{"brightness", "dark", false, 0.25}, {"face_pixels", "under 96", false, 0.25}});
  CATCH_REQUIRE(weights.size() == 2);
  CATCH_CHECK(std::abs(Total(weights) - kCorrectedShareMax) < 1e-12);
  CATCH_CHECK(weights[0].share > weights[1].share);
}

CATCH_TEST_CASE("what is too few, without significance or of a chunk changes nothing") {
  BiasReport report;
  report.slices = {Slice("brightness", "dark", 0.4, 0.2), Slice("chunk", "01", 0.4),
                   Slice("height", "under 480", 0.4)};
  report.slices[2].false_positive.too_few = true;
  CATCH_CHECK(NextSampling(report, {}).empty());
}

}  // namespace
}  // namespace interceptor::worker
