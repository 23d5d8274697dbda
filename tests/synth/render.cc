#include "tests/synth/render.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace interceptor::synth {
namespace {

constexpr double kInnerFace = 0.86;  // brows to chin, without ears and neck
constexpr double kWholeHead = 1.42;  // with hair; the path never leaves it within two frames
const cv::Point kForeignGrid(3, 5);

class Renderer {
 public:
  Renderer(const Take& take, const ClipRecipe& recipe, RandomKey noise)
      : take_(take),
        plant_(recipe.planting),
        benign_(recipe.benign),
        noise_(noise),
        size_(take.frames[0].size()),
        inner_(take.faces[0], plant_.elsewhere ? kInnerFace * 0.8 : kInnerFace, plant_.strength.seam_px),
        head_(take.faces[0], plant_.elsewhere ? 0.8 : kWholeHead, plant_.strength.seam_px) {
    gain_ = benign_.colour_gain;
    if (!plant_.Has(Kind::kBg)) return;
    const Region region = inner_.At(CentreAt(0), size_);
    tint_ = TintGain(take_.frames[0], region, plant_.strength.colour_rms);
    cv::Mat tinted = take_.frames[0].clone();
    Tint(tinted, region);
    // The clip keeps its mean colour: what the face gained, the whole frame gives back.
    const cv::Scalar before = cv::mean(take_.frames[0]), after = cv::mean(tinted);
    for (int c = 0; c < 3; ++c) gain_[c] *= before[c] / std::max(1.0, after[c]);
  }

  cv::Mat Frame(int index, double& colour_psnr_db) {
    const int shown = ShownAt(index);
    cv::Mat frame = take_.frames[index].clone();
    if (shown != index) {
      const Region head = head_.At(CentreAt(index), size_);
      Blend(frame, take_.frames[shown](head.box), head);
    }
    const Region region = inner_.At(CentreAt(shown), size_);
    const cv::Mat noise = NoiseField(size_, noise_, index);
    const double sigma = take_.noise_sigma * benign_.noise_gain;
    const cv::Mat clean = frame.clone();
    Film(frame, noise, sigma);
    if (plant_.Has(Kind::kLl) && sigma > 0) {
      // The face is of another camera; what was done to the footage was done to both.
      cv::Mat other = clean;
      Film(other, noise, sigma * plant_.strength.noise_factor);
      Blend(frame, other(region.box), region);
    } else if (plant_.Has(Kind::kLl)) {
      ScaleNoise(frame, noise, region, take_.picture_noise, plant_.strength.noise_factor);
    }
    if (plant_.Has(Kind::kBg)) {
      const cv::Mat before = frame.clone();
      Tint(frame, region);
      colour_psnr_db = std::min(colour_psnr_db, ChangedPixelsPsnr(before, frame));
    }
    if (plant_.Has(Kind::kRr))
      Reduce(frame, region, plant_.strength.reduce_factor, plant_.strength.sharpening);
    if (plant_.Has(Kind::kCm)) Recompress(frame, region, plant_.strength.recompress_quality, kForeignGrid);
    ApplyGain(frame, gain_);
    return frame;
  }

 private:
  // Sensor noise, then what had been done to the footage before anything was planted in it.
  void Film(cv::Mat& frame, const cv::Mat& noise, double sigma) const {
    AddNoise(frame, noise, sigma);
    const Region whole = WholeFrame(size_);
    if (benign_.reduce_factor > 1) Reduce(frame, whole, benign_.reduce_factor, benign_.sharpening);
    if (benign_.recompress_quality > 0) Recompress(frame, whole, benign_.recompress_quality, {0, 0});
  }

  int ShownAt(int index) const {
    if (!plant_.Has(Kind::kTm)) return index;
    const Strength& strength = plant_.strength;
    return ScrambledFrame(index, static_cast<int>(take_.frames.size()), strength.lag_frames,
                          strength.scrambled_share);
  }

  cv::Point CentreAt(int index) const {
    if (!plant_.elsewhere) return take_.faces[index].centre;
    return {cvRound(plant_.elsewhere->x * size_.width), cvRound(plant_.elsewhere->y * size_.height)};
  }

  void Tint(cv::Mat& frame, const Region& region) const {
    if (region.box.empty()) return;
    cv::Mat box = frame(region.box).clone();
    ApplyGain(box, tint_);
    Blend(frame, box, region);
  }

  const Take& take_;
  const Planting& plant_;
  const Benign& benign_;
  const RandomKey noise_;
  const cv::Size size_;
  const RegionShape inner_, head_;
  std::array<double, 3> gain_, tint_ = {1, 1, 1};
};

}  // namespace

int ScrambledFrame(int frame, int frames, int lag_frames, double scrambled_share) {
  if (lag_frames > 0) return std::max(0, frame - lag_frames);
  constexpr int kOrder[3] = {0, 2, 1};
  const int triple = frame / 3;
  const bool scrambled = std::floor((triple + 1) * scrambled_share) > std::floor(triple * scrambled_share);
  if (!scrambled) return frame;
  const int shown = triple * 3 + kOrder[frame % 3];
  return shown < frames ? shown : frame;
}

RenderedClip RenderPicture(const Take& take, const ClipRecipe& recipe, RandomKey noise) {
  Renderer renderer(take, recipe, noise);
  RenderedClip clip{.frames = {}, .colour_psnr_db = std::numeric_limits<double>::infinity()};
  for (int k = 0; k < static_cast<int>(take.frames.size()); ++k) {
    clip.frames.push_back(renderer.Frame(k, clip.colour_psnr_db));
  }
  return clip;
}

std::vector<float> RenderSound(const Take& take, const ClipRecipe& recipe, int rate) {
  const double length_s = take.shape.frames / take.shape.frames_per_second;
  double begin_s = take.sound_begin_s + recipe.benign.sound_offset_s;
  if (recipe.planting.Has(Kind::kAv)) begin_s += recipe.planting.strength.sound_shift_s;
  return take.sound->Samples(begin_s, static_cast<int>(std::lround(length_s * rate)), rate,
                             recipe.benign.sound_level);
}

}  // namespace interceptor::synth
