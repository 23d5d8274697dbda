// What is done to each clip: which artefacts are planted in a fake, which harmless operations any clip gets.
// Pure values drawn from a seed; nothing here touches a pixel.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/synth/draws.h"
#include "tests/synth/scene.h"

namespace interceptor::synth {

// The artefacts, named like the specialists that look for them.
enum class Kind { kBg, kAv, kCm, kRr, kLl, kTm };
inline constexpr std::array<Kind, 6> kAllKinds = {Kind::kBg, Kind::kAv, Kind::kCm,
                                                  Kind::kRr, Kind::kLl, Kind::kTm};
std::string_view KindName(Kind kind);

// LL is planted in dark families only: foreign noise shows in weak light.
enum class Mode {
  kMixed,  // a fake carries one kind alone, or each kind with probability 0.7 and at least two
  kPure,   // every fake carries one kind alone: each kind once in a family, LL twice in a dark one
  kNone,   // nothing is planted: a fake differs from its original by what any two clips may
};

// Strength of each artefact, drawn whether or not its kind is planted.
struct Strength {
  // Where each kind, in the order of kAllKinds, lies in its range: 0 the weakest, 1 the strongest; below 1/3
  // is weak.
  std::array<double, kAllKinds.size()> in_range{};
  double colour_rms = 0;       // BG: root mean square change over the changed pixels, levels of 255
  double sound_shift_s = 0;    // AV: where the sound comes from, relative to the picture
  int recompress_quality = 0;  // CM: JPEG-like quality of the face's own compression
  double reduce_factor = 1;    // RR: the face is reduced by this and enlarged again
  double sharpening = 0;       // RR: share of the lost fine detail that a sharpening makes up for
  double noise_factor = 1;     // LL: sensor noise in the face relative to the rest
  int lag_frames = 0;          // TM: the face is late by this; 0: (0, 2, 1)(3, 5, 4) ... instead
  double scrambled_share = 1;  // TM without lag: share of the triples that are out of order
  double seam_px = 3;          // softness of the region's edge
};

// The strength with the given places in the ranges (each 0 to 1), `in_range` of the result; what has no range
// is drawn.
Strength StrengthAt(const std::array<double, kAllKinds.size()>& in_range, Draws& draws);

// Artefacts on one region of a clip: the face in fakes, a piece of the scene in some reals.
struct Planting {
  std::vector<Kind> kinds;
  Strength strength;
  // Centre of the region as a share of width and height; absent: the region follows the face.
  std::optional<cv::Point2d> elsewhere;

  bool Has(Kind kind) const;
};

// Operations that any clip may carry, the same over the whole frame and drawn independently of the label.
struct Benign {
  std::array<double, 3> colour_gain = {1, 1, 1};
  double reduce_factor = 1;    // 1: none
  double sharpening = 0;       // after the reduction
  int recompress_quality = 0;  // 0: none
  double sound_offset_s = 0;
  double sound_level = 0.1;  // root mean square, full scale is 1
  double noise_gain = 1;     // on the take's sensor noise
};

struct ClipRecipe {
  std::string name;  // "abcdefghij.mp4"
  bool fake = false;
  Planting planting;
  Benign benign;
  double crf = 20;
};

// Settings shared by a family: the same camera and container.
struct FamilyRecipe {
  SceneShape shape;
  int rotation_degrees = 0;  // of the display matrix: 0, 90, 180, 270
  int keyframe_interval = 250;
  int sound_rate = 48000;
  int sound_channels = 1;
  double sound_level = 0.1;  // root mean square, full scale is 1; each clip differs by up to 1 dB
  bool index_first = false;
  std::vector<ClipRecipe> clips;  // the original first
  // The original is named by its fakes and is in no chunk.
  bool without_original = false;
};

struct RecipeOptions {
  Mode mode = Mode::kMixed;
  // Of the fakes in mixed mode, those with one kind alone.
  double single_kind_share = 0.5;
  // Ends of what Strength::in_range is drawn from.
  double strength_min = 1.0 / 3, strength_max = 1;
  int width = 320, height = 240;
  int frames_min = 32, frames_max = 40;
  int fakes_min = 1, fakes_max = 2;
  // Positive control of the audit: fakes are encoded this much coarser. 0: none.
  double planted_crf_tell = 0;
  // Fakes lie in dark families: a dark one has at least six, and every second dark one lacks its original; of
  // the bright ones four in five have no fake.
  bool dark_bias = false;
};

// `dark` of a family whose take is given; absent: drawn, kDarkShare of the families.
inline constexpr double kDarkShare = 0.4;
FamilyRecipe DrawFamily(Draws draws, const RecipeOptions& options, std::optional<bool> dark = std::nullopt);

}  // namespace interceptor::synth
