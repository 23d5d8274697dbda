#include "tests/synth/recipe.h"

#include <algorithm>
#include <cmath>

namespace interceptor::synth {
namespace {

// Of all clips, those that are reduced and enlarged as a whole, and those that are compressed once more.
constexpr double kBenignShare = 0.1;

using InRange = std::array<double, kAllKinds.size()>;

// What a range holds at its weakest, at a third of its length and at its strongest; straight lines between.
struct Range {
  double weakest, third, strongest;

  double At(double place) const {
    return place < kWeakShare ? std::lerp(weakest, third, place / kWeakShare)
                              : std::lerp(third, strongest, (place - kWeakShare) / (1 - kWeakShare));
  }

  static constexpr double kWeakShare = 1.0 / 3;
};

Strength DrawStrength(Draws& draws, const RecipeOptions& options) {
  InRange in_range;
  for (double& place : in_range) place = draws.Uniform(options.strength_min, options.strength_max);
  return StrengthAt(in_range, draws);
}

Benign DrawBenign(Draws& draws, double family_level) {
  Benign benign;
  for (double& gain : benign.colour_gain) gain = draws.Uniform(0.98, 1.02);
  if (draws.Chance(kBenignShare)) benign.reduce_factor = draws.Uniform(1.2, 1.8);
  benign.sharpening = draws.Uniform(0.3, 1);
  if (draws.Chance(kBenignShare)) benign.recompress_quality = draws.Integer(35, 80);
  benign.noise_gain = draws.Uniform(0.88, 1.12);
  benign.sound_offset_s = draws.Uniform(-0.04, 0.04);
  benign.sound_level = family_level * std::pow(10, draws.Uniform(-1.0, 1.0) / 20);
  return benign;
}

std::vector<Kind> DrawMixedKinds(Draws& draws, bool dark) {
  std::vector<Kind> kinds;
  while (kinds.size() < 2) {
    kinds.clear();
    for (Kind kind : kAllKinds) {
      if (draws.Chance(0.7) && (dark || kind != Kind::kLl)) kinds.push_back(kind);
    }
  }
  return kinds;
}

// Over dark and bright families together every kind is drawn equally often.
Kind DrawSingleKind(Draws& draws, bool dark) {
  constexpr Kind kOthers[] = {Kind::kBg, Kind::kAv, Kind::kCm, Kind::kRr, Kind::kTm};
  constexpr double kForeignNoise = 1 / (kAllKinds.size() * kDarkShare);
  return dark && draws.Chance(kForeignNoise) ? Kind::kLl : kOthers[draws.Integer(0, 4)];
}

// The kinds of each fake of a pure family.
std::vector<std::vector<Kind>> PureKinds(bool dark) {
  std::vector<std::vector<Kind>> kinds;
  for (Kind kind : kAllKinds) {
    // Twice in the dark families, so that LL is not much rarer than what every family has.
    const int times = kind != Kind::kLl ? 1 : dark ? 2 : 0;
    for (int i = 0; i < times; ++i) kinds.push_back({kind});
  }
  return kinds;
}

// The kinds of each fake of a family.
std::vector<std::vector<Kind>> DrawKinds(Draws& draws, const RecipeOptions& options, bool dark) {
  if (options.dark_bias && !dark && draws.Chance(0.8)) return {};
  if (options.mode == Mode::kPure) return PureKinds(dark);
  int fakes = draws.Integer(options.fakes_min, options.fakes_max);
  if (options.dark_bias && dark) fakes = std::max(fakes, 6);
  if (options.mode == Mode::kNone) return std::vector<std::vector<Kind>>(static_cast<size_t>(fakes));
  std::vector<std::vector<Kind>> kinds;
  for (int i = 0; i < fakes; ++i) {
    const bool single = draws.Chance(options.single_kind_share);
    kinds.push_back(single ? std::vector<Kind>{DrawSingleKind(draws, dark)} : DrawMixedKinds(draws, dark));
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

Strength StrengthAt(const InRange& in_range, Draws& draws) {
  const auto place = [&](Kind kind) { return in_range[static_cast<size_t>(kind)]; };
  constexpr Range kLessNoise{0.55, 0.4, 0.25}, kMoreNoise{1.5, 2, 2.6};
  Strength strength{.in_range = in_range};
  strength.colour_rms = Range{4.5, 9, 15}.At(place(Kind::kBg));
  strength.sound_shift_s = draws.Sign() * Range{0.12, 0.3, 0.8}.At(place(Kind::kAv));
  strength.recompress_quality = static_cast<int>(std::lround(Range{55, 38, 25}.At(place(Kind::kCm))));
  strength.reduce_factor = Range{1.6, 2.1, 2.8}.At(place(Kind::kRr));
  strength.sharpening = draws.Uniform(0.3, 1);
  strength.noise_factor = (draws.Chance(0.5) ? kLessNoise : kMoreNoise).At(place(Kind::kLl));
  if (draws.Chance(0.2)) strength.lag_frames = place(Kind::kTm) < Range::kWeakShare ? 2 : 3;
  strength.scrambled_share = Range{0.4, 0.8, 1}.At(place(Kind::kTm));
  strength.seam_px = draws.Uniform(2.0, 5.0);
  return strength;
}

FamilyRecipe DrawFamily(Draws draws, const RecipeOptions& options, std::optional<bool> dark) {
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
  const bool drawn_dark = draws.Chance(kDarkShare);
  family.shape.dark = dark.value_or(drawn_dark);
  family.without_original = draws.Chance(0.5) && options.dark_bias && family.shape.dark;
  ClipRecipe real;
  real.name = draws.Letters(10) + ".mp4";
  real.benign = DrawBenign(draws, family.sound_level);
  real.crf = draws.Uniform(18, 23);
  if (draws.Chance(0.2)) {
    real.planting.kinds = DrawMixedKinds(draws, family.shape.dark);
    std::erase(real.planting.kinds, Kind::kAv);
    real.planting.strength = DrawStrength(draws, options);
    real.planting.elsewhere = cv::Point2d(draws.Chance(0.5) ? 0.13 : 0.87, draws.Uniform(0.3, 0.6));
  }
  family.clips.push_back(real);
  for (const std::vector<Kind>& kinds : DrawKinds(draws, options, family.shape.dark)) {
    ClipRecipe fake;
    fake.name = draws.Letters(10) + ".mp4";
    fake.fake = true;
    fake.benign = DrawBenign(draws, family.sound_level);
    fake.planting.kinds = kinds;
    fake.planting.strength = DrawStrength(draws, options);
    fake.crf = draws.Uniform(18, 23) + options.planted_crf_tell;
    family.clips.push_back(fake);
  }
  return family;
}

}  // namespace interceptor::synth
