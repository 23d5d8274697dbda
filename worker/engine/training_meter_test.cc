#include "worker/engine/training_meter.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("the share of waiting is told of the whole run and of each chunk, over several loaders") {
  TrainingMeter meter;
  meter.CountStep(8, absl::Seconds(2));
  meter.SetLoaderWait(absl::Seconds(1));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(4));
  CATCH_CHECK(meter.WaitShare() == Approx(0.5));
  CATCH_CHECK(meter.EndChunk().WaitShare() == Approx(0.5));
  meter.EndLoader();
  meter.CountStep(8, absl::Seconds(2));
  meter.SetLoaderWait(absl::ZeroDuration());
  CATCH_CHECK(meter.WaitShare() == Approx(0.25));
  const TrainingMeter::Span chunk = meter.EndChunk();
  CATCH_CHECK(chunk.busy == absl::Seconds(2));
  CATCH_CHECK(chunk.waited == absl::ZeroDuration());
  CATCH_CHECK(TrainingMeter().WaitShare() == 0);
}

CATCH_TEST_CASE("throughput is that of the last minute, not of the whole run") {
  TrainingMeter meter;
  CATCH_CHECK(meter.SamplesPerSecond() == 0);
  meter.CountStep(8, absl::Seconds(2));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(4));
  for (int step = 0; step < 1000; ++step) meter.CountStep(8, absl::Seconds(2));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(4));
  for (int step = 0; step < 30; ++step) meter.CountStep(16, absl::Seconds(1));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx((30 * 16 + 15 * 8) / 60.0));
  for (int step = 0; step < 30; ++step) meter.CountStep(16, absl::Seconds(1));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(16));
  meter.CountStep(16, absl::Minutes(4));
  CATCH_CHECK(meter.SamplesPerSecond() == Approx(16 / 240.0));
}

}  // namespace
}  // namespace interceptor::worker
