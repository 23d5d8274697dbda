// From stored bytes to the network's input, on the network's device: size, augmentation, normalisation.
// For .cc files of this room that already include models/torch.h's cost.
#pragma once

#include <span>

#include "worker/models/specialist.h"
#include "worker/models/torch.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// Applies drawn augmentations to whole batches. Everything it does follows from its arguments: noise comes
// from a bank drawn once from a fixed key, which each sample enters at its own place and a picture larger
// than it goes round.
class Preprocessor {
 public:
  explicit Preprocessor(at::Device device);

  struct Shape {
    int input_side = 0;
    SizeChange size_change = SizeChange::kResize;
  };

  // The face crops as [samples, 3, input_side, input_side], normalised, channels last. An empty span of
  // augmentations means none, and resizing for every size change.
  at::Tensor Run(const SpecialistInput& input, const Shape& shape,
                 std::span<const Augmentation> augmentations) const;
  // Its two parts: RGB from 0 to 1, and what ImageNet's mean and deviation make of it.
  at::Tensor RgbOf(const SpecialistInput& input, const Shape& shape,
                   std::span<const Augmentation> augmentations) const;
  at::Tensor Normalise(const at::Tensor& rgb) const;

 private:
  at::Tensor FlipAndColour(at::Tensor x, std::span<const Augmentation> drawn) const;
  at::Tensor Degrade(at::Tensor x, std::span<const Augmentation> drawn) const;
  // `values` numbers of the bank from `place` in [0, 1) on.
  at::Tensor Noise(double place, int64_t values) const;
  at::Tensor Quantise(const at::Tensor& x, double step) const;

  const at::Device device_;
  at::Tensor noise_bank_;
  at::Tensor dct_;
  at::Tensor mean_;
  at::Tensor deviation_;
};

}  // namespace interceptor::worker
