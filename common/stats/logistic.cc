#include "common/stats/logistic.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "common/stats/calibration.h"

namespace interceptor {
namespace {

constexpr int kIterationsMax = 200;
constexpr double kGradientMax = 1e-12;
constexpr double kNearBound = 1e-3;
// Keeps the system solvable where scores are copies of each other; the minimum itself does not move.
constexpr double kRidge = 1e-12;

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

struct ScaledClip {
  Vector
      scores;  // of the columns that vary, mean 0 and deviation 1 over both classes alike; last a 1 for the bias
  double target = 0;
  double weight = 0;  // the classes together weigh one half each
};

struct Scaled {
  std::vector<size_t> columns;  // those that vary
  Vector means;
  Vector deviations;
  std::vector<ScaledClip> clips;
};

double Sum(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

absl::Status CheckClips(const std::vector<LabelledScores>& clips, double pull) {
  if (!(pull >= 0) || !std::isfinite(pull)) return InvalidArgument("pull is ", pull, "; it is 0 or more");
  bool classes[2] = {};
  for (const LabelledScores& clip : clips) {
    classes[clip.fake] = true;
    if (clip.scores.empty() || clip.scores.size() != clips.front().scores.size()) {
      return InvalidArgument("a clip has ", clip.scores.size(), " scores and another ",
                             clips.front().scores.size(), "; all have the same number, one or more");
    }
    for (const double score : clip.scores) {
      if (!std::isfinite(score)) return InvalidArgument("a score is not finite");
    }
  }
  if (classes[0] && classes[1]) return absl::OkStatus();
  return InvalidArgument("both classes are needed to fit log-likelihood ratios");
}

// With targets and weights, and no scores yet.
std::vector<ScaledClip> WeighClasses(const std::vector<LabelledScores>& clips) {
  double fakes = 0;
  for (const LabelledScores& clip : clips) fakes += clip.fake ? 1 : 0;
  const double reals = static_cast<double>(clips.size()) - fakes;
  std::vector<ScaledClip> weighed;
  for (const LabelledScores& clip : clips) {
    weighed.push_back({.scores = {},
                       .target = clip.fake ? (fakes + 1) / (fakes + 2) : 1 / (reals + 2),
                       .weight = 0.5 / (clip.fake ? fakes : reals)});
  }
  return weighed;
}

Scaled Scale(const std::vector<LabelledScores>& clips) {
  Scaled scaled;
  scaled.clips = WeighClasses(clips);
  for (size_t column = 0; column < clips.front().scores.size(); ++column) {
    double mean = 0;
    double variance = 0;
    const auto value = [&](size_t i) { return clips[i].scores[column]; };
    for (size_t i = 0; i < clips.size(); ++i) mean += scaled.clips[i].weight * value(i);
    for (size_t i = 0; i < clips.size(); ++i) {
      variance += scaled.clips[i].weight * (value(i) - mean) * (value(i) - mean);
    }
    const bool varies = std::any_of(clips.begin(), clips.end(), [&](const LabelledScores& clip) {
      return clip.scores[column] != clips.front().scores[column];
    });
    if (!varies || !(variance > 0) || !std::isfinite(variance)) continue;
    scaled.columns.push_back(column);
    scaled.means.push_back(mean);
    scaled.deviations.push_back(std::sqrt(variance));
    for (size_t i = 0; i < clips.size(); ++i) {
      scaled.clips[i].scores.push_back((value(i) - mean) / scaled.deviations.back());
    }
  }
  for (ScaledClip& clip : scaled.clips) clip.scores.push_back(1);
  return scaled;
}

// The function to minimise. A point holds the weights and, last, the bias.
class Objective {
 public:
  // Weights are drawn towards each other, or all of a point towards `prior`.
  Objective(const std::vector<ScaledClip>& clips, double pull, const Vector* prior)
      : clips_(clips), pull_(pull), prior_(prior) {}

  double At(const Vector& point) const {
    double sum = 0;
    for (const ScaledClip& clip : clips_) {
      const double z = Sum(point, clip.scores);
      sum +=
          clip.weight * (clip.target * ClipLogLoss({z, true}) + (1 - clip.target) * ClipLogLoss({z, false}));
    }
    const Vector drawn = Drawn(point);
    return sum + pull_ / 2 * Sum(drawn, drawn);
  }

  void Differentiate(const Vector& point, Vector& gradient, Matrix& hessian) const {
    const size_t size = point.size();
    gradient.assign(size, 0);
    hessian.assign(size, Vector(size, 0));
    for (const ScaledClip& clip : clips_) {
      const double p = 1 / (1 + std::exp(-Sum(point, clip.scores)));
      for (size_t j = 0; j < size; ++j) {
        gradient[j] += clip.weight * (p - clip.target) * clip.scores[j];
        for (size_t k = 0; k < size; ++k)
          hessian[j][k] += clip.weight * p * (1 - p) * clip.scores[j] * clip.scores[k];
      }
    }
    const Vector drawn = Drawn(point);
    for (size_t j = 0; j < size; ++j) {
      gradient[j] += pull_ * drawn[j];
      hessian[j][j] += kRidge + (prior_ != nullptr || j + 1 < size ? pull_ : 0);
    }
    if (prior_ != nullptr) return;
    const auto weights = static_cast<double>(size - 1);
    for (size_t j = 0; j + 1 < size; ++j) {
      for (size_t k = 0; k + 1 < size; ++k) hessian[j][k] -= pull_ / weights;
    }
  }

 private:
  // How far the point lies from where it is drawn.
  Vector Drawn(const Vector& point) const {
    Vector drawn = point;
    if (prior_ != nullptr) {
      for (size_t j = 0; j < point.size(); ++j) drawn[j] -= (*prior_)[j];
      return drawn;
    }
    const size_t weights = point.size() - 1;
    double mean = 0;
    for (size_t j = 0; j < weights; ++j) mean += point[j] / static_cast<double>(weights);
    for (size_t j = 0; j < weights; ++j) drawn[j] -= mean;
    drawn.back() = 0;
    return drawn;
  }

  const std::vector<ScaledClip>& clips_;
  double pull_;
  const Vector* prior_;
};

// Solves matrix x = right for a positive definite matrix, by Cholesky's decomposition.
Vector Solve(Matrix matrix, Vector right) {
  const size_t size = right.size();
  for (size_t j = 0; j < size; ++j) {
    for (size_t k = 0; k < j; ++k) matrix[j][j] -= matrix[j][k] * matrix[j][k];
    matrix[j][j] = std::sqrt(std::max(matrix[j][j], kRidge));
    for (size_t i = j + 1; i < size; ++i) {
      for (size_t k = 0; k < j; ++k) matrix[i][j] -= matrix[i][k] * matrix[j][k];
      matrix[i][j] /= matrix[j][j];
    }
  }
  for (size_t i = 0; i < size; ++i) {
    for (size_t k = 0; k < i; ++k) right[i] -= matrix[i][k] * right[k];
    right[i] /= matrix[i][i];
  }
  for (size_t i = size; i-- > 0;) {
    for (size_t k = i + 1; k < size; ++k) right[i] -= matrix[k][i] * right[k];
    right[i] /= matrix[i][i];
  }
  return right;
}

// Newton's step where no bound is near; where one is and the way leads there, down the gradient alone.
Vector Direction(const Vector& point, const Vector& gradient, const Matrix& hessian, double near_bound) {
  std::vector<size_t> free;
  Vector direction(point.size());
  for (size_t j = 0; j < point.size(); ++j) {
    const bool bounded = j + 1 < point.size() && point[j] <= near_bound && gradient[j] > 0;
    if (bounded) {
      direction[j] = -gradient[j] / hessian[j][j];
    } else {
      free.push_back(j);
    }
  }
  Matrix part;
  Vector right;
  for (const size_t j : free) {
    part.emplace_back();
    for (const size_t k : free) part.back().push_back(hessian[j][k]);
    right.push_back(-gradient[j]);
  }
  const Vector step = Solve(part, right);
  for (size_t i = 0; i < free.size(); ++i) direction[free[i]] = step[i];
  return direction;
}

Vector Moved(const Vector& point, const Vector& direction, double length) {
  Vector moved = point;
  for (size_t j = 0; j < point.size(); ++j) {
    moved[j] += length * direction[j];
    if (j + 1 < point.size()) moved[j] = std::max(moved[j], 0.0);
  }
  return moved;
}

absl::StatusOr<Vector> Minimise(const Objective& objective, Vector point) {
  Vector gradient;
  Matrix hessian;
  for (int iteration = 0; iteration < kIterationsMax; ++iteration) {
    objective.Differentiate(point, gradient, hessian);
    double steepest = 0;  // of the ways that are open
    for (size_t j = 0; j < point.size(); ++j) {
      const bool closed = j + 1 < point.size() && point[j] == 0 && gradient[j] > 0;
      if (!closed) steepest = std::max(steepest, std::abs(gradient[j]));
    }
    if (steepest <= kGradientMax) return point;
    const Vector direction = Direction(point, gradient, hessian, std::min(kNearBound, steepest));
    const double before = objective.At(point);
    double length = 1;
    Vector moved = Moved(point, direction, length);
    // Rounding alone may lift the objective near its minimum.
    while (objective.At(moved) > before + 1e-15 * (1 + before) && length > 1e-12) {
      length /= 2;
      moved = Moved(point, direction, length);
    }
    if (moved == point) return point;
    point = std::move(moved);
  }
  return Internal("the fit of log-likelihood ratios did not settle in ", kIterationsMax, " steps");
}

}  // namespace

absl::StatusOr<LogisticFit> FitLogistic(const std::vector<LabelledScores>& clips, double pull) {
  ICPT_RETURN_IF_ERROR(CheckClips(clips, pull));
  const Scaled scaled = Scale(clips);
  Vector start(scaled.columns.size() + 1, 1);
  start.back() = 0;
  ICPT_ASSIGN_OR_RETURN(const Vector best,
                        Minimise(Objective(scaled.clips, pull, nullptr), std::move(start)));
  LogisticFit fit{.weights = Vector(clips.front().scores.size(), 0), .bias = best.back()};
  for (size_t j = 0; j < scaled.columns.size(); ++j) {
    fit.weights[scaled.columns[j]] = best[j] / scaled.deviations[j];
    fit.bias -= best[j] * scaled.means[j] / scaled.deviations[j];
  }
  return fit;
}

absl::StatusOr<LogisticFit> FitLogisticTowards(const LogisticFit& prior,
                                               const std::vector<LabelledScores>& clips, double pull) {
  ICPT_RETURN_IF_ERROR(CheckClips(clips, pull));
  if (pull == 0) return InvalidArgument("pull is 0; towards a prior it is above 0");
  const size_t size = clips.front().scores.size();
  if (prior.weights.size() != size) {
    return InvalidArgument("the prior has ", prior.weights.size(), " weights for ", size, " scores");
  }
  Vector point = prior.weights;
  point.push_back(prior.bias);
  for (size_t j = 0; j <= size; ++j) {
    if (std::isfinite(point[j]) && (point[j] >= 0 || j == size)) continue;
    return InvalidArgument("the prior's ", j == size ? "bias" : "weight", " is ", point[j],
                           "; weights are 0 or more, all of it finite");
  }
  std::vector<ScaledClip> weighed = WeighClasses(clips);
  for (size_t i = 0; i < clips.size(); ++i) {
    weighed[i].scores = clips[i].scores;
    weighed[i].scores.push_back(1);
  }
  ICPT_ASSIGN_OR_RETURN(Vector best, Minimise(Objective(weighed, pull, &point), point));
  LogisticFit fit{.weights = {}, .bias = best.back()};
  best.pop_back();
  fit.weights = std::move(best);
  return fit;
}

}  // namespace interceptor
