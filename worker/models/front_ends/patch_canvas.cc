#include "worker/models/front_ends/patch_canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kAlignment = 16;
constexpr int64_t kBlock = 8;
// Of ImageNet's luma, roughly: what the backbone's first stage expects.
constexpr double kMean = 0.45;
constexpr double kDeviation = 0.225;

at::Tensor Bytes(const std::vector<uint8_t>& bytes, at::IntArrayRef shape, at::Device device) {
  return at::from_blob(const_cast<uint8_t*>(bytes.data()), shape, at::kByte).to(device).to(at::kFloat);
}

}  // namespace

Patches OpenPatches(const SpecialistInput& input, std::span<const Augmentation> augmentations,
                    at::Device device) {
  Patches patches;
  patches.luma = Bytes(input.patches.luma,
                       {input.count, kPatchFrames, kComparedPlaces, kPatchPixels, kPatchPixels}, device);
  if (!augmentations.empty()) {
    patches.luma = FlipWhereDrawn(patches.luma, augmentations);
  }
  if (input.patches.quantisers.empty()) return patches;
  const at::Tensor blocks =
      Bytes(input.patches.quantisers,
            {input.count, kPatchFrames, kComparedPlaces, int64_t{kPatchBlocks} * kPatchBlocks}, device);
  const at::Tensor known = blocks.lt(255).to(at::kFloat);
  patches.quantisers = blocks.mul(known).sum(3).div(known.sum(3).clamp_min(1));
  patches.quantisers_known = known.mean(3);
  return patches;
}

at::Tensor FlipWhereDrawn(const at::Tensor& pictures, std::span<const Augmentation> augmentations) {
  std::vector<int64_t> shape(static_cast<size_t>(pictures.dim()), 1);
  shape[0] = pictures.size(0);
  at::Tensor flips = at::zeros(shape, at::kBool);
  for (size_t i = 0; i < augmentations.size(); ++i) flips.data_ptr<bool>()[i] = augmentations[i].flip;
  return at::where(flips.to(pictures.device()), pictures.flip({pictures.dim() - 1}), pictures);
}

int64_t CanvasPatchSide(int64_t side) {
  const int64_t room = (side / 2 - kAlignment) / kAlignment * kAlignment;
  return std::clamp<int64_t>(room, kAlignment, kPatchPixels);
}

at::Tensor Canvas(const at::Tensor& maps, int64_t side) {
  const int64_t half = side / 2;
  at::Tensor canvas = at::zeros({maps.size(0), maps.size(3), side, side}, maps.options());
  for (int64_t frame = 0; frame < kCanvasFrames; ++frame) {
    for (int64_t place = 0; place < kComparedPlaces; ++place) {
      canvas.narrow(2, frame * half, maps.size(4))
          .narrow(3, place * half, maps.size(5))
          .copy_(maps.select(1, frame).select(1, place));
    }
  }
  return canvas;
}

at::Tensor CanvasPictures(const at::Tensor& luma, int64_t side, int64_t part) {
  const at::Tensor parts = luma.narrow(3, 0, part).narrow(4, 0, part);
  const at::Tensor normalised = parts.div(255).sub_(kMean).div_(kDeviation).unsqueeze(3);
  return Canvas(normalised, side).expand({-1, 3, -1, -1}).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor CentreWeights(int64_t length, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  // The zero at the beginning of a periodic window of one more is left out.
  const at::Tensor window = at::hann_window(length + 1, /*periodic=*/true, options).narrow(0, 1, length);
  return window.div(window.sum());
}

at::Tensor InnerMinusRing(const at::Tensor& values) {
  return values.select(2, 0).sub(values.select(2, 1)).mean(1);
}

at::Tensor InnerAndDifference(const at::Tensor& values) {
  return at::cat({values.select(2, 0).mean(1), InnerMinusRing(values)}, 1);
}

at::Tensor BlockTransform() {
  at::Tensor kernels = at::zeros({kBlock * kBlock, 1, kBlock, kBlock}, at::kFloat);
  float* out = kernels.data_ptr<float>();
  const auto wave = [](int64_t k, int64_t n) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / kBlock);
    return scale * std::cos(std::numbers::pi * static_cast<double>(k * (2 * n + 1)) / (2.0 * kBlock));
  };
  for (int64_t k = 0; k < kBlock * kBlock; ++k) {
    for (int64_t n = 0; n < kBlock * kBlock; ++n) {
      *out++ = static_cast<float>(wave(k / kBlock, n / kBlock) * wave(k % kBlock, n % kBlock));
    }
  }
  return kernels;
}

}  // namespace interceptor::worker
