// Measured values as short text. What was not measured is "-", never a zero.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "coordinator/cli/terminal.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "interceptor/v1/resources.pb.h"

namespace interceptor::coordinator {

inline constexpr char kNothing[] = "-";

// "7s", "12m", "2h14m", "31h", "5d"; at most five columns below 10,000 days. Negative counts as zero.
std::string Age(absl::Duration duration);

// "2026-11-22 14:43:27Z"; "-" when the timestamp is absent (zero).
std::string UtcTime(const google::protobuf::Timestamp& timestamp);

// "512 B", "9.8 GB" (powers of ten); "-" for zero and less.
std::string Bytes(int64_t bytes);

// "-" for zero and less; "123456", from a million "1.23M".
std::string Count(int64_t count);

// `decimals` digits after the point, for values known to have been measured.
std::string Fixed(double value, int decimals);

// As Fixed, but "-" for zero (a loss or a rate of exactly zero is one that nobody reported).
std::string Measured(double value, int decimals);

// "812", "9.4", "1.2k".
std::string Rate(double per_second);

// "0.873 [0.81-0.92]", with "~" behind it when families were too few to trust it.
// "-" when a class is missing.
std::string AucWithInterval(const v1::Evaluation& evaluation);

// `columns` cells of which done/total are filled, in eighths of a cell where UTF-8 is at hand. Empty when
// total is 0.
std::string Bar(int done, int total, int columns, Encoding encoding);

// "training", "waiting for turn"; empty for an unknown phase.
std::string PhaseName(v1::Phase phase);

// What a task does, in at most 11 columns: its phase while it runs, else "waiting", "paused" or "done".
std::string Activity(const v1::TaskStatus& task);
Tone ActivityTone(const v1::TaskStatus& task);

// "paused: chunk 04 has one class only"; the reason alone where it begins with the activity already.
std::string WithReason(const std::string& activity, const std::string& reason);

}  // namespace interceptor::coordinator
