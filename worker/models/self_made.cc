#include "worker/models/self_made.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "worker/models/front_ends/box_mean.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/models/torch.h"
#include "worker/store/sample_views.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kBlock = 8;

// One draw after another.
class Draws {
 public:
  explicit Draws(RandomKey key) : key_(key) {}
  double Uniform(double low, double high) { return low + (high - low) * RandomUniform(key_, next_++); }
  bool Chance(double share) { return Uniform(0, 1) < share; }
  int64_t Integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(RandomIndex(key_, next_++, static_cast<uint64_t>(high - low + 1)));
  }
  at::Tensor Normal(at::IntArrayRef shape) {
    at::Tensor values = at::zeros(shape, at::kFloat);
    for (int64_t i = 0; i < values.numel(); ++i)
      values.data_ptr<float>()[i] = static_cast<float>(RandomNormal(key_, next_++));
    return values;
  }

 private:
  const RandomKey key_;
  uint64_t next_ = 0;
};

// A view's bytes as numbers, and back.
at::Tensor Open(const std::vector<uint8_t>& bytes, at::IntArrayRef shape) {
  return at::from_blob(const_cast<uint8_t*>(bytes.data()), shape, at::kByte).to(at::kFloat);
}

void Close(const at::Tensor& values, std::vector<uint8_t>& bytes) {
  const at::Tensor rounded = values.round().clamp_(0, 255).to(at::kByte).contiguous();
  std::copy_n(rounded.data_ptr<uint8_t>(), rounded.numel(), bytes.data());
}

// Pictures [n, side, side] through an 8x8 cosine quantiser whose blocks begin at (`left`, `top`) modulo 8; `steps`
// [64], row-major by vertical, then horizontal frequency. Border rows are repeated to whole blocks.
at::Tensor Quantise(const at::Tensor& pictures, const at::Tensor& steps, int64_t left, int64_t top) {
  static const at::Tensor* const transform = new at::Tensor(BlockTransform());
  const int64_t side = pictures.size(1);
  const auto before = [](int64_t offset) { return (kBlock - offset % kBlock) % kBlock; };
  const auto after = [&](int64_t offset) {
    return kBlock - 1 - (side + before(offset) + kBlock - 1) % kBlock;
  };
  const at::Tensor padded =
      at::replication_pad2d(pictures.unsqueeze(1), {before(left), after(left), before(top), after(top)});
  const at::Tensor scale = steps.view({-1, 1, 1});
  const at::Tensor kept = at::conv2d(padded, *transform, {}, kBlock).div(scale).round_().mul(scale);
  return at::conv_transpose2d(kept, *transform, {}, kBlock)
      .squeeze(1)
      .narrow(1, before(top), side)
      .narrow(2, before(left), side);
}

// What every codec does: coarser steps for higher frequencies.
at::Tensor Steps(double lowest, double growth) {
  at::Tensor steps = at::zeros({kBlock * kBlock}, at::kFloat);
  for (int64_t k = 0; k < kBlock * kBlock; ++k)
    steps.data_ptr<float>()[k] =
        static_cast<float>(std::max(1.0, lowest + growth * static_cast<double>(k / kBlock + k % kBlock)));
  return steps;
}

// The last compression of a pair, on the coded grid.
at::Tensor CompressAtLast(const at::Tensor& pictures, double step) {
  return Quantise(pictures, Steps(step, 0), 0, 0);
}

// [side, side], 1 where a face is and soft at its border: an ellipse about the middle whose radius wavers with the
// angle. `least` and `most` of half the side.
at::Tensor FaceMask(int64_t side, double least, double most, Draws& draws) {
  const at::Tensor along = at::arange(side, at::kFloat).add_(0.5).div_(static_cast<double>(side) / 2).sub_(1);
  const at::Tensor x = along.sub(draws.Uniform(-0.08, 0.08)).div_(draws.Uniform(least, most));
  const at::Tensor y = along.sub(draws.Uniform(-0.08, 0.08)).div_(draws.Uniform(least, most)).unsqueeze(1);
  const at::Tensor angle = at::atan2(y.expand({side, side}), x.expand({side, side}));
  at::Tensor radius = x.square().add(y.square()).sqrt();
  for (int wave = 2; wave <= 4; ++wave) {
    const double reach = draws.Uniform(0, 0.08);
    radius =
        radius.mul(angle.mul(wave).add_(draws.Uniform(0, 2 * std::numbers::pi)).sin_().mul_(reach).add_(1));
  }
  return radius.sub_(1).mul_(-draws.Uniform(8, 40)).sigmoid_();
}

at::Tensor Blend(const at::Tensor& picture, const at::Tensor& altered, const at::Tensor& mask) {
  return picture.add(altered.sub(picture).mul(mask));
}

at::Tensor Smooth(const at::Tensor& pictures, int64_t window) {
  return BoxMean(pictures.unsqueeze(1), window).squeeze(1);
}

// `altered` with its fine detail as strong as the original's, by `share`: weak detail alone gives nothing away.
at::Tensor MatchDetail(const at::Tensor& original, const at::Tensor& altered, double share) {
  const at::Tensor detail = altered.sub(Smooth(altered, 3));
  const double wanted = original.sub(Smooth(original, 3)).norm().item<double>();
  const double ratio = std::clamp(wanted / std::max(1e-6, detail.norm().item<double>()), 0.5, 2.0);
  return altered.add(detail.mul(share * (ratio - 1)));
}

// Frames [kPatchFrames, side, side] of an inner face.
using Alteration = at::Tensor (*)(const at::Tensor& frames, Draws& draws);

// CM: compressed on another grid before.
at::Tensor Recompress(const at::Tensor& frames, Draws& draws) {
  const auto off_grid = [&] { return draws.Integer(0, 1) * 4 + draws.Integer(1, 3); };
  const double lowest = draws.Uniform(4, 14);
  const at::Tensor steps = Steps(lowest, draws.Uniform(0.5, 1.5) * lowest / 4);
  const int64_t left = off_grid();
  return MatchDetail(frames, Quantise(frames, steps, left, off_grid()), draws.Uniform(0, 1));
}

// RR: reduced and enlarged again.
at::Tensor Resample(const at::Tensor& frames, Draws& draws) {
  const int64_t side = frames.size(1);
  const double factor = std::exp(draws.Uniform(std::log(1.25), std::log(2.6)));
  const auto small = std::lround(static_cast<double>(side) / factor);
  const at::Tensor reduced = at::adaptive_avg_pool2d(frames.unsqueeze(1), {small, small});
  const at::Tensor enlarged = draws.Chance(0.7) ? at::upsample_bicubic2d(reduced, {side, side}, false)
                                                : at::upsample_bilinear2d(reduced, {side, side}, false);
  return MatchDetail(frames, enlarged.squeeze(1), draws.Uniform(0, 1));
}

// LL: another noise. Its present deviation by Immerkaer's estimate, "Fast noise variance estimation", 1996.
at::Tensor AnotherNoise(const at::Tensor& frames, Draws& draws) {
  if (draws.Chance(0.5)) {
    const double kept = draws.Uniform(0.35, 0.75);
    return frames.mul(kept).add(Smooth(Smooth(frames, 3), 3), 1 - kept);
  }
  const at::Tensor across = frames.diff(2, 1).diff(2, 2);
  const double present = std::clamp(across.abs().median().item<double>() / (6 * 0.6745), 0.7, 8.0);
  const double factor = draws.Uniform(1.3, 2.2);
  return frames.add(draws.Normal(frames.sizes()), present * std::sqrt(factor * factor - 1));
}

void AlterPatches(Alteration alter, SpecialistInput& input, RandomKey key) {
  at::Tensor luma =
      Open(input.patches.luma, {input.count, kPatchFrames, kComparedPlaces, kPatchPixels, kPatchPixels});
  const int64_t pairs = input.count / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    Draws draws(MakeRandomKey(key.value, "local operation", {static_cast<uint64_t>(i)}));
    const double step = draws.Uniform(3, 9);
    const at::Tensor mask = FaceMask(kPatchPixels, 0.6, 1.3, draws);
    at::Tensor inner = luma[pairs + i].select(1, 0);
    inner.copy_(Blend(inner, alter(inner.contiguous(), draws), mask));
    for (const int64_t sample : {i, pairs + i}) {
      at::Tensor all = luma[sample];
      all.copy_(CompressAtLast(all.reshape({-1, kPatchPixels, kPatchPixels}), step).view(all.sizes()));
    }
  }
  Close(luma, input.patches.luma);
}

// Turned, moved and scaled a little, and more or less sharp.
at::Tensor Misplace(const at::Tensor& rgb, Draws& draws) {
  const int64_t side = rgb.size(1);
  const double angle = draws.Uniform(-0.03, 0.03);
  const double zoom = 1 / draws.Uniform(0.95, 1.05);
  const at::Tensor place =
      at::tensor({zoom * std::cos(angle), -zoom * std::sin(angle), draws.Uniform(-0.06, 0.06),
                  zoom * std::sin(angle), zoom * std::cos(angle), draws.Uniform(-0.06, 0.06)})
          .to(at::kFloat)
          .view({1, 2, 3});
  const at::Tensor grid = at::affine_grid_generator(place, {1, 3, side, side}, /*align_corners=*/false);
  const at::Tensor face =
      at::grid_sampler(rgb.unsqueeze(0), grid, /*bilinear*/ 0, /*border*/ 1, false).squeeze(0);
  const at::Tensor smooth = Smooth(face, 3);
  return smooth.add(face.sub(smooth).mul(draws.Uniform(0.4, 1.6)));
}

// BG: the face of another picture, which is this one in other colours, every other time moved besides: a blend that
// fits well shows by its colours alone.
at::Tensor AnotherFace(const at::Tensor& rgb, Draws& draws) {
  const at::Tensor face = draws.Chance(0.5) ? Misplace(rgb, draws) : rgb.clone();
  const double reach = draws.Uniform(0.02, 0.12);
  for (int64_t channel = 0; channel < 3; ++channel) {
    face.select(0, channel).mul_(1 + draws.Uniform(-reach, reach)).add_(draws.Uniform(-60, 60) * reach);
  }
  return face;
}

void AlterFaceCrops(SpecialistInput& input, RandomKey key) {
  const int64_t side = input.face_crop.side;
  const at::Tensor rgb =
      Open(input.face_crop.rgb, {input.count, side, side, 3}).permute({0, 3, 1, 2}).contiguous();
  const int64_t pairs = input.count / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    Draws draws(MakeRandomKey(key.value, "blended", {static_cast<uint64_t>(i)}));
    const double step = draws.Uniform(3, 9);
    // The face's box is 0.6 of its crop.
    const at::Tensor mask = FaceMask(side, 0.4, 0.75, draws);
    at::Tensor altered = rgb[pairs + i];
    altered.copy_(Blend(altered, AnotherFace(altered, draws), mask));
    for (const int64_t sample : {i, pairs + i}) rgb[sample].copy_(CompressAtLast(rgb[sample], step));
  }
  Close(rgb.permute({0, 2, 3, 1}), input.face_crop.rgb);
}

// TM: which frame each one shows of the face. Late, or neighbours changed places.
std::vector<int64_t> AnotherOrder(Draws& draws) {
  std::vector<int64_t> order(kBurstFrames);
  const int64_t late = draws.Chance(0.4) ? draws.Integer(1, 3) : 0;
  const double share = draws.Uniform(0.25, 1);
  for (int64_t i = 0; i < kBurstFrames; ++i) order[i] = std::max<int64_t>(0, i - late);
  for (int64_t i = draws.Integer(0, 2); late == 0 && i + 2 < kBurstFrames; i += 3) {
    if (draws.Chance(share)) std::swap(order[i + 1], order[i + 2]);
  }
  return order;
}

void AlterBursts(SpecialistInput& input, RandomKey key) {
  const at::Tensor luma = Open(input.bursts.luma, {input.count, kBurstFrames, kBurstPixels, kBurstPixels});
  const int64_t pairs = input.count / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    Draws draws(MakeRandomKey(key.value, "drift", {static_cast<uint64_t>(i)}));
    const double step = draws.Uniform(3, 9);
    // From the inner face to the whole head.
    const at::Tensor mask = FaceMask(kBurstPixels, 0.4, 1, draws);
    at::Tensor altered = luma[pairs + i];
    altered.copy_(Blend(altered, altered.index_select(0, at::tensor(AnotherOrder(draws))), mask));
    for (const int64_t sample : {i, pairs + i}) luma[sample].copy_(CompressAtLast(luma[sample], step));
  }
  Close(luma, input.bursts.luma);
}

// Moves `frames` elements of `size` values by `shift` to the left or, negative, to the right; the last or first one
// is held. Nothing goes round, which would leave a seam.
template <typename T>
void Shift(std::span<T> values, int64_t frames, int64_t shift) {
  const auto size = std::ssize(values) / frames;
  const std::vector<T> before(values.begin(), values.end());
  for (int64_t i = 0; i < frames; ++i) {
    const int64_t from = std::clamp<int64_t>(i + shift, 0, frames - 1);
    std::copy_n(before.begin() + from * size, size, values.begin() + i * size);
  }
}

// AV: the sound of 0.12 to 0.8 s before or after. The unaltered one has mouth and sound moved together, so that
// both hold still for the same time.
void ShiftSound(SpecialistInput& input, RandomKey key) {
  const int64_t pairs = input.count / 2;
  const auto mouth_of = [&](int64_t sample) {
    constexpr int64_t kSize = int64_t{kMouthFrames} * kMouthPixels * kMouthPixels;
    return std::span(input.windows.mouth).subspan(sample * kSize, kSize);
  };
  const auto sound_of = [&](int64_t sample) {
    constexpr int64_t kSize = int64_t{kMelColumns} * kMelBands;
    return std::span(input.windows.log_mel).subspan(sample * kSize, kSize);
  };
  constexpr int64_t kColumnsPerFrame = kMelColumns / kMouthFrames;
  for (int64_t i = 0; i < pairs; ++i) {
    Draws draws(MakeRandomKey(key.value, "unsynchronised", {static_cast<uint64_t>(i)}));
    const int64_t shift = draws.Integer(3, 20) * (draws.Chance(0.5) ? 1 : -1);
    Shift(mouth_of(i), kMouthFrames, shift);
    Shift(sound_of(i), kMelColumns, shift * kColumnsPerFrame);
    Shift(sound_of(pairs + i), kMelColumns, shift * kColumnsPerFrame);
  }
}

void Alter(SpecialistName specialist, SpecialistInput& input, RandomKey key) {
  switch (specialist) {
    case SpecialistName::kBG:
      return AlterFaceCrops(input, key);
    case SpecialistName::kAV:
      return ShiftSound(input, key);
    case SpecialistName::kCM:
      return AlterPatches(Recompress, input, key);
    case SpecialistName::kRR:
      return AlterPatches(Resample, input, key);
    case SpecialistName::kLL:
      return AlterPatches(AnotherNoise, input, key);
    case SpecialistName::kTM:
      return AlterBursts(input, key);
  }
}

}  // namespace

SelfMade MakeSelfMade(SpecialistName specialist, const FrameBatch& batch, double share, RandomKey key) {
  const at::NoGradGuard no_grad;
  SelfMade made;
  const auto pairs = static_cast<size_t>(std::lround(share * batch.input.count / 2));
  for (const uint32_t place : RandomPermutation(key, static_cast<uint32_t>(batch.input.count))) {
    if (made.reals.size() < pairs && batch.is_fake[place] == 0 && batch.input.usable[place] != 0)
      made.reals.push_back(place);
  }
  if (made.reals.empty()) return made;
  std::vector<size_t> twice = made.reals;
  twice.insert(twice.end(), made.reals.begin(), made.reals.end());
  made.input = SelectSamples(batch.input, twice);
  Alter(specialist, made.input, key);
  return made;
}

}  // namespace interceptor::worker
