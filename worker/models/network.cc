#include "worker/models/network.h"

#include <algorithm>
#include <utility>

namespace interceptor::worker {
namespace {

constexpr int64_t kGroupsOfChannels = 4;  // of GroupNorm: BatchNorm would mix samples

at::Tensor GroupNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::group_norm(x, kGroupsOfChannels, weight, bias, 1e-5, /*cudnn_enabled=*/true);
}

// A canvas of patches has the inner face at its left and the ring at its right: the channels' means, and how
// the two sides differ.
at::Tensor Pool(const at::Tensor& map) {
  const at::Tensor sides = at::adaptive_avg_pool2d(map, {1, 2}).flatten(2);
  return at::cat({sides.mean(2), sides.select(2, 0) - sides.select(2, 1)}, 1);
}

}  // namespace

Network::Network(Architecture architecture, SpecialistName specialist, at::Device device)
    : backbone_(std::move(architecture), device) {
  const auto& parameters = this->architecture().parameters;
  const auto has = [&](const char* name) {
    return std::ranges::find(parameters, name, &TensorPlace::name) != parameters.end();
  };
  if (!has("evidence.classifier.weight")) return;
  const auto weight = [&](const char* name) { return backbone_.Weight(Cat("evidence.", name)); };
  Evidence& e = evidence_.emplace();
  e.shape = TraitsOf(specialist).evidence;
  if (e.shape.map_channels > 0) {
    e.map = weight("map.weight");
    e.map_norm = weight("map_norm.weight");
    e.map_norm_bias = weight("map_norm.bias");
    e.join = weight("join.weight");
  }
  e.figures = weight("figures.weight");
  e.figures_bias = weight("figures.bias");
  e.vector = weight("vector.weight");
  e.vector_bias = weight("vector.bias");
  e.classifier = weight("classifier.weight");
  e.auxiliary = weight("auxiliary.weight");
  e.auxiliary_bias = weight("auxiliary.bias");
  e.self_made = weight("self_made.weight");
  e.self_made_bias = weight("self_made.bias");
  e.self_made_join = weight("self_made_join.weight");
}

// Undefined where the evidence has none.
at::Tensor Network::Map(const NetworkInput& input) const {
  const Evidence& e = *evidence_;
  if (e.shape.map_channels == 0) return {};
  return at::silu(GroupNorm(at::conv2d(input.map, e.map), e.map_norm, e.map_norm_bias));
}

at::Tensor Network::Vector(const NetworkInput& input, const at::Tensor& map) const {
  const Evidence& e = *evidence_;
  at::Tensor x = input.figures;
  if (map.defined()) x = at::cat({x, Pool(map).to(x.scalar_type())}, 1);
  // Not normalised: how large figures are is what they say.
  x = at::silu(at::linear(x, e.figures, e.figures_bias));
  return at::silu(at::linear(x, e.vector, e.vector_bias));
}

at::Tensor Network::SelfMadeLogits(const NetworkInput& input) const {
  const Evidence& e = *evidence_;
  return at::linear(Vector(input, Map(input)), e.self_made, e.self_made_bias).flatten();
}

Logits Network::Forward(const NetworkInput& input, ForwardMode mode, const at::Tensor& backbone_kept) {
  if (!evidence_.has_value()) {
    const at::Tensor logits = backbone_.Forward(input.pictures, mode);
    return {.fused = logits, .backbone = logits, .evidence = {}, .self_made = {}};
  }
  const Evidence& e = *evidence_;
  const at::Tensor map = Map(input);
  if (map.defined()) mode.joined = {.after_stage = e.shape.map_stage, .map = at::conv2d(map, e.join)};
  const at::Tensor vector = Vector(input, map);
  const at::Tensor features = backbone_.Features(input.pictures, mode);
  const at::Tensor kept =
      backbone_kept.defined() ? features * backbone_kept.to(features.scalar_type()) : features;
  const at::Tensor self_made = at::linear(vector, e.self_made, e.self_made_bias);
  // For FAKE as it stands, against REAL; the main label must not train that output.
  const at::Tensor joined = self_made.detach().mul(e.self_made_join).div(2);
  return {.fused = backbone_.Classify(kept) + at::linear(vector, e.classifier) +
                   at::cat({joined.neg(), joined}, 1),
          .backbone = backbone_.Classify(features),
          .evidence = at::linear(vector, e.auxiliary, e.auxiliary_bias),
          .self_made = self_made.flatten()};
}

}  // namespace interceptor::worker
