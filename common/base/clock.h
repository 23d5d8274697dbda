// Time as a value that is passed in. Decisions use MonotonicTime (it counts while the machine is suspended
// and never jumps); wall time is for display and records only.
#pragma once

#include <compare>

#include "absl/time/time.h"

namespace interceptor {

// A point on one machine's monotonic clock. Points of different machines or boots never meet.
struct MonotonicTime {
  absl::Duration since_boot;

  friend bool operator==(const MonotonicTime&, const MonotonicTime&) = default;
  friend bool operator<(MonotonicTime a, MonotonicTime b) { return a.since_boot < b.since_boot; }
  friend bool operator<=(MonotonicTime a, MonotonicTime b) { return a.since_boot <= b.since_boot; }
  friend bool operator>(MonotonicTime a, MonotonicTime b) { return b < a; }
  friend bool operator>=(MonotonicTime a, MonotonicTime b) { return b <= a; }
  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d) { return {t.since_boot + d}; }
  friend MonotonicTime operator-(MonotonicTime t, absl::Duration d) { return {t.since_boot - d}; }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) { return a.since_boot - b.since_boot; }
};

// Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual absl::Time WallTime() const = 0;
};

// CLOCK_BOOTTIME and the system's wall clock; lives for the whole program.
const Clock& SystemClock();

}  // namespace interceptor
