// RR: was the face made at another resolution than what is around it? Enlarging takes away what lies beyond
// the smaller picture's Nyquist frequency and makes neighbours predictable from each other. Residual filters
// as in steganalysis (Fridrich, Kodovsky, "Rich models for steganalysis of digital images", 2012); spectra by
// radius and angle after Durall, Keuper, Keuper, "Watch your up-convolution", 2020; second differences after
// Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", 2005.
#include <cmath>
#include <numbers>

#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr double kTruncation = 3;  // of residuals, as the rich models have it
constexpr int64_t kFilters = 3;
// Of the sampling frequency: angles are told apart above it.
constexpr double kAngularFrom = 0.15;

// [kFilters, 1, 3, 3]: the second differences along x and y, and their product.
at::Tensor ResidualFilters() {
  const float values[kFilters][9] = {{0, 0, 0, 1, -2, 1, 0, 0, 0},
                                     {0, 1, 0, 0, -2, 0, 0, 1, 0},
                                     {0.5f, -1, 0.5f, -1, 2, -1, 0.5f, -1, 0.5f}};
  at::Tensor filters = at::zeros({kFilters, 1, 3, 3}, at::kFloat);
  std::copy_n(&values[0][0], kFilters * 9, filters.data_ptr<float>());
  return filters;
}

// [kPatchPixels * (kPatchPixels / 2 + 1), kRadialBins + kAngularBins]: what each frequency of a real transform gives to the mean
// of its bins.
at::Tensor SpectrumBins() {
  constexpr int64_t kHalf = kPatchPixels / 2 + 1;
  at::Tensor bins = at::zeros({kPatchPixels * kHalf, kRadialBins + kAngularBins}, at::kFloat);
  for (int64_t row = 0; row < kPatchPixels; ++row) {
    for (int64_t column = 0; column < kHalf; ++column) {
      const double y = static_cast<double>(row <= kPatchPixels / 2 ? row : row - kPatchPixels) / kPatchPixels;
      const double x = static_cast<double>(column) / kPatchPixels;
      const double radius = std::hypot(x, y);
      if (radius == 0 || radius >= 0.5) continue;
      const auto radial = static_cast<int64_t>(radius / 0.5 * kRadialBins);
      bins[row * kHalf + column][radial] = 1;
      if (radius < kAngularFrom) continue;
      const double turn = (std::atan2(y, x) / std::numbers::pi) + 0.5;  // in [0, 1]
      const auto angular = std::min<int64_t>(static_cast<int64_t>(turn * kAngularBins), kAngularBins - 1);
      bins[row * kHalf + column][kRadialBins + angular] = 1;
    }
  }
  return bins.div(bins.sum(0, true).clamp_min(1));
}

// [kRadialBins + kAngularBins]: log power falls with the logarithm of the frequency in pictures of anything. Taken away,
// so that figures lie about zero.
at::Tensor UsualSpectrum() {
  at::Tensor usual = at::zeros({kRadialBins + kAngularBins}, at::kFloat);
  for (int64_t bin = 0; bin < kRadialBins; ++bin)
    usual[bin] = 9.2 - 2.9 * std::log(static_cast<double>(bin + 1));
  return usual;
}

class ResolutionFrontEnd : public FrontEnd {
 public:
  ResolutionFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode),
        device_(device),
        filters_(ResidualFilters().to(device)),
        window_(at::hann_window(kPatchPixels, /*periodic=*/true,
                                at::TensorOptions().dtype(at::kFloat).device(device))),
        bins_(SpectrumBins().to(device)),
        usual_(UsualSpectrum().to(device)) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const Patches patches = OpenPatches(input, augmentations, device_);
    NetworkInput out = {
        .pictures = CanvasPictures(patches.luma, side, CanvasPatchSide(side)), .map = {}, .figures = {}};
    if (mode_ == FrontEndMode::kViewsOnly) return out;
    out.map = Map(patches.luma, side);
    const at::Tensor above = Spectrum(patches.luma).sub(usual_).mul(0.7);
    out.figures = InnerAndDifference(at::cat({above, Differences(patches.luma)}, 3));
    return out;
  }

  // How far the face's log power falls from what every reduction leaves to what one by 1.2 to 2.3 takes away.
  // The face alone: rings vary with what they show more than the operation changes a face.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor face = Spectrum(OpenPatches(input, augmentations, device_).luma).select(2, 0).mean(1);
    const auto between = [&](double from, double to) {  // of the sampling frequency
      const auto begin = static_cast<int64_t>(2 * from * kRadialBins);
      return face.narrow(1, begin, static_cast<int64_t>(2 * to * kRadialBins) - begin).mean(1);
    };
    return between(0.08, 0.19).sub(between(0.22, 0.41));
  }

 private:
  // Residuals of the canvas at half its side, four to a cell: as features.0 comes out.
  at::Tensor Map(const at::Tensor& luma, int64_t side) const {
    const int64_t part = CanvasPatchSide(side);
    const at::Tensor parts =
        luma.narrow(1, 0, kCanvasFrames).narrow(3, 0, part).narrow(4, 0, part).reshape({-1, 1, part, part});
    const at::Tensor residuals =
        at::conv2d(parts, filters_, {}, 1, 1).clamp_(-kTruncation, kTruncation).div_(kTruncation);
    const at::Tensor cells = at::pixel_unshuffle(residuals, 2);
    return Canvas(cells.reshape({-1, kCanvasFrames, kComparedPlaces, cells.size(1), part / 2, part / 2}),
                  side / 2);
  }

  // Log power by radius and angle.
  at::Tensor Spectrum(const at::Tensor& luma) const {
    const at::Tensor flat = luma.sub(luma.mean({3, 4}, true)).mul_(window_).mul_(window_.unsqueeze(1));
    const at::Tensor power = at::abs(at::fft_rfft2(flat)).square_();
    return at::matmul(power.flatten(3), bins_).div_(kPatchPixels * kPatchPixels).add_(0.05).log_();
  }

  // [samples, frames, places, kDifferenceFigures], of both directions together: the logarithms of the mean square of
  // first differences, of second beside first, third beside second, and of how peaked second ones are; the share of
  // second ones that are none; luma.
  at::Tensor Differences(const at::Tensor& luma) const {
    const auto mean = [&](const at::Tensor& values) {
      const at::Tensor x = CentreWeights(values.size(4), device_);
      const at::Tensor y = CentreWeights(values.size(3), device_);
      return at::matmul(at::matmul(values, x).unsqueeze(3), y).squeeze(3);
    };
    const auto both = [&](int64_t order, auto measure) {
      return mean(measure(luma.diff(order, 4))).add_(mean(measure(luma.diff(order, 3))));
    };
    const auto square = [](const at::Tensor& x) { return x.square(); };
    const auto size = [](const at::Tensor& x) { return x.abs(); };
    const auto none = [](const at::Tensor& x) { return x.abs().lt(1).to(at::kFloat); };
    const at::Tensor first = both(1, square).add_(0.1).log_();
    const at::Tensor second = both(2, square).add_(0.1).log_();
    const at::Tensor third = both(3, square).add_(0.1).log_();
    const at::Tensor peaked = both(2, size).add_(0.1).log_().sub_(second.div(2));
    return at::stack({first.sub(3).div_(2), second.sub(first).mul_(2), third.sub(second).sub_(1).mul_(2),
                      peaked.mul_(4), both(2, none).sub_(1).mul_(2), mean(luma).div_(64).sub_(2)},
                     3);
  }

  const FrontEndMode mode_;
  const at::Device device_;
  const at::Tensor filters_;
  const at::Tensor window_;
  const at::Tensor bins_;
  const at::Tensor usual_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeResolutionFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<ResolutionFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
