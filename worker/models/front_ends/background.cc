// BG: was the face blended into the picture? A pasted face carries its own white balance and sharpness up to the
// seam; both are looked at with the scene's own colours taken away. After Li et al., "Face X-ray for more
// general face forgery detection", 2020, and Shiohara, Yamasaki, "Detecting deepfakes with self-blended
// images", 2022.
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

// Of kRings: a blended face ends where its box does, 0.6 of the crop; its middle lies well inside.
constexpr int64_t kSeamRing = 4;
constexpr int64_t kInnerRing = 2;

at::Tensor Constant(const float* values, at::IntArrayRef shape, at::Device device) {
  return at::from_blob(const_cast<float*>(values), shape, at::kFloat).clone().to(device);
}

class BackgroundFrontEnd : public FrontEnd {
 public:
  BackgroundFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode),
        preprocessor_(device),
        yuv_(Constant(kYuv, {3, 3, 1, 1}, device)),
        sharpness_(Constant(kLaplacianOfGaussian, {1, 1, 5, 5}, device).div(16)) {}

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

  // How much more fine structure of colour there is where seams lie than in the middle of the face.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor rgb = preprocessor_.RgbOf(input, {.input_side = input.face_crop.side}, augmentations);
    const at::Tensor fine = Rings(at::conv2d(rgb, yuv_)).select(1, kRingMeasures - 1);
    return fine.narrow(1, kSeamRing, 2).mean(1).sub(fine.select(1, kInnerRing));
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
};

}  // namespace

std::unique_ptr<FrontEnd> MakeBackgroundFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<BackgroundFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
