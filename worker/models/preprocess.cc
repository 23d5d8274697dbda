#include "worker/models/preprocess.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace interceptor::worker {
namespace {

constexpr int64_t kNoiseBank = int64_t{1} << 19;
constexpr uint64_t kNoiseSeed = 1;
constexpr int kBlock = 8;
constexpr int kAlignment = 16;
constexpr double kLuma[3] = {0.299, 0.587, 0.114};

// The orthonormal DCT-II of eight points.
at::Tensor MakeDct() {
  at::Tensor matrix = at::zeros({kBlock, kBlock}, at::kFloat);
  float* values = matrix.data_ptr<float>();
  for (int k = 0; k < kBlock; ++k) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / kBlock);
    for (int n = 0; n < kBlock; ++n) {
      values[k * kBlock + n] =
          static_cast<float>(scale * std::cos(std::numbers::pi * k * (2 * n + 1) / (2.0 * kBlock)));
    }
  }
  return matrix;
}

at::Tensor MakeNoiseBank() {
  const RandomKey key = MakeRandomKey(kNoiseSeed, "noise bank");
  at::Tensor bank = at::zeros({kNoiseBank}, at::kFloat);
  float* values = bank.data_ptr<float>();
  for (int64_t i = 0; i < kNoiseBank; ++i) values[i] = static_cast<float>(RandomNormal(key, i));
  return bank;
}

at::Tensor Resize(const at::Tensor& x, int64_t side) {
  if (x.size(2) == side && x.size(3) == side) return x;
  return at::upsample_bilinear2d(x, {side, side}, /*align_corners=*/false);
}

at::Tensor AlignedCrop(const at::Tensor& x, int side, std::span<const Augmentation> drawn) {
  const int64_t places = (x.size(2) - side) / kAlignment + 1;
  std::vector<at::Tensor> windows;
  for (size_t i = 0; i < drawn.size(); ++i) {
    const auto top = static_cast<int64_t>(drawn[i].crop_y * static_cast<double>(places)) * kAlignment;
    const auto left = static_cast<int64_t>(drawn[i].crop_x * static_cast<double>(places)) * kAlignment;
    windows.push_back(x[static_cast<int64_t>(i)].narrow(1, top, side).narrow(2, left, side));
  }
  return at::stack(windows);
}

}  // namespace

Preprocessor::Preprocessor(at::Device device)
    : device_(device),
      noise_bank_(MakeNoiseBank().to(device)),
      dct_(MakeDct().to(device)),
      mean_(at::tensor({0.485f, 0.456f, 0.406f}).view({1, 3, 1, 1}).to(device)),
      deviation_(at::tensor({0.229f, 0.224f, 0.225f}).view({1, 3, 1, 1}).to(device)) {}

at::Tensor Preprocessor::Run(const SpecialistInput& input, const Shape& shape,
                             std::span<const Augmentation> augmentations) const {
  return Normalise(RgbOf(input, shape, augmentations));
}

at::Tensor Preprocessor::Normalise(const at::Tensor& rgb) const {
  return rgb.sub(mean_).div_(deviation_).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor Preprocessor::RgbOf(const SpecialistInput& input, const Shape& shape,
                               std::span<const Augmentation> augmentations) const {
  const at::NoGradGuard no_grad;
  const int64_t side = input.face_crop.side;
  const at::Tensor bytes =
      at::from_blob(const_cast<uint8_t*>(input.face_crop.rgb.data()), {input.count, side, side, 3}, at::kByte)
          .to(device_);
  at::Tensor x = bytes.permute({0, 3, 1, 2}).to(at::kFloat).div_(255.0);
  const bool crop = shape.size_change == SizeChange::kAlignedCrop && shape.input_side < side;
  if (crop && !augmentations.empty()) {
    x = AlignedCrop(x, shape.input_side, augmentations);
  } else {
    x = Resize(x, shape.input_side);
  }
  return augmentations.empty() ? x : Degrade(FlipAndColour(x, augmentations), augmentations);
}

at::Tensor Preprocessor::FlipAndColour(at::Tensor x, std::span<const Augmentation> drawn) const {
  const auto count = static_cast<int64_t>(drawn.size());
  at::Tensor flips = at::zeros({count, 1, 1, 1}, at::kBool);
  at::Tensor matrices = at::zeros({count, 3, 3}, at::kFloat);
  at::Tensor offsets = at::zeros({count, 3, 1}, at::kFloat);
  at::Tensor gammas = at::ones({count, 1, 1, 1}, at::kFloat);
  bool any_colour = false;
  bool any_gamma = false;
  for (int64_t i = 0; i < count; ++i) {
    const Augmentation& a = drawn[i];
    flips.data_ptr<bool>()[i] = a.flip;
    gammas.data_ptr<float>()[i] = static_cast<float>(a.gamma);
    any_gamma |= a.gamma != 1;
    any_colour |= a.contrast != 1 || a.saturation != 1 || a.brightness != 0;
    // out = contrast (saturate(gain x) - 1/2) + 1/2 + brightness, saturation mixing with luma.
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) {
        const double mix = (row == column ? a.saturation : 0.0) + (1.0 - a.saturation) * kLuma[column];
        matrices.data_ptr<float>()[(i * 3 + row) * 3 + column] =
            static_cast<float>(a.contrast * mix * a.channel_gain[column]);
      }
      offsets.data_ptr<float>()[i * 3 + row] = static_cast<float>(0.5 - 0.5 * a.contrast + a.brightness);
    }
  }
  x = at::where(flips.to(device_), x.flip({3}), x);
  if (any_colour) {
    const auto sizes = x.sizes().vec();
    x = at::baddbmm(offsets.to(device_), matrices.to(device_), x.reshape({count, 3, -1})).view(sizes);
  }
  if (any_gamma) x = x.clamp(1e-4, 1.0).pow(gammas.to(device_));
  return x;
}

at::Tensor Preprocessor::Degrade(at::Tensor x, std::span<const Augmentation> drawn) const {
  const int64_t side = x.size(2);
  const int64_t values = 3 * side * side;
  x = x.contiguous();
  for (size_t i = 0; i < drawn.size(); ++i) {
    const Augmentation& a = drawn[i];
    at::Tensor picture = x.narrow(0, static_cast<int64_t>(i), 1);
    if (a.rescale < 1) {
      const auto smaller = std::max(int64_t{8}, static_cast<int64_t>(std::lround(side * a.rescale)));
      picture.copy_(Resize(Resize(picture, smaller), side));
    }
    if (a.quantisation > 0) picture.copy_(Quantise(picture, a.quantisation));
    if (a.noise > 0) picture.add_(Noise(a.noise_place, values).view({1, 3, side, side}), a.noise);
  }
  return x.clamp_(0.0, 1.0);
}

at::Tensor Preprocessor::Noise(double place, int64_t values) const {
  const int64_t places = values < kNoiseBank ? kNoiseBank - values : kNoiseBank;
  const auto begin = static_cast<int64_t>(place * static_cast<double>(places));
  if (begin + values <= kNoiseBank) return noise_bank_.narrow(0, begin, values);
  return noise_bank_.roll(-begin).repeat(values / kNoiseBank + 1).narrow(0, 0, values);
}

at::Tensor Preprocessor::Quantise(const at::Tensor& x, double step) const {
  const int64_t side = x.size(2);
  const int64_t blocks = (side + kBlock - 1) / kBlock;
  // As a codec does: the last row and column are repeated to whole blocks.
  const int64_t padding = blocks * kBlock - side;
  const at::Tensor padded = padding == 0 ? x : at::replication_pad2d(x, {0, padding, 0, padding});
  const at::Tensor tiles =
      padded.reshape({-1, blocks, kBlock, blocks, kBlock}).permute({0, 1, 3, 2, 4}).contiguous();
  const at::Tensor coefficients = at::matmul(at::matmul(dct_, tiles), dct_.t());
  const at::Tensor kept = coefficients.div(step).round_().mul_(step);
  return at::matmul(at::matmul(dct_.t(), kept), dct_)
      .permute({0, 1, 3, 2, 4})
      .reshape(padded.sizes())
      .narrow(2, 0, side)
      .narrow(3, 0, side);
}

}  // namespace interceptor::worker
