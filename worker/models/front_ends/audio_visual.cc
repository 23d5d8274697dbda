// AV: do mouth and sound belong together? The mouth follows the loudness of speech, two to six times a second; where
// the sound is another's or another time's, they agree at no lag or at a distant one. Correlation by lag
// after Chung, Zisserman, "Out of time: automated lip sync in the wild", 2016; of every part of the picture
// alike, whatever its sign, after Hershey, Movellan, "Audio vision: using audio-visual synchrony to locate
// sounds", 1999.
#include <algorithm>
#include <vector>

#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kNear = 2;    // lags that cameras and containers leave between mouth and sound
constexpr int64_t kDrift = 25;  // frames of the moving mean that is taken away: slower than syllables
constexpr int64_t kLags = 2 * kSyncLags + 1;
constexpr int64_t kShown = 4;  // mouths that the backbone sees

// Frames by which the sound of speech follows the mouth at most: lips open 0.1 s or more before they are
// heard (Chandrasekaran et al., "The natural statistics of audiovisual speech", 2009).
constexpr int64_t kLead = 5;
constexpr int64_t kCellPixels = 12;  // of the mouth

// [samples, signals, frames] without slow drift, of unit deviation; silence and a still mouth stay near zero.
at::Tensor Standardise(const at::Tensor& signals, double floor) {
  const at::Tensor mean =
      at::avg_pool1d(signals, kDrift, 1, kDrift / 2, /*ceil_mode=*/false, /*count_include_pad=*/false);
  const at::Tensor centred = signals.sub(mean);
  return centred.div(centred.square().mean(2, true).add(floor * floor).sqrt());
}

// [samples, signals of the mouth, bands, kLags]: positive lags where the sound is late.
at::Tensor Correlations(const at::Tensor& mouth, const at::Tensor& sound) {
  std::vector<at::Tensor> lags;
  for (int64_t lag = -kSyncLags; lag <= kSyncLags; ++lag) {
    const int64_t shared = kMouthFrames - std::abs(lag);
    const at::Tensor m = mouth.narrow(2, std::max<int64_t>(0, -lag), shared);
    const at::Tensor s = sound.narrow(2, std::max<int64_t>(0, lag), shared);
    lags.push_back(at::matmul(m, s.transpose(1, 2)).div(static_cast<double>(shared)));
  }
  return at::stack(lags, 3);
}

class AudioVisualFrontEnd : public FrontEnd {
 public:
  AudioVisualFrontEnd(FrontEndMode mode, at::Device device) : mode_(mode), device_(device) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor mouth = Mouth(input, augmentations);
    NetworkInput out = {.pictures = Pictures(mouth, side), .map = {}, .figures = {}};
    if (mode_ != FrontEndMode::kViewsOnly) {
      out.figures = Figures(Curves(MouthSignals(mouth), SoundBands(Sound(input))));
    }
    return out;
  }

  // How much more the light of the mouth's parts goes with the sound, or against it, at distant lags than at
  // those of speech.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor cells =
        at::avg_pool2d(Mouth(input, augmentations), kCellPixels).flatten(2).transpose(1, 2);
    const at::Tensor curve = Curves(cells, SoundBands(Sound(input))).abs_().mean({1, 2});
    // Lags beside those of speech are neither.
    constexpr int64_t kBefore = kSyncLags - kNear;
    constexpr int64_t kAfter = kSyncLags + kLead + kNear + 1;
    const at::Tensor distant =
        at::cat({curve.narrow(1, 0, kBefore), curve.narrow(1, kAfter, kLags - kAfter)}, 1);
    return distant.mean(1).sub(curve.narrow(1, kSyncLags, kLead + 1).mean(1));
  }

 private:
  at::Tensor Mouth(const SpecialistInput& input, std::span<const Augmentation> augmentations) const {
    const at::Tensor mouth = at::from_blob(const_cast<uint8_t*>(input.windows.mouth.data()),
                                           {input.count, kMouthFrames, kMouthPixels, kMouthPixels}, at::kByte)
                                 .to(device_)
                                 .to(at::kFloat);
    return augmentations.empty() ? mouth : FlipWhereDrawn(mouth, augmentations);
  }

  at::Tensor Sound(const SpecialistInput& input) const {
    return at::from_blob(const_cast<float*>(input.windows.log_mel.data()),
                         {input.count, kMouthFrames, kMelColumns / kMouthFrames, kMelBands}, at::kFloat)
        .to(device_)
        .mean(2);
  }

  static at::Tensor Pictures(const at::Tensor& mouth, int side) {
    std::vector<at::Tensor> shown;
    for (int64_t i = 0; i < kShown; ++i)
      shown.push_back(mouth.select(1, (2 * i + 1) * kMouthFrames / (2 * kShown)));
    const int64_t part = CanvasPatchSide(side);
    const at::Tensor four = at::stack(shown, 1);
    const at::Tensor scaled =
        part == kMouthPixels ? four : at::upsample_bilinear2d(four, {part, part}, false);
    return CanvasPictures(scaled.reshape({-1, 2, 2, part, part}), side, part);
  }

  // How dark the mouth's middle is, how much moves there, and how much edge it has.
  static at::Tensor MouthSignals(const at::Tensor& mouth) {
    const at::Tensor middle =
        mouth.narrow(2, kMouthPixels / 4, kMouthPixels / 2).narrow(3, kMouthPixels / 4, kMouthPixels / 2);
    const at::Tensor dark = middle.mean({2, 3}).neg();
    const at::Tensor moves = middle.diff(1, 1).abs_().mean({2, 3});
    const at::Tensor edges = middle.diff(1, 2).abs_().mean({2, 3});
    // The first frame moves as the second does.
    return at::stack({dark, at::cat({moves.narrow(1, 0, 1), moves}, 1), edges}, 1);
  }

  // All of the spectrum, and its lower, middle and upper third.
  static at::Tensor SoundBands(const at::Tensor& sound) {
    constexpr int64_t kThird = kMelBands / 3;
    return at::stack(
        {sound.mean(2), sound.narrow(2, 0, kThird).mean(2), sound.narrow(2, kThird, kThird).mean(2),
         sound.narrow(2, kMelBands - kThird, kThird).mean(2)},
        1);
  }

  static at::Tensor Curves(const at::Tensor& signals, const at::Tensor& bands) {
    return Correlations(Standardise(signals, 0.3), Standardise(bands, 0.2));
  }

  static at::Tensor Figures(const at::Tensor& curves) {
    const at::Tensor flat = curves.reshape({-1, int64_t{kMouthSignals} * kSoundBands, kLags});
    const auto [best, where] = flat.max(2);
    const at::Tensor away = where.sub(kSyncLags).abs_().to(at::kFloat).div_(kSyncLags);
    const at::Tensor near = flat.narrow(2, kSyncLags - kNear, 2 * kNear + 1).amax(2);
    return at::cat({flat.flatten(1), best, away, near}, 1).mul_(2);
  }

  const FrontEndMode mode_;
  const at::Device device_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeAudioVisualFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<AudioVisualFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
