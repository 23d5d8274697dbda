#include "common/facts/bias.h"

#include <string_view>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

void Append(std::string& text, std::string_view more) {
  if (!text.empty()) text += "; ";
  text += more;
}

// Nothing when the slice is no worse than the others. `p`: the gap's, adjusted.
std::string Worse(std::string_view who, const Gap& gap, double p) {
  if (gap.too_few || gap.estimate <= 0 || p > kFalseDiscoveryRate) return "";
  return absl::StrFormat("%s %.2f [%.2f, %.2f] more often than elsewhere", std::string(who), gap.estimate,
                         gap.low, gap.high);
}

}  // namespace

std::string DescribeAlarms(const BiasReport& report) {
  std::string text;
  if (report.collapsed) {
    Append(text,
           absl::StrFormat("collapsed: it says nearly the same of every clip, P(fake) spreads over %.3f",
                           report.spread));
  }
  if (report.one_class) {
    Append(text, absl::StrFormat("it calls %.0f %% of the clips fake, classes weighed alike",
                                 100 * report.called_fake));
  }
  for (const SliceBias& slice : report.slices) {
    if (!slice.alarm) continue;
    const std::string reals = Worse("reals called fake", slice.false_positive, slice.false_positive_p);
    const std::string fakes = Worse("fakes called real", slice.false_negative, slice.false_negative_p);
    Append(text, Cat(slice.attribute, " ", slice.slice, ": ", reals,
                     reals.empty() || fakes.empty() ? "" : ", ", fakes));
  }
  return text;
}

}  // namespace interceptor
