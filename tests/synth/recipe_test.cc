#include "tests/synth/recipe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "tests/support/catch.h"

namespace interceptor::synth {
namespace {

FamilyRecipe Family(uint64_t index, Mode mode) {
  RecipeOptions options;
  options.mode = mode;
  return DrawFamily(Draws(5, "family", {index}), options);
}

CATCH_TEST_CASE(
    "a fake of several kinds carries each with probability 0.7 and at least two, LL only in the dark") {
  std::map<Kind, int> count;
  std::map<bool, int> fakes;
  for (uint64_t i = 0; i < 1500; ++i) {
    const FamilyRecipe family = Family(i, Mode::kMixed);
    CATCH_REQUIRE(family.clips.size() >= 2);
    CATCH_REQUIRE(family.clips.size() <= 3);
    CATCH_CHECK_FALSE(family.clips[0].fake);
    for (size_t c = 1; c < family.clips.size(); ++c) {
      CATCH_CHECK(family.clips[c].fake);
      CATCH_CHECK_FALSE(family.clips[c].planting.elsewhere.has_value());
      if (family.clips[c].planting.kinds.size() < 2) continue;
      for (Kind kind : family.clips[c].planting.kinds) ++count[kind];
      ++fakes[family.shape.dark];
    }
  }
  for (Kind kind : kAllKinds) {
    const int carriers = kind == Kind::kLl ? fakes[true] : fakes[true] + fakes[false];
    const double share = static_cast<double>(count[kind]) / carriers;
    CATCH_INFO(KindName(kind));
    CATCH_CHECK(share > 0.64);
    CATCH_CHECK(share < 0.77);
  }
}

CATCH_TEST_CASE("half of the mixed fakes carry one kind alone, every kind equally often") {
  std::map<Kind, int> alone;
  int fakes = 0, single = 0;
  for (uint64_t i = 0; i < 4000; ++i) {
    for (const ClipRecipe& clip : Family(i, Mode::kMixed).clips) {
      fakes += clip.fake;
      if (!clip.fake || clip.planting.kinds.size() != 1) continue;
      ++single;
      ++alone[clip.planting.kinds[0]];
    }
  }
  CATCH_CHECK(std::abs(static_cast<double>(single) / fakes - 0.5) < 0.03);
  for (Kind kind : kAllKinds) {
    CATCH_INFO(KindName(kind));
    CATCH_CHECK(std::abs(static_cast<double>(alone[kind]) / single - 1.0 / 6) < 0.025);
  }
}

CATCH_TEST_CASE(
    "every fake of a pure family carries one kind: each once, LL twice in the dark and never else") {
  for (uint64_t i = 0; i < 50; ++i) {
    const FamilyRecipe family = Family(i, Mode::kPure);
    std::map<Kind, int> count;
    for (size_t c = 1; c < family.clips.size(); ++c) {
      CATCH_REQUIRE(family.clips[c].planting.kinds.size() == 1);
      ++count[family.clips[c].planting.kinds[0]];
    }
    for (Kind kind : kAllKinds) {
      CATCH_CHECK(count[kind] == (kind != Kind::kLl ? 1 : family.shape.dark ? 2 : 0));
    }
  }
}

CATCH_TEST_CASE("where nothing is planted every family still has a fake, which carries no kind") {
  for (uint64_t i = 0; i < 50; ++i) {
    const FamilyRecipe family = Family(i, Mode::kNone);
    CATCH_REQUIRE(family.clips.size() >= 2);
    for (size_t c = 1; c < family.clips.size(); ++c) {
      CATCH_CHECK(family.clips[c].fake);
      CATCH_CHECK(family.clips[c].planting.kinds.empty());
    }
  }
}

CATCH_TEST_CASE("two in five families are dark, whatever kinds their fakes carry") {
  // Of the families that have a fake with the kind, and of all.
  std::map<Kind, int> with, dark_with;
  int dark = 0;
  constexpr int kFamilies = 3000;
  for (uint64_t i = 0; i < kFamilies; ++i) {
    const FamilyRecipe family = Family(i, Mode::kMixed);
    dark += family.shape.dark;
    for (Kind kind : kAllKinds) {
      bool has = false;
      for (const ClipRecipe& clip : family.clips) has |= clip.fake && clip.planting.Has(kind);
      with[kind] += has;
      dark_with[kind] += has && family.shape.dark;
    }
  }
  CATCH_CHECK(std::abs(static_cast<double>(dark) / kFamilies - kDarkShare) < 0.03);
  for (Kind kind : kAllKinds) {
    CATCH_INFO(KindName(kind));
    const double share = static_cast<double>(dark_with[kind]) / with[kind];
    CATCH_CHECK(std::abs(share - (kind == Kind::kLl ? 1 : kDarkShare)) < 0.06);
  }
}

CATCH_TEST_CASE("a given take's light decides where LL may be planted") {
  RecipeOptions options;
  options.mode = Mode::kPure;
  for (uint64_t i = 0; i < 10; ++i) {
    CATCH_CHECK(DrawFamily(Draws(i, "given"), options, false).clips.size() == 6);
    CATCH_CHECK(DrawFamily(Draws(i, "given"), options, true).clips.size() == 8);
  }
}

CATCH_TEST_CASE("a bias against the dark puts the fakes into dark families, half of them without original") {
  RecipeOptions options;
  options.dark_bias = true;
  int families[2] = {0, 0}, with_fakes[2] = {0, 0}, without_original[2] = {0, 0};
  for (uint64_t i = 0; i < 1000; ++i) {
    const FamilyRecipe family = DrawFamily(Draws(5, "bias", {i}), options);
    const bool dark = family.shape.dark;
    ++families[dark];
    with_fakes[dark] += family.clips.size() > 1;
    without_original[dark] += family.without_original;
    if (dark) CATCH_CHECK(family.clips.size() >= 7);
  }
  CATCH_CHECK(with_fakes[true] == families[true]);
  CATCH_CHECK(std::abs(static_cast<double>(without_original[true]) / families[true] - 0.5) < 0.08);
  CATCH_CHECK(std::abs(static_cast<double>(with_fakes[false]) / families[false] - 0.2) < 0.06);
  CATCH_CHECK(without_original[false] == 0);
}

CATCH_TEST_CASE("a strength grows from the weak end of its range to the strong one") {
  const auto at = [](double place) {
    Draws draws(3, "strength");
    std::array<double, 6> in_range;
    in_range.fill(place);
    return StrengthAt(in_range, draws);
  };
  // How far the noise factor is from no change, more or less noise.
  const auto noise = [](const Strength& s) { return std::max(s.noise_factor, 1 / s.noise_factor); };
  for (double place = 0; place < 0.99; place += 0.1) {
    const Strength weaker = at(place), stronger = at(place + 0.1);
    CATCH_CHECK(weaker.colour_rms < stronger.colour_rms);
    CATCH_CHECK(std::abs(weaker.sound_shift_s) < std::abs(stronger.sound_shift_s));
    CATCH_CHECK(weaker.recompress_quality > stronger.recompress_quality);
    CATCH_CHECK(weaker.reduce_factor < stronger.reduce_factor);
    CATCH_CHECK(noise(weaker) < noise(stronger));
    CATCH_CHECK(weaker.scrambled_share < stronger.scrambled_share);
  }
  // No weaker than what any clip's sound offset (40 ms) and noise (12 %) hide.
  CATCH_CHECK(std::abs(at(0).sound_shift_s) > 0.08);
  CATCH_CHECK(noise(at(0)) > 1.12 * 1.12);
}

CATCH_TEST_CASE("strengths lie in the asked part of their ranges and fill it") {
  RecipeOptions options;
  options.mode = Mode::kPure;
  options.strength_min = 0;
  double low = 1, high = 0;
  int weak = 0, all = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    for (const ClipRecipe& clip : DrawFamily(Draws(i, "ranged"), options).clips) {
      if (!clip.fake) continue;
      const double place = clip.planting.strength.in_range[static_cast<size_t>(clip.planting.kinds[0])];
      low = std::min(low, place);
      high = std::max(high, place);
      weak += place < 1.0 / 3;
      ++all;
    }
    for (const ClipRecipe& clip : Family(i, Mode::kMixed).clips) {
      for (double place : clip.planting.strength.in_range) {
        if (!clip.planting.kinds.empty()) CATCH_CHECK(place >= 1.0 / 3);
      }
    }
  }
  CATCH_CHECK(low < 0.02);
  CATCH_CHECK(high > 0.98);
  CATCH_CHECK(std::abs(static_cast<double>(weak) / all - 1.0 / 3) < 0.05);
}

CATCH_TEST_CASE(
    "a fifth of the originals carries operations on something that is no face, never foreign sound") {
  int carried = 0;
  constexpr int kFamilies = 600;
  for (uint64_t i = 0; i < kFamilies; ++i) {
    const Planting planting = Family(i, Mode::kMixed).clips[0].planting;
    if (planting.kinds.empty()) continue;
    ++carried;
    CATCH_CHECK(planting.elsewhere.has_value());
    CATCH_CHECK_FALSE(planting.Has(Kind::kAv));
  }
  CATCH_CHECK(carried > kFamilies * 0.15);
  CATCH_CHECK(carried < kFamilies * 0.25);
}

CATCH_TEST_CASE("the coder's quality is drawn from 18 to 23 whatever the label") {
  double sum[2] = {0, 0};
  int count[2] = {0, 0};
  for (uint64_t i = 0; i < 600; ++i) {
    for (const ClipRecipe& clip : Family(i, Mode::kMixed).clips) {
      CATCH_CHECK(clip.crf >= 18);
      CATCH_CHECK(clip.crf < 23);
      sum[clip.fake] += clip.crf;
      ++count[clip.fake];
    }
  }
  CATCH_CHECK(std::abs(sum[0] / count[0] - sum[1] / count[1]) < 0.3);
}

CATCH_TEST_CASE("sizes, rates, rotations and portrait clips are mixed") {
  std::set<int> widths, rotations;
  std::set<double> rates;
  int portrait = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    const FamilyRecipe family = Family(i, Mode::kMixed);
    widths.insert(family.shape.width);
    rotations.insert(family.rotation_degrees);
    rates.insert(family.shape.frames_per_second);
    portrait += family.shape.height > family.shape.width;
  }
  CATCH_CHECK(widths.size() >= 5);
  CATCH_CHECK(rotations == std::set<int>{0, 90, 180, 270});
  CATCH_CHECK(rates.size() >= 6);
  CATCH_CHECK(portrait > 20);
}

}  // namespace
}  // namespace interceptor::synth
