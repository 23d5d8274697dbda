#include "worker/models/specialist.h"

#include "common/base/check.h"

namespace interceptor::worker {
namespace {

// Evidence that resizing or recompressing would wipe out (CM, RR) keeps its pixels; TM's must survive from
// frame to frame, so nothing that differs between frames of one clip is allowed beyond the flip and colour of
// a pair.
constexpr SpecialistTraits kTraits[] = {
    {SpecialistName::kBG,
     SizeChange::kResize,
     {.flip = true, .colour = true, .rescale = true, .compress = true, .noise = 0.03, .noise_share = 0.3}},
    {SpecialistName::kAV, SizeChange::kResize, {.flip = true, .colour = true}},
    {SpecialistName::kCM, SizeChange::kAlignedCrop, {.flip = true}},
    {SpecialistName::kRR, SizeChange::kAlignedCrop, {.flip = true, .noise = 0.01, .noise_share = 0.3}},
    {SpecialistName::kLL,
     SizeChange::kAlignedCrop,
     {.flip = true, .darken = true, .noise = 0.02, .noise_share = 0.25}},
    {SpecialistName::kTM, SizeChange::kResize, {.flip = true, .colour = true}},
};

}  // namespace

const SpecialistTraits& TraitsOf(SpecialistName specialist) {
  const SpecialistTraits& traits = kTraits[static_cast<int>(specialist)];
  ICPT_CHECK(traits.name == specialist) << "the table of specialists is out of order";
  return traits;
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
