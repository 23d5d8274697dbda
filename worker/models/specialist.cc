#include "worker/models/specialist.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/status.h"
#include "worker/models/front_ends/figures.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kRgb = "rgb /255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225";
constexpr View kFaceCropAlone[] = {View::kFaceCrop};
constexpr View kPatchesAndQuantisers[] = {View::kLumaPatches, View::kCodecFacts};
constexpr View kPatches[] = {View::kLumaPatches};
constexpr View kMouthAndSound[] = {View::kMouthTrack, View::kLogMel};
constexpr View kBurstAlone[] = {View::kBurst};
constexpr View kPatchesAndFace[] = {View::kLumaPatches, View::kFaceCrop};

// Evidence that resizing or recompressing would wipe out (CM, RR) keeps its pixels; TM's must survive from
// frame to frame, so nothing that differs between frames of one clip is allowed beyond the flip and colour of
// a pair.
constexpr SpecialistTraits kTraits[] = {
    {SpecialistName::kBG,
     SizeChange::kResize,
     {.flip = true, .colour = true, .rescale = true, .compress = true, .noise = 0.03, .noise_share = 0.3},
     kFaceCropAlone,
     {.map_channels = 3, .map_stage = 0, .figures = kBackgroundFigures},
     "rgb /255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225; blend maps 1"},
    {SpecialistName::kAV,
     SizeChange::kResize,
     {.flip = true, .colour = true},
     kMouthAndSound,
     {.figures = kAudioVisualFigures},
     "mouth at 25 Hz and log mel of one window; correlation by lag 1"},
    {SpecialistName::kCM,
     SizeChange::kAlignedCrop,
     {.flip = true},
     kPatchesAndQuantisers,
     {.map_channels = 64, .map_stage = 3, .figures = kCompressionFigures},
     "luma patches of two frames, inner face and ring, coded grid; block cosine transform 1"},
    {SpecialistName::kRR,
     SizeChange::kAlignedCrop,
     {.flip = true, .noise = 0.01, .noise_share = 0.3},
     kPatches,
     {.map_channels = 12, .map_stage = 0, .figures = kResolutionFigures},
     "luma patches of two frames, inner face and ring, coded grid; residual filters 1"},
    {SpecialistName::kLL,
     SizeChange::kAlignedCrop,
     {.flip = true, .darken = true, .noise = 0.02, .noise_share = 0.25},
     kPatchesAndFace,
     {.figures = kLowLightFigures},
     "log retinex of the face crop; luma patches of two frames, noise by luma 1"},
    {SpecialistName::kTM,
     SizeChange::kResize,
     {.flip = true, .colour = true},
     kBurstAlone,
     {.figures = kTemporalFigures},
     "luma of a burst in one box; differences and velocities of face and surroundings 1"},
};

// Widths of the evidence branch at full scale.
constexpr double kMapWidth = 32;
constexpr double kVectorWidth = 128;

std::vector<NewParameter> EvidenceParameters(const EvidenceShape& shape, const Architecture& backbone) {
  std::vector<NewParameter> more;
  const auto add = [&](const char* name, std::vector<int64_t> size, InitialValue initial) {
    more.push_back({Cat("evidence.", name), std::move(size), initial});
  };
  const auto normalise = [&](const std::string& name, int64_t channels) {
    add(Cat(name, ".weight").c_str(), {channels}, InitialValue::kOne);
    add(Cat(name, ".bias").c_str(), {channels}, InitialValue::kZero);
  };
  const int map = MakeDivisible(kMapWidth * backbone.width_scale);
  const int vector = MakeDivisible(kVectorWidth * backbone.width_scale);
  if (shape.map_channels > 0) {
    add("map.weight", {map, shape.map_channels, 1, 1}, InitialValue::kDrawn);
    normalise("map_norm", map);
    add("join.weight", {backbone.ChannelsAfter(shape.map_stage), map, 1, 1}, InitialValue::kZero);
  }
  const int inputs = shape.figures + (shape.map_channels > 0 ? 2 * map : 0);
  add("figures.weight", {vector, inputs}, InitialValue::kDrawn);
  add("figures.bias", {vector}, InitialValue::kZero);
  add("vector.weight", {vector, vector}, InitialValue::kDrawn);
  add("vector.bias", {vector}, InitialValue::kZero);
  add("classifier.weight", {backbone.classes, vector}, InitialValue::kDrawn);
  add("auxiliary.weight", {backbone.classes, vector}, InitialValue::kDrawn);
  add("auxiliary.bias", {backbone.classes}, InitialValue::kZero);
  add("self_made.weight", {1, vector}, InitialValue::kDrawn);
  add("self_made.bias", {1}, InitialValue::kZero);
  add("self_made_join.weight", {1}, InitialValue::kOne);
  return more;
}

}  // namespace

const SpecialistTraits& TraitsOf(SpecialistName specialist) {
  const SpecialistTraits& traits = kTraits[static_cast<int>(specialist)];
  ICPT_CHECK(traits.name == specialist) << "the table of specialists is out of order";
  return traits;
}

std::span<const View> ViewsOf(SpecialistName specialist, FrontEndMode mode) {
  return mode == FrontEndMode::kFaceCrop ? std::span<const View>(kFaceCropAlone) : TraitsOf(specialist).views;
}

bool ShowsCanvas(SpecialistName specialist, FrontEndMode mode) {
  return std::ranges::find(ViewsOf(specialist, mode), View::kFaceCrop) == ViewsOf(specialist, mode).end();
}

std::string_view PreprocessingOf(SpecialistName specialist, FrontEndMode mode) {
  return mode == FrontEndMode::kFaceCrop ? kRgb : TraitsOf(specialist).preprocessing;
}

FrontEndMode ModeOf(const ModelSettings& model) { return *ParseFrontEndMode(model.front_end); }

Architecture MakeArchitecture(const ModelSettings& model, SpecialistName specialist) {
  const FrontEndMode mode = ModeOf(model);
  Architecture backbone = MakeEfficientNetB4(model.width_scale, model.depth_scale, model.classes);
  if (mode == FrontEndMode::kFaceCrop) return backbone;
  std::vector<NewParameter> more;
  if (mode != FrontEndMode::kViewsOnly) more = EvidenceParameters(TraitsOf(specialist).evidence, backbone);
  return MakeEfficientNetB4(model.width_scale, model.depth_scale, model.classes,
                            Cat(ToString(specialist), " ", model.front_end), more);
}

Augmentation DrawAugmentation(RandomKey key, const AugmentationWhitelist& whitelist, double strength) {
  // Each draw has its own counter, so switching one augmentation off leaves the others as they were.
  auto uniform = [&](uint64_t counter) { return RandomUniform(key, counter); };
  auto around = [&](uint64_t counter, double reach) {
    return (2.0 * uniform(counter) - 1.0) * reach * strength;
  };
  Augmentation drawn;
  drawn.crop_x = uniform(0);
  drawn.crop_y = uniform(1);
  drawn.noise_place = uniform(2);
  if (strength <= 0) return drawn;
  if (whitelist.flip) drawn.flip = uniform(3) < 0.5;
  if (whitelist.colour) {
    drawn.brightness = around(4, 0.1);
    drawn.contrast = 1.0 + around(5, 0.2);
    drawn.saturation = 1.0 + around(6, 0.25);
    for (int c = 0; c < 3; ++c) drawn.channel_gain[c] = 1.0 + around(7 + c, 0.06);
  }
  if (whitelist.darken && uniform(10) < 0.5) drawn.gamma = 1.0 + 0.8 * strength * uniform(11);
  if (whitelist.rescale && uniform(12) < 0.2 * strength) drawn.rescale = 0.6 + 0.4 * uniform(13);
  if (whitelist.compress && uniform(14) < 0.2 * strength) drawn.quantisation = 0.02 + 0.1 * uniform(15);
  if (uniform(16) < whitelist.noise_share * strength) drawn.noise = whitelist.noise * uniform(17);
  return drawn;
}

}  // namespace interceptor::worker
