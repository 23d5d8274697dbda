// TM: does the face move on as what is around it does? Frames put in another order, or late, are each innocent; what
// gives them away is how differences grow with the distance in time, and whether the velocity of the face
// follows that of its surroundings. Velocity by Lucas and Kanade, "An iterative image registration technique",
// 1981, one translation for each region.
#include <algorithm>
#include <vector>

#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kSmooth = 4;  // pixels that are averaged: motion between frames is less than that
constexpr int64_t kStep = 2;
constexpr int64_t kCells = (kBurstPixels - kSmooth) / kStep + 1;
// A burst shows the face with 30 % of its side on each side.
constexpr double kFaceFrom = 0.3 / 1.6;
constexpr double kInnerFrom = 0.27;
constexpr int64_t kShown = 4;  // frames that the backbone sees

// [2, kCells * kCells]: the inner face, and what is outside its box; each sums up to one.
at::Tensor RegionMasks() {
  at::Tensor masks = at::zeros({2, kCells, kCells}, at::kFloat);
  for (int64_t y = 0; y < kCells; ++y) {
    for (int64_t x = 0; x < kCells; ++x) {
      const auto place = [](int64_t cell) { return (static_cast<double>(cell) + 0.5) / kCells; };
      const double margin = std::min({place(x), place(y), 1 - place(x), 1 - place(y)});
      if (margin > kInnerFrom) masks[0][y][x] = 1;
      if (margin < kFaceFrom) masks[1][y][x] = 1;
    }
  }
  return masks.div(masks.sum({1, 2}, true)).flatten(1);
}

// Cross-correlation of two series [samples, n] without their means, for each lag of -reach ... reach.
at::Tensor Correlations(const at::Tensor& a, const at::Tensor& b, int64_t reach) {
  const int64_t n = a.size(1);
  const at::Tensor x = a.sub(a.mean(1, true));
  const at::Tensor y = b.sub(b.mean(1, true));
  const at::Tensor scale = x.square().mean(1).mul(y.square().mean(1)).add(1e-6).sqrt();
  std::vector<at::Tensor> lags;
  for (int64_t lag = -reach; lag <= reach; ++lag) {
    const int64_t shared = n - std::abs(lag);
    const at::Tensor product =
        x.narrow(1, std::max<int64_t>(0, -lag), shared).mul(y.narrow(1, std::max<int64_t>(0, lag), shared));
    lags.push_back(product.sum(1).div(static_cast<double>(n)).div(scale));
  }
  return at::stack(lags, 1);
}

class TemporalFrontEnd : public FrontEnd {
 public:
  TemporalFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode), device_(device), masks_(RegionMasks().to(device)) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor luma = Open(input, augmentations);
    NetworkInput out = {.pictures = Pictures(luma, side), .map = {}, .figures = {}};
    if (mode_ != FrontEndMode::kViewsOnly) out.figures = Figures(luma);
    return out;
  }

  // How much rougher the face's course is than that of its surroundings.
  at::Tensor Statistic(const SpecialistInput& input) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor rough = Growth(Smooth(Open(input, {}))).select(2, 5);
    return rough.select(1, 0).sub(rough.select(1, 1));
  }

 private:
  at::Tensor Open(const SpecialistInput& input, std::span<const Augmentation> augmentations) const {
    at::Tensor luma = at::from_blob(const_cast<uint8_t*>(input.bursts.luma.data()),
                                    {input.count, kBurstFrames, kBurstPixels, kBurstPixels}, at::kByte)
                          .to(device_)
                          .to(at::kFloat);
    return augmentations.empty() ? luma : FlipWhereDrawn(luma, augmentations);
  }

  static at::Tensor Pictures(const at::Tensor& luma, int side) {
    std::vector<at::Tensor> shown;
    for (int64_t i = 0; i < kShown; ++i)
      shown.push_back(luma.select(1, i * (kBurstFrames - 1) / (kShown - 1)));
    const at::Tensor four = at::stack(shown, 1);
    const int64_t part = std::min<int64_t>(side / 2, kBurstPixels);
    const at::Tensor scaled =
        part == kBurstPixels ? four : at::upsample_bilinear2d(four, {part, part}, false);
    return CanvasPictures(scaled.reshape({-1, 2, 2, part, part}), side, part);
  }

  // [samples, frames, kCells * kCells]
  static at::Tensor Smooth(const at::Tensor& luma) { return at::avg_pool2d(luma, kSmooth, kStep).flatten(2); }

  // Mean of each region: [samples, frames, 2].
  at::Tensor ByRegion(const at::Tensor& values) const { return at::matmul(values, masks_.t()); }

  // [samples, regions, 6]: the logarithm of the mean difference of neighbours; how it grows with two, three, four
  // and five frames; how large second differences are beside those of two frames.
  at::Tensor Growth(const at::Tensor& frames) const {
    const auto apart = [&](int64_t lag) {
      const int64_t n = kBurstFrames - lag;
      return ByRegion(frames.narrow(1, lag, n).sub(frames.narrow(1, 0, n)).abs_()).mean(1).add(0.1).log();
    };
    const at::Tensor bend = ByRegion(frames.diff(2, 1).abs_()).mean(1).add(0.1).log();
    const at::Tensor one = apart(1);
    const at::Tensor two = apart(2);
    return at::stack(
        {one, two.sub(one), apart(3).sub(one), apart(4).sub(one), apart(5).sub(one), bend.sub(two)}, 2);
  }

  // Translation of each region from frame to frame: [samples, 15, 2] along x and along y.
  std::pair<at::Tensor, at::Tensor> Velocities(const at::Tensor& frames) const {
    const at::Tensor grid = frames.reshape({frames.size(0), kBurstFrames, kCells, kCells});
    const at::Tensor mean =
        grid.narrow(1, 0, kBurstFrames - 1).add(grid.narrow(1, 1, kBurstFrames - 1)).div_(2);
    const at::Tensor padded = at::replication_pad2d(mean, {1, 1, 1, 1});
    const auto slope = [&](int64_t dimension) {
      const at::Tensor inside = padded.narrow(dimension == 3 ? 2 : 3, 1, kCells);
      return inside.narrow(dimension, 2, kCells).sub(inside.narrow(dimension, 0, kCells)).div_(2).flatten(2);
    };
    const at::Tensor x = slope(3);
    const at::Tensor y = slope(2);
    const at::Tensor t = frames.diff(1, 1);
    const at::Tensor xx = ByRegion(x.square()).add_(0.5);
    const at::Tensor yy = ByRegion(y.square()).add_(0.5);
    const at::Tensor xy = ByRegion(x.mul(y));
    const at::Tensor xt = ByRegion(x.mul(t));
    const at::Tensor yt = ByRegion(y.mul(t));
    const at::Tensor determinant = xx.mul(yy).sub(xy.square());
    return {xy.mul(yt).sub(yy.mul(xt)).div(determinant), xy.mul(xt).sub(xx.mul(yt)).div(determinant)};
  }

  at::Tensor Figures(const at::Tensor& luma) const {
    const at::Tensor frames = Smooth(luma);
    const at::Tensor growth = Growth(frames);
    const auto [x, y] = Velocities(frames);
    const auto region = [](const at::Tensor& velocity, int64_t index) { return velocity.select(2, index); };
    const auto both = [&](int64_t a, int64_t b, int64_t reach) {
      return Correlations(region(x, a), region(x, b), reach)
          .add(Correlations(region(y, a), region(y, b), reach));
    };
    const at::Tensor motion = ByRegion(frames.diff(1, 1).abs_());
    const at::Tensor course = motion.div(motion.mean(1, true).add(0.05)).sub(1);
    const at::Tensor rhythm =
        at::abs(at::fft_rfft(course, c10::nullopt, 1)).narrow(1, 1, kRhythmBins).div_(4);
    return at::cat(
        {growth.flatten(1), growth.select(1, 0).sub(growth.select(1, 1)), both(0, 1, kVelocityLags),
         both(0, 0, kVelocityLags), both(1, 1, kVelocityLags), rhythm.flatten(1)},
        1);
  }

  const FrontEndMode mode_;
  const at::Device device_;
  const at::Tensor masks_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeTemporalFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<TemporalFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
