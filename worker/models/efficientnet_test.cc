// What the network binds and draws; that it computes what torchvision computes stands in tests/parity.
#include "worker/models/efficientnet.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/random.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

const at::Device kCpu(at::kCPU);

void FillStatistics(EfficientNet& net) {
  for (const TensorPlace& place : net.architecture().statistics) {
    const RandomKey key = MakeRandomKey(1, place.name);
    at::Tensor values = net.arenas().statistics.narrow(0, place.offset, place.count);
    for (int64_t i = 0; i < place.count; ++i) values[i] = 0.5 + RandomUniform(key, i);
  }
}

CATCH_TEST_CASE("BatchNorm finds its statistics and its counter by name, in whatever order they stand") {
  const Architecture ordered = MakeEfficientNetB4(0.1, 0.1, 2);
  Architecture reversed = ordered;
  std::reverse(reversed.statistics.begin(), reversed.statistics.end());
  std::reverse(reversed.counters.begin(), reversed.counters.end());
  int64_t offset = 0;
  for (TensorPlace& place : reversed.statistics) place.offset = std::exchange(offset, offset + place.count);

  EfficientNet one(ordered, kCpu);
  EfficientNet other(reversed, kCpu);
  const at::Tensor pictures = at::linspace(-1, 1, 2 * 3 * 32 * 32).view({2, 3, 32, 32});
  const at::NoGradGuard no_grad;
  for (EfficientNet* net : {&one, &other}) {
    net->Initialise(1, 0);
    FillStatistics(*net);
  }
  CATCH_CHECK(at::equal(one.Forward(pictures, {}), other.Forward(pictures, {})));
  const ForwardMode last_stage = {.training = true, .batch_norm_from_stage = kBackboneStages - 1};
  CATCH_CHECK(at::equal(one.Forward(pictures, last_stage), other.Forward(pictures, last_stage)));
  std::reverse(other.arenas().counters.begin(), other.arenas().counters.end());
  CATCH_CHECK(one.arenas().counters == other.arenas().counters);
  CATCH_CHECK(one.arenas().counters.back() == 1);
  CATCH_CHECK(one.arenas().counters.front() == 0);
}

CATCH_TEST_CASE("a convolution in three dimensions is drawn by its whole fan-out") {
  Architecture net = MakeEfficientNetB4(0.1, 0.1, 2);
  const std::vector<int64_t> shape = {64, 16, 3, 5, 5};
  net.parameters.push_back({.name = "motion.weight",
                            .shape = shape,
                            .offset = net.arena_size,
                            .count = 64 * 16 * 75,
                            .group = 0,
                            .decays = true});
  net.arena_size += net.parameters.back().count;
  EfficientNet drawn(net, kCpu);
  drawn.Initialise(1, 0);
  const at::Tensor weights = drawn.arenas().weights.narrow(0, net.parameters.back().offset, 64 * 16 * 75);
  CATCH_CHECK(weights.std().item<double>() == Approx(std::sqrt(2.0 / (64 * 75))).epsilon(0.02));
}

CATCH_TEST_CASE("a network that judges holds no gradients") {
  EfficientNet net(MakeEfficientNetB4(0.1, 0.1, 2), kCpu);
  net.Initialise(1, 0);
  const at::Tensor pictures = at::ones({1, 3, 32, 32});
  CATCH_CHECK_FALSE(net.arenas().gradients.defined());
  CATCH_CHECK_FALSE(net.Forward(pictures, {}).requires_grad());
  net.TrackGradients();
  CATCH_CHECK(net.Forward(pictures, {}).requires_grad());
}

}  // namespace
}  // namespace interceptor::worker
