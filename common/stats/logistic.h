// The logistic regression that turns scores into log-likelihood ratios: class-balanced, with weights that are never
// negative. Of one score it is Platt scaling. Pure.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

namespace interceptor {

// One clip's scores, in the same order for every clip.
struct LabelledScores {
  std::vector<double> scores;
  bool fake = false;
};

// The log-likelihood ratio of a clip is bias + sum of weights[j] * scores[j], in nats, positive for fake.
struct LogisticFit {
  std::vector<double> weights;  // >= 0; 0 for a score that is the same for all clips
  double bias = 0;
};

// Minimises  1/2 mean over fakes of L(t+) + 1/2 mean over reals of L(t-) + pull / 2 x sum of (v_j - mean v)^2,  where
// L(t) = t log(1 + exp(-z)) + (1 - t) log(1 + exp(z)), z the ratio above, and v_j >= 0 the weights of the scores that
// vary, each score divided by its class-balanced standard deviation. The targets t+ = (fakes + 1) / (fakes + 2) and t- = 1 /
// (reals + 2) keep z finite where scores separate the classes (Platt, "Probabilistic outputs for support vector
// machines", 1999); Newton's method as Lin, Lin, Weng, "A note on Platt's probabilistic outputs", Machine Learning 68,
// 2007, held to v >= 0 by projection (Bertsekas, "Projected Newton methods for optimization problems with simple
// constraints", SIAM J. Control 20, 1982). `pull` > 0 draws the weights towards each other.
//
// INVALID_ARGUMENT when a class has no clip, a score is not finite, clips differ in how many scores they have or have
// none, or pull is negative.
absl::StatusOr<LogisticFit> FitLogistic(const std::vector<LabelledScores>& clips, double pull);

// The same for scores that are log-likelihood ratios already, so in units that mean something: nothing is scaled, and
// what is drawn is drawn to a fit that is known. The last term is  pull / 2 x (sum of (w_j - prior's w_j)^2 + (bias -
// prior's bias)^2):  a normal prior (le Cessie, van Houwelingen, "Ridge estimators in logistic regression", Applied
// Statistics 41, 1992, who draw to 0).
//
// INVALID_ARGUMENT as above, when pull is not above 0, or when the prior has another number of weights or one below 0.
absl::StatusOr<LogisticFit> FitLogisticTowards(const LogisticFit& prior,
                                               const std::vector<LabelledScores>& clips, double pull);

}  // namespace interceptor
