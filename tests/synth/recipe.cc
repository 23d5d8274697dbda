#include "tests/synth/recipe.h"

#include <algorithm>
#include <cmath>

namespace interceptor::synth {
namespace {

Strength DrawStrength(Draws& draws) {
  return {.colour_rms = draws.Uniform(11.0, 14.5),
          .sound_shift_s = draws.Sign() * draws.Uniform(0.3, 0.8),
          .recompress_quality = draws.Integer(28, 55),
          .reduce_factor = draws.Uniform(1.6, 2.4),
          .noise_factor = draws.Chance(0.5) ? draws.Uniform(0.4, 0.6) : draws.Uniform(1.6, 2.0),
          .lag = draws.Chance(0.4),
          .seam_px = draws.Uniform(2.0, 5.0)};
}

Benign DrawBenign(Draws& draws, double family_level) {
  Benign benign;
  for (double& gain : benign.colour_gain) gain = draws.Uniform(0.98, 1.02);
  if (draws.Chance(0.15)) benign.reduce_factor = draws.Uniform(1.2, 1.8);
  if (draws.Chance(0.15)) benign.recompress_quality = draws.Integer(35, 80);
  benign.noise_gain = draws.Uniform(0.88, 1.12);
  benign.sound_offset_s = draws.Uniform(-0.04, 0.04);
  benign.sound_level = family_level * std::pow(10, draws.Uniform(-1.0, 1.0) / 20);
  return benign;
}

std::vector<Kind> DrawMixedKinds(Draws& draws) {
  std::vector<Kind> kinds;
  while (kinds.size() < 2) {
    kinds.clear();
    for (Kind kind : kAllKinds) {
      if (draws.Chance(0.7)) kinds.push_back(kind);
    }
  }
  return kinds;
}

double DrawRate(Draws& draws) {
  const double u = draws.Uniform(0, 1);
  if (u < 0.48) return 25;
  if (u < 0.82) return 30;
  if (u < 0.88) return 30000.0 / 1001;
  if (u < 0.93) return 24;
  return u < 0.97 ? 15 : 60;
}

int Even(double value) { return static_cast<int>(std::lround(value / 2)) * 2; }

// Sizes near the asked one: the same, a wider and taller one, a narrower one; one in six is portrait.
void DrawSize(Draws& draws, const RecipeOptions& options, FamilyRecipe& family) {
  const double u = draws.Uniform(0, 1);
  family.shape.width = options.width;
  family.shape.height = options.height;
  if (u > 0.6) family.shape.width = Even(options.width * 0.95);
  if (u > 0.8) {
    family.shape.width = Even(options.width * 1.1);
    family.shape.height = Even(options.height * 1.2);
  }
  const double turn = draws.Uniform(0, 1);
  if (turn < 0.16) std::swap(family.shape.width, family.shape.height);
  // A portrait clip is stored upright or, like a phone does it, sideways with a display matrix.
  if (turn < 0.05) family.rotation_degrees = 90;
  if (turn >= 0.05 && turn < 0.1) family.rotation_degrees = 270;
  if (turn > 0.97) family.rotation_degrees = 180;
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kBg:
      return "BG";
    case Kind::kAv:
      return "AV";
    case Kind::kCm:
      return "CM";
    case Kind::kRr:
      return "RR";
    case Kind::kLl:
      return "LL";
    case Kind::kTm:
      return "TM";
  }
  return "";
}

bool Planting::Has(Kind kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

FamilyRecipe DrawFamily(Draws draws, const RecipeOptions& options) {
  FamilyRecipe family;
  DrawSize(draws, options, family);
  family.shape.frames = draws.Integer(options.frames_min, options.frames_max);
  family.shape.frames_per_second = DrawRate(draws);
  constexpr int kIntervals[] = {15, 25, 50, 250};
  family.keyframe_interval = kIntervals[draws.Integer(0, 3)];
  family.sound_rate = draws.Chance(0.5) ? 44100 : 48000;
  family.sound_channels = draws.Chance(0.5) ? 2 : 1;
  family.index_first = draws.Chance(0.5);
  family.sound_level = draws.Uniform(0.05, 0.15);
  const int fakes = options.mode == Mode::kPure ? static_cast<int>(kAllKinds.size())
                                                : draws.Integer(options.fakes_min, options.fakes_max);
  ClipRecipe real;
  real.name = draws.Letters(10) + ".mp4";
  real.benign = DrawBenign(draws, family.sound_level);
  real.crf = draws.Uniform(18, 23);
  if (draws.Chance(0.2)) {
    real.planting.kinds = DrawMixedKinds(draws);
    std::erase(real.planting.kinds, Kind::kAv);
    real.planting.strength = DrawStrength(draws);
    real.planting.elsewhere = cv::Point2d(draws.Chance(0.5) ? 0.13 : 0.87, draws.Uniform(0.3, 0.6));
  }
  family.clips.push_back(real);
  for (int i = 0; i < fakes; ++i) {
    ClipRecipe fake;
    fake.name = draws.Letters(10) + ".mp4";
    fake.fake = true;
    fake.benign = DrawBenign(draws, family.sound_level);
    fake.planting.kinds =
        options.mode == Mode::kPure ? std::vector<Kind>{kAllKinds[i]} : DrawMixedKinds(draws);
    fake.planting.strength = DrawStrength(draws);
    fake.crf = draws.Uniform(18, 23) + options.planted_crf_tell;
    // Foreign noise shows in weak light only, so the whole family, its original too, is lit weakly.
    family.shape.dark = family.shape.dark || fake.planting.Has(Kind::kLl);
    family.clips.push_back(fake);
  }
  return family;
}

}  // namespace interceptor::synth
