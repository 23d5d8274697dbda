#include "worker/models/efficientnet.h"

#include <cmath>
#include <utility>

#include "common/base/random.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// torchvision leaves BatchNorm2d at its defaults for B4.
constexpr double kBatchNormEpsilon = 1e-5;
constexpr double kBatchNormMomentum = 0.1;

bool IsBatchNorm(const TensorPlace& place) { return place.shape.size() == 1; }

}  // namespace

EfficientNet::EfficientNet(Architecture architecture, at::Device device)
    : architecture_(std::move(architecture)), device_(device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device_);
  arenas_.weights = at::zeros({architecture_.arena_size}, options);
  arenas_.gradients = at::zeros({architecture_.arena_size}, options);
  arenas_.exp_avg = at::zeros({architecture_.arena_size}, options);
  arenas_.exp_avg_sq = at::zeros({architecture_.arena_size}, options);
  arenas_.statistics = at::zeros({architecture_.statistic_count}, options);
  arenas_.counters.assign(architecture_.counters.size(), 0);
  for (const TensorPlace& place : architecture_.parameters) {
    at::Tensor leaf = arenas_.weights.narrow(0, place.offset, place.count).view(place.shape).detach();
    leaf.set_requires_grad(true);
    leaf.mutable_grad() = arenas_.gradients.narrow(0, place.offset, place.count).view(place.shape);
    parameters_.push_back(leaf);
  }
  stem_ = Weight("features.0.0.weight");
  stem_norm_ = Norm("features.0.1");
  for (const BlockShape& shape : architecture_.blocks) {
    const std::string prefix = Cat("features.", shape.stage, ".", shape.index, ".block.");
    int layer = 0;
    Block block;
    if (shape.expands()) {
      block.expand = Weight(Cat(prefix, layer, ".0.weight"));
      block.expand_norm = Norm(Cat(prefix, layer, ".1"));
      ++layer;
    }
    block.depthwise = Weight(Cat(prefix, layer, ".0.weight"));
    block.depthwise_norm = Norm(Cat(prefix, layer, ".1"));
    ++layer;
    block.reduce = Weight(Cat(prefix, layer, ".fc1.weight"));
    block.reduce_bias = Weight(Cat(prefix, layer, ".fc1.bias"));
    block.restore = Weight(Cat(prefix, layer, ".fc2.weight"));
    block.restore_bias = Weight(Cat(prefix, layer, ".fc2.bias"));
    ++layer;
    block.project = Weight(Cat(prefix, layer, ".0.weight"));
    block.project_norm = Norm(Cat(prefix, layer, ".1"));
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

EfficientNet::BatchNorm EfficientNet::Norm(const std::string& name) {
  const TensorPlace& mean = architecture_.statistics[2 * norms_bound_];
  const TensorPlace& variance = architecture_.statistics[2 * norms_bound_ + 1];
  return {.weight = Weight(name + ".weight"),
          .bias = Weight(name + ".bias"),
          .mean = arenas_.statistics.narrow(0, mean.offset, mean.count),
          .variance = arenas_.statistics.narrow(0, variance.offset, variance.count),
          .counter = norms_bound_++};
}

void EfficientNet::Initialise(uint64_t seed, uint64_t run) {
  const at::NoGradGuard no_grad;
  at::Tensor host = at::zeros({architecture_.arena_size}, at::kFloat);
  float* values = host.data_ptr<float>();
  for (const TensorPlace& place : architecture_.parameters) {
    const auto key = MakeRandomKey(seed, place.name, {run});
    float* out = values + place.offset;
    if (place.group == kClassifierGroup && place.decays) {
      const double bound = 1.0 / std::sqrt(static_cast<double>(place.shape[1]));
      for (int64_t i = 0; i < place.count; ++i) {
        out[i] = static_cast<float>((2.0 * RandomUniform(key, i) - 1.0) * bound);
      }
    } else if (place.decays) {
      const int64_t fan_out = place.shape[0] * place.shape[2] * place.shape[3];
      const double deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
      for (int64_t i = 0; i < place.count; ++i) out[i] = static_cast<float>(RandomNormal(key, i) * deviation);
    } else if (IsBatchNorm(place) && place.name.ends_with(".1.weight")) {
      for (int64_t i = 0; i < place.count; ++i) out[i] = 1.0f;
    }
  }
  arenas_.weights.copy_(host);
  arenas_.statistics.zero_();
  for (const TensorPlace& place : architecture_.statistics) {
    if (place.name.ends_with(".running_var")) {
      arenas_.statistics.narrow(0, place.offset, place.count).fill_(1.0);
    }
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
  at::Tensor x = at::conv2d(pictures, stem_, {}, 2, 1);
  x = at::silu(Normalise(x, stem_norm_, 0, mode));
  for (size_t i = 0; i < blocks_.size(); ++i) x = ForwardBlock(x, i, mode);
  x = at::silu(Normalise(at::conv2d(x, head_), head_norm_, kBackboneStages - 1, mode));
  x = at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
  if (mode.training && mode.dropout_scale.defined()) x = x * mode.dropout_scale.to(x.scalar_type());
  return at::linear(x, classifier_, classifier_bias_);
}

}  // namespace interceptor::worker
