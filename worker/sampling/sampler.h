// The sampler: which frame of which clip stands at which place of which batch. A pure function of its input,
// so threads, restarts and saves never change what is trained.
//
// One epoch over a chunk:
//   1. Base stream: the larger class in random order (curriculum.h may put easy clips first), every clip
//   exactly
//      once, spread evenly over the batches; each takes one clip of the smaller class beside it.
//   2. In every second batch that partner is the clip of its own family (a fake beside its own original) at
//   the
//      same moment and with the same augmentation, so that only the manipulation differs; in the others it is
//      the least-used clip of the smaller class.
//   3. Extra stream, again in real-fake pairs; at most half of all positions:
//      replay of earlier chunks' kept training families, chunk, family and clip drawn uniformly;
//      boosts, which show clips of one slice and class more often beside clips of the other class from outside of it.
// So every batch is half real and half fake whatever the chunk holds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

struct Sample {
  bool replay = false;  // `clip` counts in SamplerInput::replay, else in SamplerInput::base
  uint32_t clip = 0;
  // Where in the clip the frame lies, in [0, 1).
  double moment = 0;
  // The sample of this batch whose frame time this one takes over; -1: none, `moment` decides.
  int same_time_as = -1;
  RandomKey augmentation = {};
};

// A clip of the base or of the replay.
struct PoolClip {
  bool replay = false;
  uint32_t clip = 0;
};

// So much of all positions shows a pair of one clip of `clips` and one of `partners`, each drawn uniformly; all of a list
// are of one class.
struct Boost {
  double share = 0;
  std::vector<PoolClip> clips;
  std::vector<PoolClip> partners;
};

// Samples 2i and 2i + 1 are one real and one fake.
struct SampleBatch {
  bool paired = false;
  std::vector<Sample> samples;
};

struct SamplerInput {
  // Training clips of the chunk, and of all earlier chunks' keep stores; none of a held-out family.
  std::span<const ClipInfo> base = {};
  std::span<const ClipInfo> replay = {};
  // Look-ahead loss of each base clip (NaN: unknown); empty: none known.
  std::span<const float> losses = {};
  int held_out_fold = 0;
  int batch_size = 32;  // even
  double replay_share = 0;
  std::span<const Boost> boosts = {};
  double pace = 1;  // of the chunk's first epoch
  SpecialistName specialist = SpecialistName::kBG;
  uint64_t seed = 0;
  int chunk = 0;
  int epoch = 0;
  // Over so many epochs a clip of the larger class is looked at once in each of as many parts of its length; 1: anywhere
  // in each.
  int passes = 1;
};

// FAILED_PRECONDITION when `base` lacks one of the classes. A held-out clip among the input is our own bug
// and ends the program: nothing is ever trained on one.
absl::StatusOr<std::vector<SampleBatch>> PlanEpoch(const SamplerInput& input);

// The loss weight of each sample: its clip's of `clip_weights`, 1 for replay; none when no clip has one.
std::vector<float> SampleWeights(std::span<const Sample> samples, std::span<const float> clip_weights);

// What is left of the replay when boosts take `boost_share` of the positions, and both together.
struct ExtraShares {
  double replay = 0;
  double all = 0;
};
inline constexpr double kExtraShareMax = 0.5;
ExtraShares ShareExtra(double replay_share, double boost_share);

// How many batches PlanEpoch makes, from the counts alone. `extra_share`: ExtraShares::all.
int64_t BatchesPerEpoch(int64_t reals, int64_t fakes, int batch_size, double extra_share);

}  // namespace interceptor::worker
