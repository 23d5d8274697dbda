// What each front end says of pictures in which exactly one thing is wrong, and that it stays finite where there is
// nothing to see.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "tests/support/catch.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/torch.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

const at::Device kCpu(at::kCPU);
constexpr int kSide = 64;  // of face crops

// Smooth structure and fine grain, 0 to 255; `shift` moves the structure along x.
at::Tensor Texture(int64_t height, int64_t width, uint64_t seed, double shift = 0, double grain = 4) {
  const RandomKey key = MakeRandomKey(seed, "texture");
  at::Tensor picture = at::zeros({height, width}, at::kFloat);
  float* out = picture.data_ptr<float>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      double value = 120;
      for (uint64_t wave = 0; wave < 12; ++wave) {
        const double fx = 0.02 + 0.25 * RandomUniform(key, 3 * wave);
        const double fy = 0.02 + 0.25 * RandomUniform(key, 3 * wave + 1);
        value += 9 * std::sin(6.2832 * (fx * (static_cast<double>(x) - shift) + fy * static_cast<double>(y) +
                                        RandomUniform(key, 3 * wave + 2)));
      }
      *out++ =
          static_cast<float>(value + grain * RandomNormal(key, static_cast<uint64_t>(1000 + y * width + x)));
    }
  }
  return picture;
}

template <typename Bytes>
void Append(const at::Tensor& picture, Bytes& out) {
  const at::Tensor bytes = picture.round().clamp(0, 255).to(at::kByte).contiguous();
  out.insert(out.end(), bytes.data_ptr<uint8_t>(), bytes.data_ptr<uint8_t>() + bytes.numel());
}

// One sample of patches; `change` is applied to the inner face.
SpecialistInput PatchInput(uint64_t seed, const std::function<at::Tensor(at::Tensor)>& change) {
  SpecialistInput input = {.count = 1, .usable = {1}};
  for (uint64_t frame = 0; frame < kPatchFrames; ++frame) {
    Append(change(Texture(kPatchPixels, kPatchPixels, seed + 10 * frame)), input.patches.luma);
    Append(Texture(kPatchPixels, kPatchPixels, seed + 10 * frame + 5), input.patches.luma);
  }
  input.patches.quantisers.assign(size_t{kPatchFrames} * kComparedPlaces * kPatchBlocks * kPatchBlocks, 24);
  input.face_crop.side = kSide;
  input.face_crop.rgb.assign(size_t{kSide} * kSide * 3, 100);
  return input;
}

at::Tensor Same(at::Tensor picture) { return picture; }

// 8x8 cosine quantisation at the grid offset (3, 5).
at::Tensor Recompress(const at::Tensor& picture) {
  at::Tensor out = picture.clone();
  at::Tensor inside = out.narrow(0, 3, 88).narrow(1, 5, 88);
  at::Tensor basis = at::zeros({8, 8}, at::kFloat);
  for (int k = 0; k < 8; ++k) {
    for (int n = 0; n < 8; ++n)
      basis[k][n] = std::sqrt((k == 0 ? 1.0 : 2.0) / 8) * std::cos(M_PI * k * (2 * n + 1) / 16);
  }
  const at::Tensor blocks = inside.reshape({11, 8, 11, 8}).permute({0, 2, 1, 3});
  const at::Tensor coefficients = at::matmul(at::matmul(basis, blocks), basis.t()).div(18).round().mul(18);
  inside.copy_(
      at::matmul(at::matmul(basis.t(), coefficients), basis).permute({0, 2, 1, 3}).reshape({88, 88}));
  return out;
}

at::Tensor DownAndUp(const at::Tensor& picture) {
  const at::Tensor batch = picture.view({1, 1, kPatchPixels, kPatchPixels});
  return at::upsample_bilinear2d(at::upsample_bilinear2d(batch, {56, 56}, false),
                                 {kPatchPixels, kPatchPixels}, false)
      .view({kPatchPixels, kPatchPixels});
}

at::Tensor Noisier(const at::Tensor& picture) {
  return picture.add(
      Texture(kPatchPixels, kPatchPixels, 99, 0, 8).sub(Texture(kPatchPixels, kPatchPixels, 99, 0, 0)));
}

// A burst in which the whole picture moves; the face's frames stand in the given order.
SpecialistInput BurstInput(uint64_t seed, bool in_order) {
  SpecialistInput input = {.count = 1, .usable = {1}};
  for (int frame = 0; frame < kBurstFrames; ++frame) {
    constexpr int kScrambled[] = {0, 2, 1};
    const int shown = in_order ? frame : std::min(frame / 3 * 3 + kScrambled[frame % 3], kBurstFrames - 1);
    at::Tensor picture = Texture(kBurstPixels, kBurstPixels, seed, 1.5 * frame, 1);
    const int64_t from = kBurstPixels / 5;
    const int64_t face = kBurstPixels - 2 * from;
    picture.narrow(0, from, face)
        .narrow(1, from, face)
        .copy_(Texture(kBurstPixels, kBurstPixels, seed, 1.5 * shown, 1)
                   .narrow(0, from, face)
                   .narrow(1, from, face));
    Append(picture, input.bursts.luma);
  }
  return input;
}

// A mouth that is dark where the sound is loud, `late` frames after it.
SpecialistInput MouthInput(uint64_t seed, int late) {
  SpecialistInput input = {.count = 1, .usable = {1}};
  const RandomKey key = MakeRandomKey(seed, "speech");
  const auto loudness = [&](double second) {
    double level = 0;
    for (uint64_t wave = 0; wave < 5; ++wave)
      level += std::sin(6.2832 * ((2 + static_cast<double>(wave)) * second + RandomUniform(key, wave)));
    return level;
  };
  for (int frame = 0; frame < kMouthFrames; ++frame) {
    at::Tensor mouth = Texture(kMouthPixels, kMouthPixels, seed);
    mouth.narrow(0, 24, 48).narrow(1, 24, 48).sub_(12 * loudness((frame - late) * kMouthPeriodSeconds));
    Append(mouth, input.windows.mouth);
  }
  for (int column = 0; column < kMelColumns; ++column) {
    for (int band = 0; band < kMelBands; ++band)
      input.windows.log_mel.push_back(static_cast<float>(loudness(column * kMouthPeriodSeconds / 4)));
  }
  return input;
}

double StatisticOf(SpecialistName specialist, const SpecialistInput& input) {
  return MakeFrontEnd(specialist, FrontEndMode::kSpecialist, kCpu)->Statistic(input, {}).item<double>();
}

CATCH_TEST_CASE("each statistic grows with what its specialist is named for") {
  for (const uint64_t seed : {1, 2, 3}) {
    CATCH_CHECK(StatisticOf(SpecialistName::kCM, PatchInput(seed, Recompress)) >
                StatisticOf(SpecialistName::kCM, PatchInput(seed, Same)));
    CATCH_CHECK(StatisticOf(SpecialistName::kRR, PatchInput(seed, DownAndUp)) >
                StatisticOf(SpecialistName::kRR, PatchInput(seed, Same)));
    CATCH_CHECK(StatisticOf(SpecialistName::kLL, PatchInput(seed, Noisier)) >
                StatisticOf(SpecialistName::kLL, PatchInput(seed, Same)));
    CATCH_CHECK(StatisticOf(SpecialistName::kTM, BurstInput(seed, false)) >
                StatisticOf(SpecialistName::kTM, BurstInput(seed, true)));
    CATCH_CHECK(StatisticOf(SpecialistName::kAV, MouthInput(seed, 9)) >
                StatisticOf(SpecialistName::kAV, MouthInput(seed, 1)));
  }
}

// One sample of a real clip, of the views that the specialist's statistic reads.
SpecialistInput Untouched(SpecialistName specialist, uint64_t seed) {
  if (specialist == SpecialistName::kTM) return BurstInput(seed, true);
  if (specialist == SpecialistName::kAV) {
    // With its own sound the statistic is 0 in every clip.
    SpecialistInput input = MouthInput(seed, 0);
    input.windows.log_mel = MouthInput(seed + 1000, 0).windows.log_mel;
    return input;
  }
  SpecialistInput input = PatchInput(seed, Same);
  input.face_crop.rgb.clear();
  const at::Tensor luma = Texture(kSide, kSide, seed);
  // Faces differ in how much their colours vary.
  const double colourful = 0.06 * std::pow(2.0, RandomUniform(MakeRandomKey(seed, "colourful"), 0) * 4);
  std::vector<at::Tensor> channels;
  for (uint64_t channel = 1; channel <= 3; ++channel)
    channels.push_back(luma.add(Texture(kSide, kSide, seed + 1000 * channel).sub(120).mul(colourful)));
  Append(at::stack(channels, 2), input.face_crop.rgb);
  return input;
}

// What the whitelist allows, one augmentation at a time.
std::vector<AugmentationWhitelist> Alone(const AugmentationWhitelist& all) {
  std::vector<AugmentationWhitelist> each;
  if (all.flip) each.push_back({.flip = true});
  if (all.colour) each.push_back({.colour = true});
  if (all.darken) each.push_back({.darken = true});
  if (all.rescale) each.push_back({.rescale = true});
  if (all.compress) each.push_back({.compress = true});
  if (all.noise > 0) each.push_back({.noise = all.noise, .noise_share = 1});
  return each;
}

// The first that does something, of full strength.
Augmentation DrawActive(const AugmentationWhitelist& whitelist, uint64_t seed) {
  for (uint64_t time = 0;; ++time) {
    const Augmentation a = DrawAugmentation(MakeRandomKey(seed, "active", {time}), whitelist, 1);
    const bool recolours = a.contrast != 1 || a.gamma != 1;
    if (a.flip || recolours || a.rescale != 1 || a.quantisation > 0 || a.noise > 0) return a;
  }
}

// The noise of a statistic is its deviation over samples that nothing was done to. An augmentation moves it by the root of
// the mean square of what it changes of each sample's.
CATCH_TEST_CASE("no augmentation on a whitelist moves the statistic by more than its noise") {
  constexpr uint64_t kSamples = 16;
  for (const SpecialistName specialist : kAllSpecialists) {
    const auto front_end = MakeFrontEnd(specialist, FrontEndMode::kSpecialist, kCpu);
    const std::vector<AugmentationWhitelist> whitelists = Alone(TraitsOf(specialist).whitelist);
    at::Tensor plain = at::zeros({kSamples}, at::kDouble);
    at::Tensor augmented = at::zeros({static_cast<int64_t>(whitelists.size()), kSamples}, at::kDouble);
    for (uint64_t seed = 0; seed < kSamples; ++seed) {
      const SpecialistInput input = Untouched(specialist, seed);
      const auto at = static_cast<int64_t>(seed);
      plain[at] = front_end->Statistic(input, {}).item<double>();
      for (size_t i = 0; i < whitelists.size(); ++i) {
        const Augmentation drawn = DrawActive(whitelists[i], seed);
        augmented[static_cast<int64_t>(i)][at] = front_end->Statistic(input, {&drawn, 1}).item<double>();
      }
    }
    const double noise = plain.std().item<double>();
    CATCH_CHECK(noise > 0);
    const at::Tensor moved = augmented.sub(plain).square().mean(1).sqrt();
    CATCH_INFO(ToString(specialist) << ": noise " << noise << ", moved by " << moved);
    CATCH_CHECK(moved.max().item<double>() <= noise);
  }
}

CATCH_TEST_CASE("what the ring shows hides neither a second compression nor a reduced face") {
  for (const uint64_t seed : {1, 2, 3}) {
    const auto beside = [&](double grain, const std::function<at::Tensor(at::Tensor)>& change) {
      SpecialistInput input = PatchInput(seed, change);
      std::vector<uint8_t> ring;
      Append(Texture(kPatchPixels, kPatchPixels, seed, 0, grain), ring);
      const auto size = std::ssize(ring);
      for (int64_t frame = 0; frame < kPatchFrames; ++frame)
        std::ranges::copy(ring, input.patches.luma.begin() + (2 * frame + 1) * size);
      return input;
    };
    const std::pair<SpecialistName, at::Tensor (*)(const at::Tensor&)> operations[] = {
        {SpecialistName::kCM, Recompress}, {SpecialistName::kRR, DownAndUp}};
    for (const auto& [specialist, change] : operations) {
      CATCH_CHECK(StatisticOf(specialist, beside(0, change)) > StatisticOf(specialist, beside(12, Same)));
      CATCH_CHECK(StatisticOf(specialist, beside(12, change)) > StatisticOf(specialist, beside(0, Same)));
    }
  }
}

CATCH_TEST_CASE("a second compression shows where its grid moves with the face") {
  for (const uint64_t seed : {1, 2, 3}) {
    int64_t frame = 0;
    const auto moving = [&](at::Tensor picture) {
      const int64_t by = 3 * frame++;
      return Recompress(picture.roll({by, by}, {0, 1})).roll({-by, -by}, {0, 1});
    };
    const double still = StatisticOf(SpecialistName::kCM, PatchInput(seed, Recompress));
    const double moved = StatisticOf(SpecialistName::kCM, PatchInput(seed, moving));
    const double none = StatisticOf(SpecialistName::kCM, PatchInput(seed, Same));
    CATCH_CHECK(moved - none > 0.7 * (still - none));
    // A fainter texture alone is none.
    const auto faint = [](at::Tensor picture) { return picture.sub(120).mul(0.6).add(120); };
    CATCH_CHECK(StatisticOf(SpecialistName::kCM, PatchInput(seed, faint)) - none < 0.3 * (still - none));
  }
}

// Redder towards its middle, as faces are; `cb` and `cr`, in levels, are added within an ellipse.
SpecialistInput BlendedInput(double cb, double cr) {
  constexpr int kPixels = 224;
  SpecialistInput input = {.count = 1, .usable = {1}, .face_crop = {.side = kPixels}};
  at::Tensor rgb = Texture(kPixels, kPixels, 5, 0, 2).div(3).add(80).unsqueeze(2).repeat({1, 1, 3});
  float* pixel = rgb.data_ptr<float>();
  for (int y = 0; y < kPixels; ++y) {
    for (int x = 0; x < kPixels; ++x, pixel += 3) {
      const double across = (x - 106) / 112.0;
      const double down = (y - 118) / 112.0;
      const double red = 20 - 15 * std::hypot(across, down);
      const double inside = std::clamp((0.5 - std::hypot(across, down / 1.3)) / 0.08, 0.0, 1.0);
      pixel[0] += static_cast<float>(1.402 * (red + cr * inside));
      pixel[1] -= static_cast<float>(0.714 * (red + cr * inside) + 0.344 * cb * inside);
      pixel[2] += static_cast<float>(1.772 * cb * inside);
    }
  }
  Append(rgb, input.face_crop.rgb);
  return input;
}

CATCH_TEST_CASE("a blended face shows whichever way its colour differs") {
  const double filmed = StatisticOf(SpecialistName::kBG, BlendedInput(0, 0));
  for (int turn = 0; turn < 6; ++turn) {
    const double angle = turn * M_PI / 3;
    CATCH_INFO(turn);
    CATCH_CHECK(StatisticOf(SpecialistName::kBG, BlendedInput(5 * std::cos(angle), 5 * std::sin(angle))) >
                1.2 * filmed);
  }
}

CATCH_TEST_CASE("sound fits a mouth that opens before it, dark or light") {
  for (const uint64_t seed : {1, 2, 3}) {
    for (const bool light : {false, true}) {
      const auto of = [&](int late) {
        SpecialistInput input = MouthInput(seed, late);
        if (light) {
          for (uint8_t& pixel : input.windows.mouth) pixel = static_cast<uint8_t>(255 - pixel);
        }
        return StatisticOf(SpecialistName::kAV, input);
      };
      for (const int late : {-13, 7}) CATCH_CHECK(of(late) > of(-3));
      CATCH_CHECK(of(-3) < 0);
    }
  }
}

CATCH_TEST_CASE("a second compression shows at its own place of the grid") {
  const auto front_end = MakeFrontEnd(SpecialistName::kCM, FrontEndMode::kSpecialist, kCpu);
  const at::Tensor figures = front_end->Extract(PatchInput(7, Recompress), 224, {}).figures;
  const at::Tensor places =
      figures[0].narrow(0, 4 * 16 + 65, 64);  // after all phases and the inner face's places
  CATCH_CHECK(places.argmax().item<int64_t>() == 3 * 8 + 5);
}

// Everything at once, with a second sample that has nothing of it.
SpecialistInput Everything() {
  SpecialistInput input = PatchInput(1, Same);
  input.bursts = BurstInput(1, true).bursts;
  input.windows = MouthInput(1, 0).windows;
  input.count = 2;
  input.usable = {1, 0};
  input.patches.luma.resize(2 * input.patches.luma.size());
  input.patches.quantisers.resize(2 * input.patches.quantisers.size(), 255);
  input.bursts.luma.resize(2 * input.bursts.luma.size());
  input.windows.mouth.resize(2 * input.windows.mouth.size());
  input.windows.log_mel.resize(2 * input.windows.log_mel.size());
  input.face_crop.rgb.resize(2 * input.face_crop.rgb.size());
  return input;
}

CATCH_TEST_CASE("evidence has the shape that the network is built for, and is finite of nothing at all") {
  const SpecialistInput input = Everything();
  for (const SpecialistName specialist : kAllSpecialists) {
    CATCH_INFO(ToString(specialist));
    const EvidenceShape& shape = TraitsOf(specialist).evidence;
    for (const int side : {128, 224}) {
      const NetworkInput out =
          MakeFrontEnd(specialist, FrontEndMode::kSpecialist, kCpu)->Extract(input, side, {});
      CATCH_CHECK(out.pictures.sizes() == at::IntArrayRef({2, 3, side, side}));
      CATCH_CHECK(out.figures.sizes() == at::IntArrayRef({2, shape.figures}));
      CATCH_CHECK(at::isfinite(out.pictures).all().item<bool>());
      CATCH_CHECK(at::isfinite(out.figures).all().item<bool>());
      CATCH_CHECK(out.figures.abs().max().item<double>() < 100);
      if (shape.map_channels == 0) continue;
      const int64_t cells = side / (shape.map_stage == 0 ? 2 : 8);
      CATCH_CHECK(out.map.sizes() == at::IntArrayRef({2, shape.map_channels, cells, cells}));
      CATCH_CHECK(at::isfinite(out.map).all().item<bool>());
    }
    const NetworkInput plain =
        MakeFrontEnd(specialist, FrontEndMode::kViewsOnly, kCpu)->Extract(input, 128, {});
    CATCH_CHECK_FALSE(plain.figures.defined());
    CATCH_CHECK_FALSE(plain.map.defined());
  }
}

CATCH_TEST_CASE("at the start a front end's map changes nothing, and its gradient flows") {
  Network net(MakeArchitecture({.width_scale = 0.1, .depth_scale = 0.1, .front_end = "specialist"},
                               SpecialistName::kCM),
              SpecialistName::kCM, kCpu);
  net.backbone().Initialise(1, 1);
  net.backbone().TrackGradients();
  net.backbone().SetTrainable(kBackboneStages);  // the backbone is frozen
  const auto front_end = MakeFrontEnd(SpecialistName::kCM, FrontEndMode::kSpecialist, kCpu);
  NetworkInput input = front_end->Extract(PatchInput(1, Same), 128, {});
  const Logits logits = net.Forward(input, {});
  NetworkInput without = input;
  without.map = at::zeros_like(input.map);
  CATCH_CHECK(at::equal(net.Forward(without, {}).backbone, logits.backbone));
  logits.fused.sum().backward();
  const TensorPlace& join = net.architecture().Parameter("evidence.join.weight");
  CATCH_CHECK(
      net.backbone().arenas().gradients.narrow(0, join.offset, join.count).abs().sum().item<double>() > 0);
}

CATCH_TEST_CASE("the main label trains how the self-made output joins, and not that output") {
  Network net(MakeArchitecture(
                  {.width_scale = 0.1, .depth_scale = 0.1, .initial_weights = {}, .front_end = "specialist"},
                  SpecialistName::kRR),
              SpecialistName::kRR, kCpu);
  net.backbone().Initialise(1, 1);
  net.backbone().TrackGradients();
  net.backbone().SetTrainable(0);
  const auto front_end = MakeFrontEnd(SpecialistName::kRR, FrontEndMode::kSpecialist, kCpu);
  const NetworkInput input = front_end->Extract(PatchInput(1, Same), 64, {});
  const auto learns = [&](const std::string& name) {
    const TensorPlace& place = net.architecture().Parameter("evidence." + name);
    const at::Tensor& gradients = net.backbone().arenas().gradients;
    return gradients.narrow(0, place.offset, place.count).abs().sum().item<double>() > 0;
  };
  const at::Tensor labels = at::ones({1}, at::kLong);
  at::cross_entropy_loss(net.Forward(input, {}).fused, labels).backward();
  CATCH_CHECK_FALSE(learns("self_made.weight"));
  CATCH_CHECK_FALSE(learns("self_made.bias"));
  for (const char* name : {"self_made_join.weight", "classifier.weight", "vector.weight"})
    CATCH_CHECK(learns(name));
  net.backbone().arenas().gradients.zero_();
  at::log_sigmoid(net.SelfMadeLogits(input)).mean().neg().backward();
  for (const char* name : {"self_made.weight", "self_made.bias", "vector.weight"}) CATCH_CHECK(learns(name));
  CATCH_CHECK_FALSE(learns("self_made_join.weight"));
  CATCH_CHECK_FALSE(learns("classifier.weight"));
}

}  // namespace
}  // namespace interceptor::worker
