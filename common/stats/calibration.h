// How far logits can be taken at their word. A clip's score is a logit z: P(fake) = 1 / (1 + exp(-z)). Every
// measure is class-balanced: the fakes together weigh one half and so do the reals, whatever their numbers,
// which is the measure at a prior of one half. Pure. INVALID_ARGUMENT when a class has no clip or a logit is
// not finite.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/ranking.h"

namespace interceptor {

// -ln P(the true class): log(1 + exp(-z)) for a fake, log(1 + exp(z)) for a real. Exact for |z| of any size.
double ClipLogLoss(const ScoredLabel& clip);

// (mean over fakes of ClipLogLoss + mean over reals of it) / 2, in nats. ln 2 = 0.693 when every logit is 0.
absl::StatusOr<double> BalancedLogLoss(const std::vector<ScoredLabel>& clips);

// Shares of each class judged rightly when a clip is called fake at z >= 0.
struct ClassAccuracy {
  double fake = 0;
  double real = 0;
  int64_t fakes = 0;
  int64_t reals = 0;

  double balanced() const { return (fake + real) / 2; }
};
absl::StatusOr<ClassAccuracy> AccuracyByClass(const std::vector<ScoredLabel>& clips);

inline constexpr int kCalibrationBins = 15;

// The clips whose P(fake) lies in one bin; shares and mean are class-balanced, 0 when the bin is empty.
struct ReliabilityBin {
  int64_t fakes = 0;
  int64_t reals = 0;
  double weight = 0;      // of all clips' weight
  double fake_share = 0;  // of the bin's weight
  double mean_p = 0;      // of P(fake)
};

// The clips whose |z| is at least `confidence` are decided, the others left open.
struct CoveragePoint {
  double confidence = 0;
  double coverage = 0;  // class-balanced share of the clips that are decided
  double risk = 0;      // share of the decided that is wrong, class-balanced too
};

// Distinct logits (ScoreOrder::scores) with what each costs, worked out once; then every measure of clips counted under
// some weights is O(distinct logits). The logits are log-likelihood ratios: at a prior other than one half the
// prior's log-odds are added, and the classes weigh as the prior says. Immutable.
class LogitCosts {
 public:
  // REQUIRES: `logits` finite and strictly descending; 0 < fake_prior < 1.
  LogitCosts(std::vector<double> logits, double fake_prior);

  // In nats; at a prior of one half, divided by ln 2, it is the cost of the log-likelihood ratio, Cllr.
  double LogLoss(const ScoreCounts& counts) const;

  // The mean of (P(fake) - 1)^2 over fakes and P(fake)^2 over reals (Brier, "Verification of forecasts expressed in
  // terms of probability", Monthly Weather Review 78, 1950; his two-class sum is twice as large).
  double Brier(const ScoreCounts& counts) const;

  // Expected calibration error over kCalibrationBins bins of equal width in P(fake), upper edges excluded but
  // for the last: the sum over bins of |weight of the fakes in it - weighted sum of P(fake) in it|, which is
  // the bin's weight times the gap between its share of fakes and its mean P(fake). (Naeini, Cooper,
  // Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; 15 bins as Guo,
  // Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017. Both bin unweighted clips.)
  double CalibrationError(const ScoreCounts& counts) const;

  // The bins of CalibrationError, which is the sum of weight x |fake_share - mean_p|.
  std::vector<ReliabilityBin> Reliability(const ScoreCounts& counts) const;

  // Called fake at z >= 0.
  ClassAccuracy Accuracy(const ScoreCounts& counts) const;

  // One point for each distinct |z|, the most confident first (El-Yaniv, Wiener, "On the foundations of noise-free
  // selective classification", JMLR 11, 2010).
  std::vector<CoveragePoint> RiskCoverage(const ScoreCounts& counts) const;

  // The area under that curve: the sum of each point's risk times the coverage it adds; 0 is best (Geifman, Uziel,
  // El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019).
  double RiskCoverageArea(const ScoreCounts& counts) const;

 private:
  struct ClassWeights {
    double fake = 0;  // of one clip: the fakes together weigh the prior
    double real = 0;
  };
  ClassWeights WeightsOf(const ScoreCounts& counts) const;
  template <typename Visit>
  void VisitByConfidence(const ScoreCounts& counts, Visit visit) const;

  struct Cost {
    double fake_loss = 0;  // log loss of a fake with this logit
    double real_loss = 0;
    double p = 0;  // P(fake)
    int bin = 0;
  };
  double fake_prior_ = 0.5;
  std::vector<double> logits_;  // with the prior's log-odds
  std::vector<Cost> costs_;
};

}  // namespace interceptor
