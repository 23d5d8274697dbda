// LL: does the face carry another noise than what is around it? A sensor's noise grows with the light that falls
// on a place, so levels are compared at equal luma. The backbone sees the face crop with its lighting divided
// out. Noise by brightness after Liu, Freeman, Szeliski, Kang, "Noise estimation from a single image", 2006;
// retinex after Jobson, Rahman, Woodell, "Properties and performance of a center/surround retinex", 1997.
#include <vector>

#include "worker/models/front_ends/box_mean.h"
#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/models/preprocess.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kBlock = 8;
constexpr int64_t kBlocks = kPatchPixels / kBlock;
constexpr double kLumaMax = 255;
// Levels of luma: what H.264 leaves of a noise less than this is banding.
constexpr double kNoiseFloor = 0.3;
// Blocks of a luma level that a place must have before it is compared there.
constexpr double kBlocksMin = 2;

// Immerkaer's mask, which structure of first and second order passes through unseen.
at::Tensor NoiseMask() {
  const float values[9] = {1, -2, 1, -2, 4, -2, 1, -2, 1};
  at::Tensor mask = at::zeros({1, 1, 3, 3}, at::kFloat);
  std::copy_n(values, 9, mask.data_ptr<float>());
  return mask.div(6);  // unit deviation stays unit deviation
}

struct BlockNoise {
  at::Tensor noise;  // [samples, frames, places, blocks]: log of the deviation
  at::Tensor level;  // the same shape: mean luma, in [0, kLumaLevels)
};

class LowLightFrontEnd : public FrontEnd {
 public:
  LowLightFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode), device_(device), preprocessor_(device), mask_(NoiseMask().to(device)) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    NetworkInput out = {.pictures = {}, .map = {}, .figures = {}};
    const at::Tensor rgb = preprocessor_.RgbOf(
        input, {.input_side = side, .size_change = SizeChange::kAlignedCrop}, augmentations);
    if (mode_ == FrontEndMode::kViewsOnly) {
      out.pictures = preprocessor_.Normalise(rgb);
      return out;
    }
    out.pictures = Retinex(rgb);
    out.figures = Levels(BlocksOf(OpenPatches(input, augmentations, device_).luma));
    return out;
  }

  // How far the face's noise lies from the ring's, either way, at the levels that both have.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    return Levels(BlocksOf(OpenPatches(input, augmentations, device_).luma)).select(1, kLowLightFigures - 1);
  }

 private:
  // The logarithm of each channel beside its surroundings.
  static at::Tensor Retinex(const at::Tensor& rgb) {
    const at::Tensor logs = rgb.add(0.02).log();
    const int64_t window = rgb.size(2) / 16 * 2 + 1;
    return logs.sub(BoxMean(logs, window)).mul_(2).contiguous(at::MemoryFormat::ChannelsLast);
  }

  BlockNoise BlocksOf(const at::Tensor& luma) const {
    const auto blocks = [](const at::Tensor& pixels) {
      return pixels.reshape({-1, kPatchFrames, kComparedPlaces, kBlocks, kBlock, kBlocks, kBlock});
    };
    const at::Tensor residual =
        at::conv2d(luma.reshape({-1, 1, kPatchPixels, kPatchPixels}), mask_, {}, 1, 1).abs_().clamp_max_(12);
    // The mean of a normal deviate's size is sqrt(2 / pi) of its deviation.
    const at::Tensor noise = blocks(residual).mean({4, 6}).flatten(3).mul_(1.2533).add_(kNoiseFloor).log_();
    const at::Tensor level = blocks(luma).mean({4, 6}).flatten(3).mul_(kLumaLevels / kLumaMax);
    return {noise, level};
  }

  // The inner face at each luma level that it has; inner face minus ring at each that both have, zeros elsewhere; which levels those are; how large the
  // differences are, whichever is the noisier; the mean difference, and its size.
  static at::Tensor Levels(const BlockNoise& blocks) {
    const at::Tensor centres = at::arange(kLumaLevels, blocks.level.options()).add_(0.5);
    const at::Tensor along = CentreWeights(kBlocks, centres.device()).mul(kBlocks);
    const at::Tensor by_place = along.unsqueeze(1).mul(along).flatten().unsqueeze(1);
    // [samples, frames, places, blocks, levels]
    const at::Tensor share =
        blocks.level.unsqueeze(4).sub(centres).abs_().neg_().add_(1).clamp_min_(0).mul(by_place);
    const at::Tensor weight = share.sum({1, 3});  // [samples, places, levels], both frames together
    const at::Tensor noise = share.mul(blocks.noise.unsqueeze(4)).sum({1, 3}).div(weight.clamp_min(1e-3));
    const at::Tensor least = at::minimum(weight.select(1, 0), weight.select(1, 1));
    const at::Tensor both = least.ge(kBlocksMin).to(at::kFloat);
    const at::Tensor difference = noise.select(1, 0).sub(noise.select(1, 1)).mul_(both).mul_(2);
    const at::Tensor inner = noise.select(1, 0).mul(weight.select(1, 0).ge(kBlocksMin));
    const at::Tensor mean = difference.mul(least).sum(1, true).div(least.mul(both).sum(1, true).clamp_min(1));
    return at::cat({inner, difference, both, difference.abs(), mean, mean.abs()}, 1);
  }

  const FrontEndMode mode_;
  const at::Device device_;
  const Preprocessor preprocessor_;
  const at::Tensor mask_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeLowLightFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<LowLightFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
