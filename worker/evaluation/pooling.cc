#include "worker/evaluation/pooling.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "common/base/enum_names.h"

namespace interceptor::worker {
namespace {

constexpr std::pair<Pooling, std::string_view> kPoolings[] = {
    {Pooling::kMean, "mean"}, {Pooling::kTopMean, "top_mean"}, {Pooling::kConfidentVote, "confident_vote"}};
constexpr double kSure = 1.3862943611198906;  // ln 4: P(fake) is .8 or .2
constexpr double kSureOfFake = 0.4;
constexpr double kSureOfReal = 0.9;

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double TopMean(std::vector<double> windows) {
  const size_t count = std::max<size_t>(1, windows.size() / 3);
  std::partial_sort(windows.begin(), windows.begin() + static_cast<std::ptrdiff_t>(count), windows.end(),
                    std::greater<>());
  return Mean(std::span(windows).first(count));
}

double ConfidentVote(std::span<const double> windows) {
  std::vector<double> fake;
  std::vector<double> real;
  for (const double window : windows) {
    if (window > kSure) fake.push_back(window);
    if (window < -kSure) real.push_back(window);
  }
  const auto all = static_cast<double>(windows.size());
  if (static_cast<double>(fake.size()) >= kSureOfFake * all) return Mean(fake);
  if (static_cast<double>(real.size()) >= kSureOfReal * all) return Mean(real);
  return Mean(windows);
}

}  // namespace

std::string_view ToString(Pooling pooling) { return NameOf(kPoolings, pooling); }
std::optional<Pooling> ParsePooling(std::string_view text) { return ValueNamed(kPoolings, text); }

double Pool(std::span<const double> windows, Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return Mean(windows);
    case Pooling::kTopMean:
      return TopMean({windows.begin(), windows.end()});
    case Pooling::kConfidentVote:
      return ConfidentVote(windows);
  }
  return 0;
}

double FusedLogit(const ScoreRow& row, Pooling pooling) {
  return pooling == Pooling::kMean || row.windows.empty() ? row.logit : Pool(row.windows, pooling);
}

}  // namespace interceptor::worker
