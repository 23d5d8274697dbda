// The six specialists behind one interface: a table of what each looks at and which augmentations leave its
// evidence intact (learning.md, "Augmentation whitelist"). Pure; no LibTorch.
#pragma once

#include <string_view>

#include "common/base/random.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// How a training input smaller than the stored view is made.
enum class SizeChange {
  kResize,
  // Windows of the stored pixels at offsets that are multiples of 16: resampling would destroy the evidence.
  kAlignedCrop,
};

struct AugmentationWhitelist {
  bool flip = false;
  bool colour = false;    // brightness, contrast, saturation, channel gains
  bool darken = false;    // gamma above one
  bool rescale = false;   // down and up again
  bool compress = false;  // 8x8 DCT quantisation
  double noise = 0;       // largest deviation, in units of the full range
  double noise_share = 0;
};

struct SpecialistTraits {
  SpecialistName name = SpecialistName::kBG;
  SizeChange size_change = SizeChange::kResize;
  AugmentationWhitelist whitelist;
  // Stands in its checkpoints; a detector must prepare its input the same way.
  std::string_view preprocessing = "rgb /255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225";
};

const SpecialistTraits& TraitsOf(SpecialistName specialist);

// What is done to one sample's picture.
struct Augmentation {
  bool flip = false;
  double brightness = 0;  // added, after the gains
  double contrast = 1;    // around 0.5
  double saturation = 1;
  double channel_gain[3] = {1, 1, 1};
  double gamma = 1;
  double rescale = 1;       // side of the intermediate picture, relative
  double quantisation = 0;  // step of the DCT quantiser, in units of the full range; 0: none
  double noise = 0;
  // In [0, 1): where in the noise bank and, for kAlignedCrop, where in the picture.
  double noise_place = 0;
  double crop_x = 0;
  double crop_y = 0;
};

// A pure function of the key; strength 0 leaves only the crop's place.
Augmentation DrawAugmentation(RandomKey key, const AugmentationWhitelist& whitelist, double strength);

}  // namespace interceptor::worker
