#include "coordinator/cli/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/wire/convert.h"

namespace interceptor::coordinator {

std::string Age(absl::Duration duration) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(duration));
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  if (seconds < 100) return Cat(seconds, "s");
  if (minutes < 100) return Cat(minutes, "m");
  if (hours < 10) return Cat(hours, "h", minutes % 60 < 10 ? "0" : "", minutes % 60, "m");
  if (hours < 100) return Cat(hours, "h");
  return Cat(hours / 24, "d");
}

std::string UtcTime(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() == 0 && timestamp.nanos() == 0) return kNothing;
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ", FromProto(timestamp), absl::UTCTimeZone());
}

std::string Bytes(int64_t bytes) {
  if (bytes <= 0) return kNothing;
  if (bytes < 1000) return Cat(bytes, " B");
  double value = static_cast<double>(bytes);
  std::string_view unit;
  for (std::string_view next : {"kB", "MB", "GB", "TB", "PB", "EB"}) {
    value /= 1000;
    unit = next;
    if (value < 999.5) break;
  }
  return Cat(Fixed(value, value < 9.95 ? 1 : 0), " ", unit);
}

std::string Count(int64_t count) {
  if (count <= 0) return kNothing;
  if (count < 1000000) return Cat(count);
  if (count < 1000000000) return Cat(Fixed(static_cast<double>(count) / 1e6, count < 9995000 ? 2 : 1), "M");
  return Fixed(static_cast<double>(count), 0);
}

std::string Fixed(double value, int decimals) {
  // Nothing that is measured here is that large; what a broken peer sends must not break the table.
  return std::abs(value) >= 1e6 ? absl::StrFormat("%.0e", value) : absl::StrFormat("%.*f", decimals, value);
}

std::string Measured(double value, int decimals) { return value == 0 ? kNothing : Fixed(value, decimals); }

std::string Rate(double per_second) {
  if (!(per_second > 0)) return kNothing;
  if (per_second < 9.95) return Fixed(per_second, 1);
  if (per_second < 9999.5) return Fixed(per_second, 0);
  return Cat(Fixed(per_second / 1000, per_second < 99950 ? 1 : 0), "k");
}

std::string AucWithInterval(const v1::Evaluation& evaluation) {
  if (evaluation.reals() == 0 || evaluation.fakes() == 0) return kNothing;
  return Cat(Fixed(evaluation.auc(), 3), " [", Fixed(evaluation.auc_low(), 2), "-",
             Fixed(evaluation.auc_high(), 2), "]", evaluation.too_few() ? "~" : "");
}

std::string Bar(int done, int total, int columns, Encoding encoding) {
  if (total <= 0) return "";
  const double share = std::clamp(static_cast<double>(done) / total, 0.0, 1.0);
  std::string bar;
  if (encoding == Encoding::kAscii) {
    const int filled = static_cast<int>(share * columns);
    bar.append(static_cast<size_t>(filled), '#').append(static_cast<size_t>(columns - filled), '.');
    return bar;
  }
  constexpr std::array<std::string_view, 9> kEighths = {"\u2591", "\u258f", "\u258e", "\u258d", "\u258c",
                                                        "\u258b", "\u258a", "\u2589", "\u2588"};
  const int eighths = static_cast<int>(share * columns * 8);
  for (int i = 0; i < columns; ++i) bar += kEighths[static_cast<size_t>(std::clamp(eighths - 8 * i, 0, 8))];
  return bar;
}

std::string PhaseName(v1::Phase phase) {
  return phase == v1::PHASE_UNSPECIFIED ? "" : std::string(ToString(FromProto(phase)));
}

std::string Activity(const v1::TaskStatus& task) {
  switch (task.state()) {
    case v1::TaskStatus::STATE_WAITING:
      return "waiting";
    case v1::TaskStatus::STATE_PAUSED:
      return "paused";
    case v1::TaskStatus::STATE_DONE:
      return "done";
    default:
      break;
  }
  if (task.phase() == v1::PHASE_WAITING_FOR_DATA) return "wait data";
  if (task.phase() == v1::PHASE_WAITING_FOR_TURN) return "wait turn";
  const std::string phase = PhaseName(task.phase());
  if (!phase.empty()) return phase;
  return task.state() == v1::TaskStatus::STATE_RUNNING ? "running" : kNothing;
}

Tone ActivityTone(const v1::TaskStatus& task) {
  if (task.state() == v1::TaskStatus::STATE_PAUSED) return Tone::kBad;
  if (task.state() == v1::TaskStatus::STATE_WAITING) return Tone::kWarning;
  if (task.state() == v1::TaskStatus::STATE_DONE) return Tone::kGood;
  return Tone::kPlain;
}

std::string WithReason(const std::string& activity, const std::string& reason) {
  if (reason.empty()) return activity;
  return reason.starts_with(activity) ? reason : Cat(activity, ": ", reason);
}

}  // namespace interceptor::coordinator
