// TM: does the face move on as what is around it does? Frames put in another order, or late, are each innocent; what
// gives them away is how differences grow with the distance in time, and whether the velocity of the face
// follows that of its surroundings. Velocity by Lucas and Kanade, "An iterative image registration technique",
// 1981, one translation for each region.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kShown = 4;  // frames that the backbone sees

// What is averaged to one number, and how far the next one is away, in pixels.
struct Scale {
  int64_t window;
  int64_t step;

  constexpr int64_t Cells() const { return (kBurstPixels - window) / step + 1; }
};
// Differences of frames; velocities, where motion between frames must be less than the window.
constexpr Scale kFine = {.window = 4, .step = 2};
constexpr Scale kCoarse = {.window = 8, .step = 4};

// Places of a burst, which shows the face with 30 % of its side on each side: the inner face, the head around it, and
// what is beside the head.
enum Region : int64_t { kInner, kHead, kBeside, kRegions };
constexpr std::pair<Region, Region> kPairs[] = {{kInner, kBeside}, {kInner, kHead}, {kHead, kBeside}};

// [kRegions, cells * cells]; each sums up to one.
at::Tensor RegionMasks(const Scale& scale) {
  constexpr double kInnerRadius = 0.5, kHeadRadius = 0.6, kHeadEnd = 0.85, kBesideRadius = 0.95;
  const int64_t cells = scale.Cells();
  at::Tensor masks = at::zeros({kRegions, cells, cells}, at::kFloat);
  for (int64_t y = 0; y < cells; ++y) {
    for (int64_t x = 0; x < cells; ++x) {
      const auto place = [&](int64_t cell) {
        return (2.0 * static_cast<double>(cell) + 1) / static_cast<double>(cells) - 1;
      };
      // Heads are higher than wide.
      const double radius = std::hypot(place(x) / 0.85, place(y));
      if (radius < kInnerRadius) masks[kInner][y][x] = 1;
      if (radius > kHeadRadius && radius < kHeadEnd) masks[kHead][y][x] = 1;
      if (radius > kBesideRadius) masks[kBeside][y][x] = 1;
    }
  }
  return masks.div(masks.sum({1, 2}, true)).flatten(1);
}

// [samples, frames, cells * cells]
at::Tensor Smooth(const at::Tensor& luma, const Scale& scale) {
  return at::avg_pool2d(luma, scale.window, scale.step).flatten(2);
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
      : mode_(mode),
        device_(device),
        fine_(RegionMasks(kFine).to(device)),
        coarse_(RegionMasks(kCoarse).to(device)) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor luma = Open(input, augmentations);
    NetworkInput out = {.pictures = Pictures(luma, side), .map = {}, .figures = {}};
    if (mode_ != FrontEndMode::kViewsOnly) out.figures = Figures(luma);
    return out;
  }

  // How much rougher the face's course is than that of its surroundings.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor rough = Growth(Smooth(Open(input, augmentations), kFine)).select(2, 5);
    return rough.select(1, kInner).sub(rough.select(1, kBeside));
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

  // Mean of each region: [samples, frames, kRegions].
  at::Tensor ByRegion(const at::Tensor& values) const { return at::matmul(values, fine_.t()); }

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

  // Translation of each region from frame to frame: [samples, 2 directions, regions, 15].
  at::Tensor Velocities(const at::Tensor& luma) const {
    constexpr int64_t kCells = kCoarse.Cells();
    const at::Tensor frames = Smooth(luma, kCoarse);
    const at::Tensor grid = frames.reshape({frames.size(0), kBurstFrames, kCells, kCells});
    const at::Tensor mean =
        grid.narrow(1, 0, kBurstFrames - 1).add(grid.narrow(1, 1, kBurstFrames - 1)).div_(2);
    const at::Tensor padded = at::replication_pad2d(mean, {1, 1, 1, 1});
    const auto slope = [&](int64_t dimension) {
      const at::Tensor inside = padded.narrow(dimension == 3 ? 2 : 3, 1, kCells);
      return inside.narrow(dimension, 2, kCells).sub(inside.narrow(dimension, 0, kCells)).div_(2).flatten(2);
    };
    const auto sum = [&](const at::Tensor& a, const at::Tensor& b) {
      return at::matmul(a.mul(b), coarse_.t());
    };
    const at::Tensor x = slope(3);
    const at::Tensor y = slope(2);
    const at::Tensor t = frames.diff(1, 1);
    const at::Tensor xx = sum(x, x).add_(0.5);
    const at::Tensor yy = sum(y, y).add_(0.5);
    const at::Tensor xy = sum(x, y);
    const at::Tensor xt = sum(x, t);
    const at::Tensor yt = sum(y, t);
    const at::Tensor determinant = xx.mul(yy).sub(xy.square());
    return at::stack(
               {xy.mul(yt).sub(yy.mul(xt)).div(determinant), xy.mul(xt).sub(xx.mul(yt)).div(determinant)}, 1)
        .transpose(2, 3);
  }

  // How much `velocity` [samples, 2, 15] changes, and changes from frame to frame: logarithms of deviations.
  static at::Tensor Unsteadiness(const at::Tensor& velocity) {
    const auto size = [](const at::Tensor& change) { return change.square().mean({1, 2}).add(1e-4).log(); };
    return at::stack({size(velocity.sub(velocity.mean(2, true))), size(velocity.diff(1, 2)),
                      size(velocity.diff(2, 2))},
                     1)
        .div_(2);
  }

  at::Tensor Figures(const at::Tensor& luma) const {
    const at::Tensor frames = Smooth(luma, kFine);
    const at::Tensor growth = Growth(frames);
    const at::Tensor velocities = Velocities(luma);
    std::vector<at::Tensor> figures = {growth.flatten(1)};
    for (const auto& [a, b] : kPairs) {
      const at::Tensor x = velocities.select(2, a), y = velocities.select(2, b);
      figures.push_back(growth.select(1, a).sub(growth.select(1, b)));
      figures.push_back(Correlations(x.select(1, 0), y.select(1, 0), kVelocityLags)
                            .add(Correlations(x.select(1, 1), y.select(1, 1), kVelocityLags)));
      figures.push_back(Unsteadiness(x.sub(y)));
    }
    for (int64_t region = 0; region < kRegions; ++region) {
      const at::Tensor x = velocities.select(2, region);
      figures.push_back(Correlations(x.select(1, 0), x.select(1, 0), kVelocityLags)
                            .add(Correlations(x.select(1, 1), x.select(1, 1), kVelocityLags))
                            .narrow(1, kVelocityLags + 1, kVelocityLags));
      figures.push_back(Unsteadiness(x));
    }
    const at::Tensor motion = ByRegion(frames.diff(1, 1).abs_());
    const at::Tensor course = motion.div(motion.mean(1, true).add(0.05)).sub(1);
    figures.push_back(
        at::abs(at::fft_rfft(course, c10::nullopt, 1)).narrow(1, 1, kRhythmBins).div_(4).flatten(1));
    return at::cat(figures, 1);
  }

  const FrontEndMode mode_;
  const at::Device device_;
  const at::Tensor fine_;  // RegionMasks
  const at::Tensor coarse_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeTemporalFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<TemporalFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
