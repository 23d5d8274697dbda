#include "tests/synth/recipe.h"

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

CATCH_TEST_CASE("a mixed fake carries every kind with probability 0.7 and at least two") {
  std::map<Kind, int> count;
  int fakes = 0;
  for (uint64_t i = 0; i < 600; ++i) {
    const FamilyRecipe family = Family(i, Mode::kMixed);
    CATCH_REQUIRE(family.clips.size() >= 2);
    CATCH_REQUIRE(family.clips.size() <= 3);
    CATCH_CHECK_FALSE(family.clips[0].fake);
    for (size_t c = 1; c < family.clips.size(); ++c) {
      CATCH_CHECK(family.clips[c].fake);
      CATCH_CHECK(family.clips[c].planting.kinds.size() >= 2);
      CATCH_CHECK_FALSE(family.clips[c].planting.elsewhere.has_value());
      for (Kind kind : family.clips[c].planting.kinds) ++count[kind];
      ++fakes;
    }
  }
  for (Kind kind : kAllKinds) {
    const double share = static_cast<double>(count[kind]) / fakes;
    CATCH_INFO(KindName(kind));
    CATCH_CHECK(share > 0.64);
    CATCH_CHECK(share < 0.77);
  }
}

CATCH_TEST_CASE("a pure family has six fakes, one for each kind") {
  const FamilyRecipe family = Family(3, Mode::kPure);
  CATCH_REQUIRE(family.clips.size() == 7);
  std::set<Kind> kinds;
  for (size_t c = 1; c < family.clips.size(); ++c) {
    CATCH_REQUIRE(family.clips[c].planting.kinds.size() == 1);
    kinds.insert(family.clips[c].planting.kinds[0]);
  }
  CATCH_CHECK(kinds.size() == kAllKinds.size());
}

CATCH_TEST_CASE("a family with foreign noise is lit weakly, its original too") {
  for (uint64_t i = 0; i < 100; ++i) {
    const FamilyRecipe family = Family(i, Mode::kMixed);
    bool foreign_noise = false;
    for (const ClipRecipe& clip : family.clips) foreign_noise |= clip.fake && clip.planting.Has(Kind::kLl);
    CATCH_CHECK(family.shape.dark == foreign_noise);
  }
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
