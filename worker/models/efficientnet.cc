#include "worker/models/efficientnet.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "common/base/random.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// torchvision leaves BatchNorm2d at its defaults for B4.
constexpr double kBatchNormEpsilon = 1e-5;
constexpr double kBatchNormMomentum = 0.1;

}  // namespace

EfficientNet::EfficientNet(Architecture architecture, at::Device device)
    : architecture_(std::move(architecture)), device_(device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device_);
  arenas_.weights = at::zeros({architecture_.arena_size}, options);
  arenas_.statistics = at::zeros({architecture_.statistic_count}, options);
  arenas_.counters.assign(architecture_.counters.size(), 0);
  for (const TensorPlace& place : architecture_.parameters) {
    parameters_.push_back(arenas_.weights.narrow(0, place.offset, place.count).view(place.shape).detach());
  }
  stem_ = Weight("features.0.0.weight");
  stem_norm_ = Norm("features.0.1");
  for (const BlockShape& shape : architecture_.blocks) {
    Block block;
    if (shape.expands()) {
      block.expand = Weight(shape.Name(0, "0.weight"));
      block.expand_norm = Norm(shape.Name(0, "1"));
    }
    block.depthwise = Weight(shape.Name(1, "0.weight"));
    block.depthwise_norm = Norm(shape.Name(1, "1"));
    block.reduce = Weight(shape.Name(2, "fc1.weight"));
    block.reduce_bias = Weight(shape.Name(2, "fc1.bias"));
    block.restore = Weight(shape.Name(2, "fc2.weight"));
    block.restore_bias = Weight(shape.Name(2, "fc2.bias"));
    block.project = Weight(shape.Name(3, "0.weight"));
    block.project_norm = Norm(shape.Name(3, "1"));
    blocks_.push_back(std::move(block));
  }
  head_ = Weight("features.8.0.weight");
  head_norm_ = Norm("features.8.1");
  classifier_ = Weight("classifier.1.weight");
  classifier_bias_ = Weight("classifier.1.bias");
}

at::Tensor EfficientNet::Weight(const std::string& name) const {
  return parameters_[&architecture_.Parameter(name) - architecture_.parameters.data()];
}

EfficientNet::BatchNorm EfficientNet::Norm(const std::string& name) const {
  auto statistic = [&](const char* which) {
    const TensorPlace& place = architecture_.Statistic(name + which);
    return arenas_.statistics.narrow(0, place.offset, place.count);
  };
  return {.weight = Weight(name + ".weight"),
          .bias = Weight(name + ".bias"),
          .mean = statistic(".running_mean"),
          .variance = statistic(".running_var"),
          .counter = architecture_.CounterIndex(name + ".num_batches_tracked")};
}

void EfficientNet::Initialise(uint64_t seed, uint64_t run) {
  const at::NoGradGuard no_grad;
  at::Tensor host = at::zeros({architecture_.arena_size}, at::kFloat);
  float* values = host.data_ptr<float>();
  for (const TensorPlace& place : architecture_.parameters) {
    const auto key = MakeRandomKey(seed, place.name, {run});
    float* out = values + place.offset;
    if (place.initial != InitialValue::kDrawn) {
      if (place.initial == InitialValue::kOne) std::fill_n(out, place.count, 1.0f);
    } else if (place.group == kClassifierGroup) {
      const int64_t fan_in = place.count / place.shape[0];
      const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
      for (int64_t i = 0; i < place.count; ++i) {
        out[i] = static_cast<float>((2.0 * RandomUniform(key, i) - 1.0) * bound);
      }
    } else {
      const int64_t fan_out = place.count / place.shape[1];  // outputs times the kernel's size
      const double deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
      for (int64_t i = 0; i < place.count; ++i) out[i] = static_cast<float>(RandomNormal(key, i) * deviation);
    }
  }
  arenas_.statistics.zero_();
  constexpr std::string_view kVariance = ".running_var";
  for (const TensorPlace& place : architecture_.statistics) {
    if (place.name.ends_with(kVariance)) arenas_.statistics.narrow(0, place.offset, place.count).fill_(1.0);
  }
  arenas_.weights.copy_(host);
}

void EfficientNet::TrackGradients() {
  arenas_.gradients = at::zeros_like(arenas_.weights);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const TensorPlace& place = architecture_.parameters[i];
    parameters_[i].set_requires_grad(true);
    parameters_[i].mutable_grad() = arenas_.gradients.narrow(0, place.offset, place.count).view(place.shape);
  }
}

void EfficientNet::SetTrainable(int first_stage) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    parameters_[i].set_requires_grad(architecture_.parameters[i].group >= first_stage);
  }
}

at::Tensor EfficientNet::Normalise(const at::Tensor& x, const BatchNorm& norm, int stage,
                                   const ForwardMode& mode) {
  const bool by_batch = mode.training && stage >= mode.batch_norm_from_stage;
  if (by_batch) ++arenas_.counters[norm.counter];
  return at::batch_norm(x, norm.weight, norm.bias, norm.mean, norm.variance, by_batch, kBatchNormMomentum,
                        kBatchNormEpsilon, /*cudnn_enabled=*/true);
}

at::Tensor EfficientNet::ForwardBlock(const at::Tensor& input, size_t index, const ForwardMode& mode) {
  const BlockShape& shape = architecture_.blocks[index];
  const Block& block = blocks_[index];
  at::Tensor x = input;
  if (shape.expands()) {
    x = at::silu(Normalise(at::conv2d(x, block.expand), block.expand_norm, shape.stage, mode));
  }
  x = at::conv2d(x, block.depthwise, {}, shape.stride, shape.kernel / 2, 1, shape.expanded);
  x = at::silu(Normalise(x, block.depthwise_norm, shape.stage, mode));
  at::Tensor gate = at::adaptive_avg_pool2d(x, {1, 1});
  gate = at::silu(at::conv2d(gate, block.reduce, block.reduce_bias));
  gate = at::sigmoid(at::conv2d(gate, block.restore, block.restore_bias));
  x = Normalise(at::conv2d(x * gate, block.project), block.project_norm, shape.stage, mode);
  if (!shape.residual) return x;
  const bool may_skip = mode.training && index < mode.block_scale.size() && mode.block_scale[index].defined();
  return (may_skip ? x * mode.block_scale[index].to(x.scalar_type()) : x) + input;
}

at::Tensor EfficientNet::Forward(const at::Tensor& pictures, const ForwardMode& mode) {
  return Classify(Features(pictures, mode));
}

at::Tensor EfficientNet::Features(const at::Tensor& pictures, const ForwardMode& mode) {
  const auto join = [&](const at::Tensor& x, int stage) {
    return mode.joined.after_stage == stage ? x + mode.joined.map.to(x.scalar_type()) : x;
  };
  at::Tensor x = at::conv2d(pictures, stem_, {}, 2, 1);
  x = join(at::silu(Normalise(x, stem_norm_, 0, mode)), 0);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = ForwardBlock(x, i, mode);
    const int stage = architecture_.blocks[i].stage;
    const bool ends_stage = i + 1 == blocks_.size() || architecture_.blocks[i + 1].stage != stage;
    if (ends_stage) x = join(x, stage);
  }
  x = at::silu(Normalise(at::conv2d(x, head_), head_norm_, kBackboneStages - 1, mode));
  x = at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
  return mode.training && mode.dropout_scale.defined() ? x * mode.dropout_scale.to(x.scalar_type()) : x;
}

at::Tensor EfficientNet::Classify(const at::Tensor& features) const {
  return at::linear(features, classifier_, classifier_bias_);
}

}  // namespace interceptor::worker
