// The network on a device: flat arenas of weights and BatchNorm statistics, and of gradients where it learns,
// with every parameter a view into them, and the forward pass. Flat arenas make the optimizer a few passes
// and a capture one copy. For .cc files of this room that already include models/torch.h's cost. One thread
// at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/models/architecture.h"
#include "worker/models/torch.h"

namespace interceptor::worker {

// Flat fp32 tensors on one device.
struct Arenas {
  at::Tensor weights;
  at::Tensor gradients;  // undefined before TrackGradients
  at::Tensor statistics;
  std::vector<int64_t> counters;
};

// Added to what comes out of features.<after_stage>.
struct JoinedMap {
  int after_stage = -1;
  at::Tensor map;  // [samples, channels, height, width]
};

struct ForwardMode {
  // Dropout, stochastic depth and BatchNorm as in training; else as in evaluation.
  bool training = false;
  // BatchNorm normalises by the batch and updates its statistics in stages from this one on; kBackboneStages:
  // nowhere.
  int batch_norm_from_stage = kBackboneStages;
  // Per block [samples, 1, 1, 1]: 0 or 1 / P(kept); undefined: the block is always kept.
  std::vector<at::Tensor> block_scale = {};
  // [samples, head_out]: 0 or 1 / P(kept); undefined: no dropout.
  at::Tensor dropout_scale = {};
  JoinedMap joined = {};
};

class EfficientNet {
 public:
  // Allocates the arenas, zeroed.
  EfficientNet(Architecture architecture, at::Device device);

  // Draws weights as torchvision does (Kaiming normal by fan-out; BatchNorm 1 and 0), except that the
  // classifier is uniform within 1 / sqrt(inputs): torchvision's 1 / sqrt(classes) would start two classes
  // saturated.
  void Initialise(uint64_t seed, uint64_t run);

  // Allocates the gradients, zeroed: without them the network can only judge.
  void TrackGradients();

  // REQUIRES: TrackGradients was called.
  // Gradients flow into stages `first_stage` and up, and the classifier.
  void SetTrainable(int first_stage);

  // Logits [samples, classes] of pictures [samples, 3, side, side].
  at::Tensor Forward(const at::Tensor& pictures, const ForwardMode& mode);
  // Its two parts: pooled features [samples, head_out], after dropout, and their logits.
  at::Tensor Features(const at::Tensor& pictures, const ForwardMode& mode);
  at::Tensor Classify(const at::Tensor& features) const;

  // A parameter, which the gradient flows into.
  at::Tensor Weight(const std::string& name) const;

  const Architecture& architecture() const { return architecture_; }
  Arenas& arenas() { return arenas_; }
  at::Device device() const { return device_; }

 private:
  struct BatchNorm {
    at::Tensor weight, bias, mean, variance;
    size_t counter = 0;
  };
  struct Block {
    at::Tensor expand, depthwise, reduce, reduce_bias, restore, restore_bias, project;
    BatchNorm expand_norm, depthwise_norm, project_norm;
  };

  BatchNorm Norm(const std::string& name) const;
  at::Tensor Normalise(const at::Tensor& x, const BatchNorm& norm, int stage, const ForwardMode& mode);
  at::Tensor ForwardBlock(const at::Tensor& input, size_t index, const ForwardMode& mode);

  const Architecture architecture_;
  const at::Device device_;
  Arenas arenas_;
  std::vector<at::Tensor> parameters_;  // leaves, in the order of architecture_.parameters
  at::Tensor stem_, head_, classifier_, classifier_bias_;
  BatchNorm stem_norm_, head_norm_;
  std::vector<Block> blocks_;
};

}  // namespace interceptor::worker
