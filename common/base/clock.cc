#include "common/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace interceptor {
namespace {

class RealClock : public Clock {
 public:
  MonotonicTime Now() const override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return {absl::DurationFromTimespec(now)};
  }
  absl::Time WallTime() const override { return absl::Now(); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock* clock = new RealClock();
  return *clock;
}

}  // namespace interceptor
