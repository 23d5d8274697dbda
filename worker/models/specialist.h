// The six specialists behind one interface: a table of what each looks at, which evidence its front end draws
// from that, and which augmentations leave this evidence intact. Pure; no LibTorch.
#pragma once

#include <span>
#include <string_view>

#include "common/base/random.h"
#include "worker/models/architecture.h"
#include "worker/sampling/recipe.h"
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

// What a front end draws from the views by fixed transforms, beside the pictures that the backbone sees.
struct EvidenceShape {
  int map_channels = 0;  // of the map that joins after features.<map_stage>; 0: no map
  int map_stage = 0;
  int figures = 0;  // numbers that join beside the backbone's pooled features; 0: none
};

struct SpecialistTraits {
  SpecialistName name = SpecialistName::kBG;
  SizeChange size_change = SizeChange::kResize;
  AugmentationWhitelist whitelist;
  std::span<const View> views = {};  // of its front end, the first says at which moments
  EvidenceShape evidence = {};
  // Of its front end, as PreprocessingOf.
  std::string_view preprocessing = {};
};

const SpecialistTraits& TraitsOf(SpecialistName specialist);

// What a network of this specialist is fed with.
std::span<const View> ViewsOf(SpecialistName specialist, FrontEndMode mode);
// Whether its pictures are canvases of patches, windows or bursts, which have one size: the curriculum's input_pixels
// does not apply to them.
bool ShowsCanvas(SpecialistName specialist, FrontEndMode mode);
// Stands in its checkpoints; a detector must prepare its input the same way.
std::string_view PreprocessingOf(SpecialistName specialist, FrontEndMode mode);

// EfficientNet-B4 at the model's scales with the parameters of the specialist's front end.
// REQUIRES: Validate accepts the model's settings.
Architecture MakeArchitecture(const ModelSettings& model, SpecialistName specialist);

// REQUIRES: Validate accepts the model's settings.
FrontEndMode ModeOf(const ModelSettings& model);

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
