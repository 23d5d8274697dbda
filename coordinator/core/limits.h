// Bounds of the coordinator, each with its reason. What is over a bound is refused with RESOURCE_EXHAUSTED or
// INVALID_ARGUMENT naming the bound and the value; nothing grows without one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace interceptor::coordinator {

// The only protocol version of the worker stream so far.
inline constexpr int kProtocolVersion = 1;

// Four boxes are the plan; 10,000 streams are what one head node is measured at. A session is under 2 KiB.
inline constexpr int kSessionsMax = 10'000;
inline constexpr int kMembersMax = kSessionsMax;
// A chunk is ~10 GB, so this is 10 TB; inventories and manifests grow with it.
inline constexpr int kChunksMax = 1'000;
// One a member at the most members; the plan file has narrower rules for a team.
inline constexpr int kSpecialistsMax = kMembersMax;
// Boxes remembered for `describe` after they left; each keeps an inventory.
inline constexpr int kBoxesMax = 2 * kSessionsMax;
// A refused newcomer, a typo or a broken client sends text that people read: one line, not a dump.
inline constexpr std::size_t kTextBytesMax = 1'000;
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kViewsMax = 32;  // that a data manifest tells the bytes of
// Of an evaluation's bias: the plan's chunks and some ranges of each of a clip's attributes.
inline constexpr std::size_t kSlicesMax = kChunksMax + 64;
// Sampling weights leave at least half of a chunk's positions to its own clips.
inline constexpr double kSamplingShareMax = 0.5;
// A hello names at most one entry a chunk of the plan and one a task.
inline constexpr int kHeldTasksMax = kSpecialistsMax + 1;
// A retry comes within a connection's back-off or after a coordinator's day of absence; the team makes some
// hundreds of mutations a day, so this is months. About 100 bytes each.
inline constexpr std::size_t kRequestsRememberedMax = 100'000;

// Boxes remember the last start they saw; one that was away for so many is taken at its word. 50 bytes each.
inline constexpr std::size_t kStartsRememberedMax = 1'000;
// What is granted between two starts, at most: a term a second for eleven days.
inline constexpr int64_t kTermsPerStart = 1'000'000;
// A later life of this state cannot have been started so often more; a box that says so is broken.
inline constexpr int64_t kStartsLostMax = 1'000'000;

// Updates a second that one coordinator takes with room to spare; sets the reporting cadence.
inline constexpr int kUpdatesPerSecondMax = 10'000;
// People watch: one a second is lively and, at four boxes, free.
inline constexpr int64_t kReportIntervalMsUsual = 1'000;
inline constexpr int64_t kReportIntervalMsMin = 200;
// A lease survives two lost reports.
inline constexpr int kReportsPerLease = 3;
inline constexpr int64_t kLeaseTtlMsMin = 1'000;
static_assert(kLeaseTtlMsMin >= kReportsPerLease * kReportIntervalMsMin);
static_assert(kReportIntervalMsUsual * kUpdatesPerSecondMax >= 1'000 * int64_t{kSessionsMax},
              "the usual cadence must hold for every session allowed");

// How long the loop may go without Tick before the coordinator suspects itself (suspended, stopped, disk
// stalled) instead of its workers: then live leases get a fresh time to live. A share of the lease.
inline constexpr int kTickGapsPerLease = 3;
// Shorter than this a tick is merely late: a busy machine must not look away for ever under short leases.
inline constexpr int64_t kAwayMsMin = 3'000;

// A task that failed in a curable way is granted again after a pause that doubles: 1 s ... 5 min. Ten times
// without a checkpoint in between is 20 minutes of nothing: a person must look.
inline constexpr int64_t kRetryPauseMsMin = 1'000;
inline constexpr int64_t kRetryPauseMsMax = 300'000;
inline constexpr int kFailuresMax = 10;

// A removal that the runtime has not confirmed is asked for again, and so is a blob's reading back.
inline constexpr int64_t kRemovalRetryMs = 60'000;

// A stream silent for so many leases is closed: half-open connections end, a slow link does not.
inline constexpr int kSilentLeasesMax = 2;

// Asked at 1x the period; a save on a slow link takes minutes, not a quarter of the period.
inline constexpr double kOverdueFactor = 1.25;

// Of EfficientNet-B4 with all that resuming needs, at most.
inline constexpr int64_t kCheckpointBytesUsual = 160'000'000;

// Below this no save is asked for and nothing is granted: one checkpoint (160e6 bytes) for each of six
// specialists still fits.
inline constexpr int64_t kFreeBytesMin = 1'000'000'000;

// The cadence for so many sessions: at most kUpdatesPerSecondMax a second in all, and kReportsPerLease
// reports in a lease whenever the former allows.
inline absl::Duration ReportInterval(int sessions, absl::Duration lease_ttl) {
  const absl::Duration by_load = absl::Seconds(1) * sessions / kUpdatesPerSecondMax;
  const absl::Duration by_lease = lease_ttl / kReportsPerLease;
  const absl::Duration usual = std::min(absl::Milliseconds(kReportIntervalMsUsual), by_lease);
  return std::max({usual, by_load, absl::Milliseconds(kReportIntervalMsMin)});
}

}  // namespace interceptor::coordinator
