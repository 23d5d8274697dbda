// EfficientNet-B4 as data: its blocks and the names, shapes and places of its tensors, exactly as torchvision
// builds them (torchvision.models.efficientnet_b4; Tan, Le, "EfficientNet", ICML 2019), with width and depth
// scales relative to B4. Pure; no LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace interceptor::worker {

// features.0 ... features.8 are groups 0 ... 8; the classifier is group 9, the only one of new parameters
// when training starts from given weights.
inline constexpr int kGroups = 10;
inline constexpr int kBackboneStages = 9;
inline constexpr int kClassifierGroup = 9;

// Every parameter begins at a multiple of so many floats, 64 bytes: cuDNN's kernels read 16 bytes at a time
// and fault on a tensor that begins elsewhere.
inline constexpr int64_t kParameterAlignment = 16;

enum class InitialValue { kDrawn, kZero, kOne };

// A parameter that EfficientNet does not have, of the classifier's group.
struct NewParameter {
  std::string name;
  std::vector<int64_t> shape;  // decays when it has more than one dimension
  InitialValue initial = InitialValue::kDrawn;
};

// A tensor's place in its arena: `count` floats from `offset`.
struct TensorPlace {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset = 0;
  int64_t count = 0;
  int group = 0;
  bool decays = false;  // weight decay applies: not to biases and BatchNorm
  InitialValue initial = InitialValue::kDrawn;
};

// Neighbouring parameters that the optimizer treats alike, with the padding after each: zeros, which every
// update leaves at zero.
struct ParameterRange {
  int group = 0;
  bool decays = false;
  int64_t offset = 0;
  int64_t count = 0;
};

// One MBConv block of four layers: expand (where it expands), depthwise, squeeze and excite, project.
struct BlockShape {
  int stage = 1;
  int index = 0;
  int in = 0;
  int expanded = 0;
  int out = 0;
  int kernel = 3;
  int stride = 1;
  int squeezed = 0;
  bool residual = false;
  // Times Recipe.stochastic_depth: the probability that the block is skipped.
  double drop_share = 0;

  bool expands() const { return expanded != in; }
  // "features.<stage>.<index>.block.<n>.<part>": what is there of the four layers is numbered on.
  std::string Name(int layer, std::string_view part) const;
};

struct Architecture {
  double width_scale = 1;
  double depth_scale = 1;
  int classes = 2;
  std::string front_end;  // names the new parameters; empty: none
  int stem_out = 0;
  int head_in = 0;
  int head_out = 0;
  std::vector<BlockShape> blocks;

  std::vector<TensorPlace> parameters;  // arena order: by group, decaying ones first
  std::vector<ParameterRange> ranges;
  int64_t parameter_count = 0;
  int64_t arena_size = 0;               // floats: the parameters and the padding between them
  std::vector<TensorPlace> statistics;  // BatchNorm's running_mean and running_var
  int64_t statistic_count = 0;
  std::vector<std::string> counters;  // BatchNorm's num_batches_tracked, one int64 each

  // What a checkpoint must agree with: "efficientnet_b4 width 1 depth 1 classes 2", and with a front end
  // " front end " and its name.
  std::string Stamp() const;

  // REQUIRES: the name is one of them.
  const TensorPlace& Parameter(std::string_view name) const;
  const TensorPlace& Statistic(std::string_view name) const;
  size_t CounterIndex(std::string_view name) const;
  // Channels that come out of features.<stage>.
  int ChannelsAfter(int stage) const;
};

// `front_end` and `more` may be empty: EfficientNet-B4 alone.
Architecture MakeEfficientNetB4(double width_scale, double depth_scale, int classes,
                                std::string front_end = {}, const std::vector<NewParameter>& more = {});

// Rounds to a multiple of eight, never more than a tenth below the value: torchvision's _make_divisible.
int MakeDivisible(double channels);

}  // namespace interceptor::worker
