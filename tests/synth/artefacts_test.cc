#include "tests/synth/artefacts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <opencv2/imgproc.hpp>

#include "common/stats/ranking.h"
#include "tests/support/catch.h"
#include "tests/synth/decode.h"
#include "tests/synth/encode.h"
#include "tests/synth/render.h"

namespace interceptor::synth {
namespace {

SceneShape SmallShape(int frames) {
  return {.width = 160, .height = 120, .frames = frames, .frames_per_second = 25};
}

double Deviation(const cv::Mat& difference, const cv::Rect& box) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(difference(box), mean, deviation);
  return deviation[1];
}

CATCH_TEST_CASE("the colour artefact stays at 24 dB or better over the changed pixels, and is visible") {
  double worst = std::numeric_limits<double>::infinity(), best = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    RecipeOptions options;
    options.width = 160;
    options.height = 120;
    options.frames_min = options.frames_max = 3;
    FamilyRecipe family = DrawFamily(Draws(seed, "psnr"), options);
    const Take take = DrawTake(Draws(seed, "psnr take"), family.shape);
    ClipRecipe& fake = family.clips[1];
    fake.planting.kinds = {Kind::kBg};
    const double psnr_db = RenderPicture(take, fake, {seed}).colour_psnr_db;
    worst = std::min(worst, psnr_db);
    best = std::max(best, psnr_db);
  }
  CATCH_CHECK(worst >= 24.0);
  CATCH_CHECK(best < 40.0);
}

CATCH_TEST_CASE("the colour artefact keeps the clip's mean colour") {
  const Take take = DrawTake(Draws(2, "take"), SmallShape(1));
  ClipRecipe plain, fake;
  fake.planting.kinds = {Kind::kBg};
  fake.planting.strength.colour_rms = 13;
  const cv::Scalar before = cv::mean(RenderPicture(take, plain, {1}).frames[0]);
  const cv::Scalar after = cv::mean(RenderPicture(take, fake, {1}).frames[0]);
  for (int c = 0; c < 3; ++c) CATCH_CHECK(std::abs(before[c] - after[c]) < 0.8);
}

CATCH_TEST_CASE("every picture artefact changes the face and leaves the corners alone") {
  const Take take = DrawTake(Draws(4, "take"), SmallShape(5));
  ClipRecipe plain, fake;
  fake.planting.strength = {.colour_rms = 12,
                            .sound_shift_s = 0.5,
                            .recompress_quality = 40,
                            .reduce_factor = 2,
                            .noise_factor = 1.8,
                            .lag_frames = 2,
                            .seam_px = 2};
  const cv::Mat before = RenderPicture(take, plain, {1}).frames[4];
  const cv::Rect corner(0, 0, 16, 16);
  const cv::Point centre = take.faces[4].centre;
  const cv::Rect face(centre.x - 12, centre.y - 12, 24, 24);
  for (Kind kind : {Kind::kBg, Kind::kCm, Kind::kRr, Kind::kLl, Kind::kTm}) {
    CATCH_INFO(KindName(kind));
    fake.planting.kinds = {kind};
    const cv::Mat after = RenderPicture(take, fake, {1}).frames[4];
    // BG evens out the mean colour over the whole frame, by a few levels.
    CATCH_CHECK(cv::norm(before(corner), after(corner), cv::NORM_INF) <= (kind == Kind::kBg ? 8 : 0));
    CATCH_CHECK(cv::norm(before(face), after(face), cv::NORM_L1) > 24 * 24 / 2);
  }
}

CATCH_TEST_CASE("foreign noise has its own deviation in the face and the take's elsewhere") {
  Take take = DrawTake(Draws(6, "take"), SmallShape(1));
  take.frames[0].setTo(cv::Scalar(90, 90, 90));
  take.noise_sigma = 4;
  ClipRecipe fake;
  fake.planting.kinds = {Kind::kLl};
  fake.planting.strength.noise_factor = 0.5;
  const cv::Mat frame = RenderPicture(take, fake, {3}).frames[0];
  const cv::Point centre = take.faces[0].centre;
  const double inside = Deviation(frame, cv::Rect(centre.x - 12, centre.y - 12, 24, 24));
  const double outside = Deviation(frame, cv::Rect(0, 0, 160, 20));
  CATCH_CHECK(inside > 1.4);
  CATCH_CHECK(inside < 2.6);
  CATCH_CHECK(outside > 3.4);
  CATCH_CHECK(outside < 4.6);
  CATCH_CHECK(std::abs(EstimateNoise(frame(cv::Rect(0, 0, 160, 20))) - 3.5) < 1.0);
}

CATCH_TEST_CASE("noise already in a picture is scaled by the factor") {
  cv::Mat frame(120, 160, CV_8UC3, cv::Scalar(90, 90, 90));
  AddNoise(frame, NoiseField(frame.size(), {1}, 0), 4);
  const Region region = WholeFrame(frame.size());
  cv::Mat less = frame.clone(), more = frame.clone();
  ScaleNoise(less, NoiseField(frame.size(), {1}, 1), region, 4, 0.5);
  ScaleNoise(more, NoiseField(frame.size(), {1}, 1), region, 4, 1.8);
  const cv::Rect all(0, 0, 160, 120);
  CATCH_CHECK(Deviation(less, all) < 0.65 * Deviation(frame, all));
  CATCH_CHECK(Deviation(more, all) > 1.6 * Deviation(frame, all));
}

CATCH_TEST_CASE("recompression leaves a grid at its own offset and keeps the strength of fine detail") {
  cv::Mat frame(64, 64, CV_8UC3);
  cv::RNG(9).fill(frame, cv::RNG::NORMAL, 128, 20);
  cv::Mat coded = frame.clone();
  Recompress(coded, WholeFrame(frame.size()), 30, {3, 5});
  cv::Mat luma;
  cv::cvtColor(coded, luma, cv::COLOR_BGR2GRAY);
  double step[8] = {};
  for (int x = 1; x < 64; ++x) {
    for (int y = 0; y < 64; ++y) step[x % 8] += std::abs(luma.at<uchar>(y, x) - luma.at<uchar>(y, x - 1));
  }
  CATCH_CHECK(std::max_element(step, step + 8) - step == 3);
  cv::Mat before;
  cv::cvtColor(frame, before, cv::COLOR_BGR2GRAY);
  CATCH_CHECK(std::abs(Deviation(coded, {0, 0, 64, 64}) / Deviation(frame, {0, 0, 64, 64}) - 1) < 0.35);
}

CATCH_TEST_CASE("a scramble shows every frame once, out of order; a lag shows an earlier frame") {
  std::vector<int> shown;
  for (int k = 0; k < 12; ++k) shown.push_back(ScrambledFrame(k, 12, 0, 1));
  CATCH_CHECK(std::vector<int>(shown.begin(), shown.begin() + 6) == std::vector<int>{0, 2, 1, 3, 5, 4});
  std::sort(shown.begin(), shown.end());
  for (int k = 0; k < 12; ++k) CATCH_CHECK(shown[k] == k);
  CATCH_CHECK(ScrambledFrame(10, 11, 0, 1) == 10);
  CATCH_CHECK(ScrambledFrame(7, 11, 2, 1) == 5);
  CATCH_CHECK(ScrambledFrame(7, 11, 1, 1) == 6);
  CATCH_CHECK(ScrambledFrame(1, 11, 2, 1) == 0);
}

CATCH_TEST_CASE("a weak scramble spreads over a long clip: every half of it has its share") {
  for (double share : {0.25, 0.5, 0.75, 1.0}) {
    int moved[2] = {0, 0};
    for (int k = 0; k < 120; ++k) moved[k / 60] += ScrambledFrame(k, 120, 0, share) != k;
    // Two of the three frames of a scrambled triple are out of place.
    CATCH_CHECK(moved[0] == static_cast<int>(20 * share) * 2);
    CATCH_CHECK(moved[1] == static_cast<int>(20 * share) * 2);
  }
}

CATCH_TEST_CASE("foreign sound is of the same loudness and of another time") {
  const Take take = DrawTake(Draws(8, "take"), SmallShape(25));
  ClipRecipe plain, fake;
  fake.planting.kinds = {Kind::kAv};
  fake.planting.strength.sound_shift_s = 0.5;
  const std::vector<float> own = RenderSound(take, plain, 8000), foreign = RenderSound(take, fake, 8000);
  CATCH_REQUIRE(own.size() == 8000);
  CATCH_REQUIRE(foreign.size() == 8000);
  double own_power = 0, foreign_power = 0, shifted_difference = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    own_power += own[i] * own[i];
    foreign_power += foreign[i] * foreign[i];
  }
  CATCH_CHECK(std::abs(own_power / foreign_power - 1) < 0.02);
  for (size_t i = 0; i < 8000; ++i) shifted_difference += std::abs(own[i] - foreign[i]);
  CATCH_CHECK(shifted_difference > 100);
}

// Loudness, one value for each 10 ms, of the samples from `begin_s` on.
std::vector<double> Loudness(const std::vector<float>& samples, int rate, double begin_s, int count) {
  const int hop = rate / 100;
  std::vector<double> loudness;
  for (int i = 0; i < count; ++i) {
    double sum = 0;
    const int begin = static_cast<int>(std::lround(begin_s * 100)) * hop + i * hop;
    for (int k = begin; k < begin + hop; ++k) sum += std::abs(samples[static_cast<size_t>(k)]);
    loudness.push_back(sum);
  }
  return loudness;
}

CATCH_TEST_CASE("in a clip of 120 frames the foreign sound lies as far off at the end as at the begin") {
  constexpr int kRate = 8000;
  const Take take = DrawTake(Draws(12, "take"), {.width = 96, .height = 96, .frames = 120});
  ClipRecipe plain, fake;
  fake.planting.kinds = {Kind::kAv};
  for (double shift_s : {-0.8, -0.12, 0.3, 0.8}) {
    fake.planting.strength.sound_shift_s = shift_s;
    const std::vector<float> own = RenderSound(take, plain, kRate), foreign = RenderSound(take, fake, kRate);
    CATCH_REQUIRE(foreign.size() == kRate * 48 / 10);
    for (double begin_s : {1.0, 2.4}) {
      const cv::Mat heard(Loudness(foreign, kRate, begin_s, 120), true);
      double best = 0, best_shift_s = 0;
      for (int step = -100; step <= 100; ++step) {
        const cv::Mat there(Loudness(own, kRate, begin_s + step / 100.0, 120), true);
        const double likeness = heard.dot(there) / (cv::norm(heard) * cv::norm(there));
        if (likeness > best) best_shift_s = step / 100.0;
        best = std::max(best, likeness);
      }
      CATCH_CHECK(std::abs(best_shift_s - shift_s) < 0.015);
      CATCH_CHECK(best > 0.99);
    }
  }
}

// Of the 8x8 blocks of a face's middle whose grid begins at `offset`: the share of coefficients that are none.
double ShareOfNone(const cv::Mat& frame, cv::Point face, cv::Point offset) {
  cv::Mat luma, coefficients;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  luma.convertTo(luma, CV_32F);
  int none = 0, all = 0;
  for (int y = (face.y - 16) / 8 * 8 + offset.y; y < face.y + 8; y += 8) {
    for (int x = (face.x - 16) / 8 * 8 + offset.x; x < face.x + 8; x += 8) {
      cv::dct(luma(cv::Rect(x, y, 8, 8)), coefficients);
      none += cv::countNonZero(cv::abs(coefficients) < 1.5);
      all += 64;
    }
  }
  return static_cast<double>(none) / all;
}

CATCH_TEST_CASE("what is done to whole frames does not wipe out what is planted: it comes before") {
  const Take take = DrawTake(Draws(11, "take"), {.width = 320, .height = 240, .frames = 1});
  ClipRecipe fake;
  fake.planting.kinds = {Kind::kCm};
  fake.planting.strength = {.recompress_quality = 30, .seam_px = 2};
  fake.benign.reduce_factor = 1.8;
  fake.benign.sharpening = 1;
  const cv::Mat frame = RenderPicture(take, fake, {1}).frames[0];
  const double foreign = ShareOfNone(frame, take.faces[0].centre, {3, 5});
  CATCH_CHECK(foreign > ShareOfNone(frame, take.faces[0].centre, {7, 1}) + 0.1);
}

// Mean square of luma's second differences in the inner face after the clip's own encoding.
double FaceDetail(const Take& take, const ClipRecipe& recipe, RandomKey noise) {
  const auto bytes = EncodeMp4(RenderPicture(take, recipe, noise).frames, {}, {.crf = recipe.crf});
  const auto decoded = DecodeMp4(*bytes);
  const FacePosition& face = take.faces.back();
  const cv::Size half(cvRound(face.half_width * 0.6), cvRound(face.half_height * 0.6));
  cv::Mat luma, detail;
  cv::cvtColor(decoded->frames.back(), luma, cv::COLOR_BGR2GRAY);
  cv::Laplacian(luma, detail, CV_32F);
  const cv::Mat inner = detail(cv::Rect(face.centre - cv::Point(half), half * 2));
  return inner.dot(inner) / static_cast<double>(inner.total());
}

CATCH_TEST_CASE("how much detail a face has does not settle which ones were reduced or recompressed") {
  RecipeOptions options;
  options.mode = Mode::kPure;
  options.frames_min = options.frames_max = 3;
  std::vector<ScoredLabel> reals;
  std::map<Kind, std::vector<ScoredLabel>> fakes;
  for (uint64_t seed = 0; seed < 160; ++seed) {
    const FamilyRecipe family = DrawFamily(Draws(seed, "detail"), options);
    const Take take = DrawTake(Draws(seed, "detail take"), family.shape);
    for (const ClipRecipe& clip : family.clips) {
      const bool looked_at = clip.planting.Has(Kind::kRr) || clip.planting.Has(Kind::kCm);
      if (clip.fake && !looked_at) continue;
      const ScoredLabel score{.score = -FaceDetail(take, clip, {seed}), .fake = clip.fake};
      (clip.fake ? fakes[clip.planting.kinds[0]] : reals).push_back(score);
    }
  }
  for (auto& [kind, scores] : fakes) {
    scores.insert(scores.end(), reals.begin(), reals.end());
    const double auc = *Auc(scores);
    CATCH_INFO(KindName(kind) << " " << auc);
    // Reducing takes sensor noise away too, which no sharpening brings back.
    CATCH_CHECK(std::abs(auc - 0.5) < (kind == Kind::kRr ? 0.3 : 0.15));
  }
}

}  // namespace
}  // namespace interceptor::synth
