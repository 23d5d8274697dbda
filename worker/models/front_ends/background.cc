// BG: was the face blended into the picture? A pasted face carries its own white balance and sharpness up to the
// seam; both are looked at with the scene's own colours taken away. After Li et al., "Face X-ray for more
// general face forgery detection", 2020, and Shiohara, Yamasaki, "Detecting deepfakes with self-blended
// images", 2022.
#include <cmath>
#include <numbers>

#include "worker/models/front_ends/box_mean.h"
#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/preprocess.h"

namespace interceptor::worker {
namespace {

// ITU-R BT.601: Y, Cb and Cr of RGB.
constexpr float kYuv[9] = {0.299f, 0.587f, 0.114f, -0.1687f, -0.3313f, 0.5f, 0.5f, -0.4187f, -0.0813f};
constexpr float kLaplacianOfGaussian[25] = {0,  0,  -1, 0,  0,  0,  -1, -2, -1, 0,  -1, -2, 16,
                                            -2, -1, 0,  -1, -2, -1, 0,  0,  0,  -1, 0,  0};

// A seam is looked for on ellipses about the middle of the crop, each 0.02 of half its width from the next.
constexpr int64_t kSeamPixels = 112;
constexpr int64_t kRadii = 35;
constexpr double kRadiusMin = 0.1;
constexpr double kRadiusStep = 0.02;
constexpr double kHeight = 1.25;  // of a face beside its width
// Faces lie beside the middle: each sector has radii of its own.
constexpr int64_t kSectors = 6;
constexpr int64_t kAngles = 8;  // of a sector
constexpr int64_t kAcross = 2;  // radii on each side of a step
constexpr int64_t kSteps = kRadii - 2 * kAcross + 1;
constexpr int64_t kNaturalPowers = 4;
// Larger changes of luma or colour are the edges of hair, eyes and head.
constexpr double kLumaEdge = 8.0 / 255;
constexpr double kColourEdge = 5.0 / 255;

// [1, kRadii, kSectors * kAngles, 2]: x and y in [-1, 1].
at::Tensor Ellipses() {
  at::Tensor grid = at::zeros({1, kRadii, kSectors * kAngles, 2}, at::kFloat);
  float* out = grid.data_ptr<float>();
  for (int64_t i = 0; i < kRadii; ++i) {
    for (int64_t k = 0; k < kSectors * kAngles; ++k) {
      const double radius = kRadiusMin + kRadiusStep * static_cast<double>(i);
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / (kSectors * kAngles);
      *out++ = static_cast<float>(radius * std::cos(angle));
      *out++ = static_cast<float>(radius * kHeight * std::sin(angle));
    }
  }
  return grid;
}

// [kSteps, kSteps], symmetric: takes a cubic along the radius away, which is how faces change colour as filmed.
at::Tensor WithoutNaturalChange() {
  const at::Tensor place = at::linspace(-1, 1, kSteps, at::kDouble);
  at::Tensor rest = at::eye(kSteps, at::kDouble);
  for (int64_t power = 0; power < kNaturalPowers; ++power) {
    const at::Tensor part = rest.matmul(place.pow(power));
    rest = rest.sub(at::outer(part, part).div(part.dot(part)));
  }
  return rest.to(at::kFloat);
}

at::Tensor Constant(const float* values, at::IntArrayRef shape, at::Device device) {
  return at::from_blob(const_cast<float*>(values), shape, at::kFloat).clone().to(device);
}

class BackgroundFrontEnd : public FrontEnd {
 public:
  BackgroundFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode),
        preprocessor_(device),
        yuv_(Constant(kYuv, {3, 3, 1, 1}, device)),
        sharpness_(Constant(kLaplacianOfGaussian, {1, 1, 5, 5}, device).div(16)),
        ellipses_(Ellipses().to(device)),
        without_natural_(WithoutNaturalChange().to(device)) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor rgb = preprocessor_.RgbOf(input, {.input_side = side}, augmentations);
    NetworkInput out = {.pictures = preprocessor_.Normalise(rgb), .map = {}, .figures = {}};
    if (mode_ == FrontEndMode::kViewsOnly) return out;
    const at::Tensor yuv = at::conv2d(rgb, yuv_);
    out.map = BlendMaps(yuv);
    const at::Tensor rings = Rings(yuv);
    out.figures = rings.sub(rings.narrow(2, kRings - 1, 1)).mul(20).flatten(1);
    return out;
  }

  // How much colour changes across ellipses, alike along the sector of one, where luma does not, and more
  // abruptly than faces do. Whichever way: a blended face is as often less as more like what is around it.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor rgb = preprocessor_.RgbOf(input, {.input_side = input.face_crop.side}, augmentations);
    const at::Tensor yuv = at::adaptive_avg_pool2d(at::conv2d(rgb, yuv_), {kSeamPixels, kSeamPixels});
    const at::Tensor along =
        at::grid_sampler(BoxMean(yuv, 3), ellipses_.expand({yuv.size(0), -1, -1, -1}),
                         /*interpolation_mode=*/0, /*padding_mode=*/1, /*align_corners=*/false);
    const at::Tensor sides = at::avg_pool2d(along, {kAcross, 1}, {1, 1});
    // [samples, 3, kSteps, kSectors, kAngles]
    const at::Tensor steps = sides.narrow(2, 0, kSteps)
                                 .sub(sides.narrow(2, kAcross, kSteps))
                                 .reshape({-1, 3, kSteps, kSectors, kAngles});
    const at::Tensor luma = steps.narrow(1, 0, 1).div(kLumaEdge).square_();
    const at::Tensor colour = steps.narrow(1, 1, 2).div(kColourEdge).square_().sum(1, true);
    const at::Tensor weights = luma.add_(1).mul_(colour.add_(1)).reciprocal_();
    const at::Tensor step = steps.narrow(1, 1, 2).mul(weights).sum(4).div(weights.sum(4).add_(0.01));
    const at::Tensor abrupt = at::matmul(step.transpose(2, 3), without_natural_);
    return abrupt.square().sum(1).sqrt().mean({1, 2}).mul(255);
  }

 private:
  at::Tensor Sharpness(const at::Tensor& yuv) const {
    return at::conv2d(yuv.narrow(1, 0, 1), sharpness_, {}, 1, 2);
  }

  // [samples, 3, side / 2, side / 2]: sharpness of luma, Cb and Cr beside their surroundings.
  at::Tensor BlendMaps(const at::Tensor& yuv) const {
    const at::Tensor chroma = yuv.narrow(1, 1, 2);
    const int64_t window = yuv.size(2) / 14 * 2 + 1;
    return at::avg_pool2d(at::cat({Sharpness(yuv).mul(10), chroma.sub(BoxMean(chroma, window)).mul(20)}, 1),
                          2);
  }

  // How much Cb and Cr change within a few hundredths of the face: [samples, 1, side, side].
  static at::Tensor FineColour(const at::Tensor& yuv) {
    const at::Tensor chroma = yuv.narrow(1, 1, 2);
    const int64_t side = yuv.size(2);
    const at::Tensor fine =
        BoxMean(chroma, side / 32 / 2 * 2 + 1).sub(BoxMean(chroma, side / 11 / 2 * 2 + 1));
    return fine.abs_().sum(1, true);
  }

  // By distance from the middle: mean Y, Cb and Cr, and the logarithms of mean sharpness and fine colour, the latter
  // small: [samples, kRingMeasures, kRings].
  at::Tensor Rings(const at::Tensor& yuv) const {
    const int64_t side = yuv.size(2);
    const at::Tensor at =
        at::arange(side, yuv.options()).add_(0.5).div_(static_cast<double>(side) / 2).sub_(1);
    const at::Tensor radius = at.square().unsqueeze(1).add(at.square()).sqrt();
    const at::Tensor ring = radius.mul(kRings).floor().clamp_max(kRings).flatten();  // corners are left out
    const at::Tensor masks = ring.unsqueeze(1).eq(at::arange(kRings, yuv.options())).to(at::kFloat);
    const at::Tensor values = at::cat({yuv, Sharpness(yuv).abs(), FineColour(yuv)}, 1).flatten(2);
    const at::Tensor means = at::matmul(values, masks.div(masks.sum(0, true)));
    return at::cat({means.narrow(1, 0, 3), means.narrow(1, 3, 2).add(0.001).log().mul(0.05)}, 1);
  }

  const FrontEndMode mode_;
  const Preprocessor preprocessor_;
  const at::Tensor yuv_;
  const at::Tensor sharpness_;
  const at::Tensor ellipses_;
  const at::Tensor without_natural_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeBackgroundFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<BackgroundFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
