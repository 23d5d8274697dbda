// Positives that need no fakes: REAL samples of a batch, altered on the spot as forgeries of the specialist's
// kind are, each beside itself unaltered. Both are compressed once more afterwards, so that it is the operation
// that tells them apart and not an edit that no codec has seen. They have an output of their own in
// models/network.h: a network that calls them FAKE learns neither well ("1 + 1 < 2", arXiv 2408.17052). After
// Shiohara, Yamasaki, "Detecting deepfakes with self-blended images", 2022. No LibTorch in this header.
#pragma once

#include "common/base/random.h"
#include "worker/sampling/types.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

struct SelfMade {
  SpecialistInput input;      // n samples as they are, then the same n altered
  std::vector<size_t> reals;  // n places in the batch: which ones
};

// `share` of the batch's size in pictures of both sorts together, as many as the batch has usable reals for. A pure function of its arguments; throws what LibTorch throws.
SelfMade MakeSelfMade(SpecialistName specialist, const FrameBatch& batch, double share, RandomKey key);

}  // namespace interceptor::worker
