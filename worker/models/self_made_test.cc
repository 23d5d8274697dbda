// Self-made positives: only reals, only at the face, the same compression on both of a pair, and evidence of the
// specialist's own kind.
#include "worker/models/self_made.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "tests/support/catch.h"
#include "worker/models/evidence.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int kFaceSide = 112;
constexpr size_t kPatch = size_t{kPatchPixels} * kPatchPixels;
constexpr size_t kPatchesOfSample = size_t{kPatchFrames} * kComparedPlaces * kPatch;

// Smooth structure and fine grain, `side` * `side` values; `shift` moves the structure along x.
void AppendTexture(int side, uint64_t seed, double shift, std::vector<uint8_t>& out) {
  const RandomKey key = MakeRandomKey(seed, "texture");
  const RandomKey grain = MakeRandomKey(out.size(), "grain");
  for (int i = 0; i < side * side; ++i) {
    double value = 120 + 4 * RandomNormal(grain, static_cast<uint64_t>(i));
    for (uint64_t wave = 0; wave < 8; ++wave) {
      const double fx = 0.02 + 0.25 * RandomUniform(key, 3 * wave),
                   fy = 0.02 + 0.25 * RandomUniform(key, 3 * wave + 1);
      value += 9 * std::sin(6.2832 *
                            (fx * (i % side - shift) + fy * (i / side) + RandomUniform(key, 3 * wave + 2)));
    }
    out.push_back(static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L)));
  }
}

// Syllables, two to six a second, that do not repeat within a window.
double Loudness(double second) {
  const RandomKey key = MakeRandomKey(1, "speech");
  double level = 0;
  for (uint64_t wave = 0; wave < 8; ++wave) {
    const double frequency = 2 + 4 * RandomUniform(key, 2 * wave);
    level += 0.5 * std::sin(6.2832 * (frequency * second + RandomUniform(key, 2 * wave + 1)));
  }
  return level;
}

void AppendSpeech(MouthWindows& windows) {
  for (int frame = 0; frame < kMouthFrames; ++frame) {
    const double dark = 15 * Loudness(frame * kMouthPeriodSeconds);
    for (int i = 0; i < kMouthPixels * kMouthPixels; ++i) {
      windows.mouth.push_back(static_cast<uint8_t>(120 + i % 7 - dark));
    }
  }
  for (int i = 0; i < kMelColumns * kMelBands; ++i)
    windows.log_mel.push_back(static_cast<float>(Loudness(i / kMelBands * kMouthPeriodSeconds / 4)));
}

// Every view of `samples` clips: odd ones are FAKE, the last one is not usable.
FrameBatch MakeBatch(int samples) {
  FrameBatch batch;
  batch.input.count = samples;
  batch.input.face_crop.side = kFaceSide;
  for (int i = 0; i < samples; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    for (int patch = 0; patch < kPatchFrames * kComparedPlaces; ++patch)
      AppendTexture(kPatchPixels, seed, 0, batch.input.patches.luma);
    for (int frame = 0; frame < kBurstFrames; ++frame)
      AppendTexture(kBurstPixels, seed, 2.0 * frame, batch.input.bursts.luma);
    for (int pixel = 0; pixel < kFaceSide * kFaceSide; ++pixel) {  // skin in even light
      const auto light = static_cast<uint8_t>(20 * pixel / (kFaceSide * kFaceSide));
      for (const int level : {170, 130, 110})
        batch.input.face_crop.rgb.push_back(static_cast<uint8_t>(level + light + i));
    }
    AppendSpeech(batch.input.windows);
    batch.input.usable.push_back(i + 1 < samples ? 1 : 0);
    batch.is_fake.push_back(i % 2);
  }
  return batch;
}

CATCH_TEST_CASE("self-made positives come from usable reals alone, and from the key alone") {
  FrameBatch batch = MakeBatch(9);
  for (const SpecialistName specialist : kAllSpecialists) {
    const SelfMade made = MakeSelfMade(specialist, batch, 0.5, MakeRandomKey(1, "test"));
    CATCH_CHECK(made.reals.size() == 2);
    CATCH_CHECK(made.input.count == 4);
    for (const size_t place : made.reals) CATCH_CHECK((place % 2 == 0 && place < 8));
    const SelfMade again = MakeSelfMade(specialist, batch, 0.5, MakeRandomKey(1, "test"));
    CATCH_CHECK(again.reals == made.reals);
    CATCH_CHECK((again.input.patches.luma == made.input.patches.luma &&
                 again.input.face_crop.rgb == made.input.face_crop.rgb &&
                 again.input.bursts.luma == made.input.bursts.luma &&
                 again.input.windows.log_mel == made.input.windows.log_mel));
  }
  // As many as there are.
  CATCH_CHECK(MakeSelfMade(SpecialistName::kRR, batch, 1, MakeRandomKey(1, "test")).reals.size() == 4);
  batch.is_fake.assign(9, 1);
  CATCH_CHECK(MakeSelfMade(SpecialistName::kRR, batch, 1, MakeRandomKey(1, "test")).input.count == 0);
}

CATCH_TEST_CASE("a local operation alters the inner face alone") {
  const FrameBatch batch = MakeBatch(9);
  for (const SpecialistName specialist : {SpecialistName::kCM, SpecialistName::kRR, SpecialistName::kLL}) {
    CATCH_INFO(ToString(specialist));
    const SelfMade made = MakeSelfMade(specialist, batch, 1, MakeRandomKey(2, "test"));
    const size_t pairs = made.reals.size();
    for (size_t i = 0; i < pairs; ++i) {
      const auto patch = [&](size_t sample, size_t frame, size_t place) {
        const size_t at = sample * kPatchesOfSample + (frame * kComparedPlaces + place) * kPatch;
        return std::vector<uint8_t>(made.input.patches.luma.begin() + static_cast<int64_t>(at),
                                    made.input.patches.luma.begin() + static_cast<int64_t>(at + kPatch));
      };
      for (size_t frame = 0; frame < kPatchFrames; ++frame) {
        CATCH_CHECK(patch(i, frame, 0) != patch(pairs + i, frame, 0));
        CATCH_CHECK(patch(i, frame, 1) == patch(pairs + i, frame, 1));
      }
    }
  }
}

CATCH_TEST_CASE("what was altered shows more of the specialist's evidence than what was not") {
  const FrameBatch batch = MakeBatch(33);
  // BG's statistic is of fine colour alone, and a blend may differ in anything.
  for (const SpecialistName specialist : {SpecialistName::kAV, SpecialistName::kCM, SpecialistName::kRR,
                                          SpecialistName::kLL, SpecialistName::kTM}) {
    CATCH_INFO(ToString(specialist));
    const SelfMade made = MakeSelfMade(specialist, batch, 1, MakeRandomKey(3, "test"));
    const auto statistic = EvidenceStatistic(specialist, made.input);
    CATCH_REQUIRE(statistic.ok());
    const size_t pairs = made.reals.size();
    int larger = 0;
    for (size_t i = 0; i < pairs; ++i) larger += (*statistic)[pairs + i] > (*statistic)[i] ? 1 : 0;
    CATCH_CHECK(larger >= static_cast<int>(pairs * 5 / 8));
  }
}

}  // namespace
}  // namespace interceptor::worker
