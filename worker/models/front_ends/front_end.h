// A front end: from what a specialist sees of a batch to the input of its network. The transforms are fixed and
// come from what is known of how pictures are made; what is learned from them stands in models/network.h.
// For .cc files of this room that already include models/torch.h's cost. One thread at a time.
#pragma once

#include <memory>
#include <span>

#include "worker/models/network.h"
#include "worker/models/specialist.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

class FrontEnd {
 public:
  virtual ~FrontEnd() = default;

  // `side` of the pictures. An empty span of augmentations means none. Samples that are not usable come out
  // finite.
  virtual NetworkInput Extract(const SpecialistInput& input, int side,
                               std::span<const Augmentation> augmentations) const = 0;

  // [samples]: what of the evidence that Extract draws under the same augmentations grows with the manipulation
  // that the specialist is named for, without any learning. Zeros where a front end has none.
  virtual at::Tensor Statistic(const SpecialistInput& input,
                               std::span<const Augmentation> augmentations) const;
};

std::unique_ptr<FrontEnd> MakeFrontEnd(SpecialistName specialist, FrontEndMode mode, at::Device device);

// One front end each, for MakeFrontEnd.
std::unique_ptr<FrontEnd> MakeCompressionFrontEnd(FrontEndMode mode, at::Device device);
std::unique_ptr<FrontEnd> MakeResolutionFrontEnd(FrontEndMode mode, at::Device device);
std::unique_ptr<FrontEnd> MakeLowLightFrontEnd(FrontEndMode mode, at::Device device);
std::unique_ptr<FrontEnd> MakeTemporalFrontEnd(FrontEndMode mode, at::Device device);
std::unique_ptr<FrontEnd> MakeAudioVisualFrontEnd(FrontEndMode mode, at::Device device);
std::unique_ptr<FrontEnd> MakeBackgroundFrontEnd(FrontEndMode mode, at::Device device);

}  // namespace interceptor::worker
