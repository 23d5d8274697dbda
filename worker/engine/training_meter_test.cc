#include "worker/engine/training_meter.h"

#include <limits>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("the share of waiting is told of each chunk") {
  TrainingMeter meter;
  meter.CountStep({.samples = 8, .took = absl::Seconds(2), .waited = absl::Seconds(1)});
  CATCH_CHECK(meter.EndChunk().WaitShare() == Approx(0.5));
  meter.CountStep({.samples = 8, .took = absl::Seconds(2)});
  const TrainingMeter::Span chunk = meter.EndChunk();
  CATCH_CHECK(chunk.busy == absl::Seconds(2));
  CATCH_CHECK(chunk.waited == absl::ZeroDuration());
  CATCH_CHECK(meter.EndChunk().WaitShare() == 0);
}

CATCH_TEST_CASE("throughput is that of the last minute, not of the whole run") {
  TrainingMeter meter;
  CATCH_CHECK(meter.SamplesPerSecond() == 0);
  meter.CountStep({8, absl::Seconds(2)});
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(4));
  for (int step = 0; step < 1000; ++step) meter.CountStep({8, absl::Seconds(2)});
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(4));
  for (int step = 0; step < 30; ++step) meter.CountStep({16, absl::Seconds(1)});
  CATCH_CHECK(meter.SamplesPerSecond() == Approx((30 * 16 + 15 * 8) / 60.0));
  for (int step = 0; step < 30; ++step) meter.CountStep({16, absl::Seconds(1)});
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(16));
  meter.CountStep({16, absl::Minutes(4)});
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(16 / 240.0));
}

CATCH_TEST_CASE("gradient norm and the share of waiting are those of the last minute too") {
  TrainingMeter meter;
  CATCH_CHECK(meter.WaitShare() == 0);
  CATCH_CHECK(meter.GradientNorm() == 0);
  for (int step = 0; step < 1000; ++step) {
    meter.CountStep(
        {.samples = 8, .took = absl::Seconds(2), .waited = absl::Seconds(2), .gradient_norm = 1e30});
  }
  CATCH_CHECK(meter.WaitShare() == Approx(1));
  CATCH_CHECK(meter.GradientNorm() == Approx(1e30));
  for (int step = 0; step < 30; ++step) {
    meter.CountStep({.samples = 8,
                     .took = absl::Seconds(2),
                     .waited = absl::Seconds(1),
                     .gradient_norm = step % 2 == 0 ? 1.0 : 2.0});
  }
  CATCH_CHECK(meter.WaitShare() == Approx(0.5));
  CATCH_CHECK(meter.GradientNorm() == Approx(1.5));
  meter.CountStep(
      {.samples = 8, .took = absl::Minutes(1), .gradient_norm = std::numeric_limits<double>::infinity()});
  CATCH_CHECK(meter.GradientNorm() == 0);
  meter.CountStep({.samples = 8, .took = absl::Seconds(1), .gradient_norm = 3});
  CATCH_CHECK(meter.GradientNorm() == Approx(3));
}

}  // namespace
}  // namespace interceptor::worker
