#include "worker/models/architecture.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr double kB4Width = 1.4;
constexpr double kB4Depth = 1.8;
constexpr int kStride8 = 8;

struct StageShape {
  int expand;
  int kernel;
  int stride;
  int in;
  int out;
  int layers;
};

// Table 1 of the paper: EfficientNet-B0, which B4 widens by 1.4 and deepens by 1.8.
constexpr StageShape kStages[] = {{1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},  {6, 5, 2, 24, 40, 2},
                                  {6, 3, 2, 40, 80, 3},  {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4},
                                  {6, 3, 1, 192, 320, 1}};

// Collects tensors in torchvision's order, then lays the parameters out by group and decay.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(Architecture& net) : net_(net) {}

  void Convolution(const std::string& name, int group, std::vector<int64_t> shape) {
    AddParameter({name + ".weight", std::move(shape), InitialValue::kDrawn}, group);
  }

  void Bias(const std::string& name, int group, int64_t count) {
    AddParameter({name + ".bias", {count}, InitialValue::kZero}, group);
  }

  void New(const NewParameter& parameter) { AddParameter(parameter, kClassifierGroup); }

  void BatchNorm(const std::string& name, int group, int64_t channels) {
    AddParameter({name + ".weight", {channels}, InitialValue::kOne}, group);
    AddParameter({name + ".bias", {channels}, InitialValue::kZero}, group);
    for (const char* statistic : {".running_mean", ".running_var"}) {
      net_.statistics.push_back({name + statistic, {channels}, net_.statistic_count, channels, group, false});
      net_.statistic_count += channels;
    }
    net_.counters.push_back(name + ".num_batches_tracked");
  }

  void Finish() {
    std::ranges::stable_sort(net_.parameters, {},
                             [](const TensorPlace& place) { return std::pair(place.group, !place.decays); });
    for (TensorPlace& place : net_.parameters) {
      place.offset = net_.arena_size;
      const int64_t padded =
          (place.count + kParameterAlignment - 1) / kParameterAlignment * kParameterAlignment;
      net_.parameter_count += place.count;
      net_.arena_size += padded;
      if (net_.ranges.empty() || net_.ranges.back().group != place.group ||
          net_.ranges.back().decays != place.decays) {
        net_.ranges.push_back({place.group, place.decays, place.offset, 0});
      }
      net_.ranges.back().count += padded;
    }
  }

 private:
  void AddParameter(const NewParameter& parameter, int group) {
    const std::vector<int64_t>& shape = parameter.shape;
    const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    net_.parameters.push_back({.name = parameter.name,
                               .shape = shape,
                               .count = count,
                               .group = group,
                               .decays = shape.size() > 1,
                               .initial = parameter.initial});
  }

  Architecture& net_;
};

void AddBlock(LayoutBuilder& layout, const BlockShape& block) {
  const int stage = block.stage;
  if (block.expands()) {
    layout.Convolution(block.Name(0, "0"), stage, {block.expanded, block.in, 1, 1});
    layout.BatchNorm(block.Name(0, "1"), stage, block.expanded);
  }
  layout.Convolution(block.Name(1, "0"), stage, {block.expanded, 1, block.kernel, block.kernel});
  layout.BatchNorm(block.Name(1, "1"), stage, block.expanded);
  layout.Convolution(block.Name(2, "fc1"), stage, {block.squeezed, block.expanded, 1, 1});
  layout.Bias(block.Name(2, "fc1"), stage, block.squeezed);
  layout.Convolution(block.Name(2, "fc2"), stage, {block.expanded, block.squeezed, 1, 1});
  layout.Bias(block.Name(2, "fc2"), stage, block.expanded);
  layout.Convolution(block.Name(3, "0"), stage, {block.out, block.expanded, 1, 1});
  layout.BatchNorm(block.Name(3, "1"), stage, block.out);
}

void AddBlocks(Architecture& net) {
  int stage = 1;
  for (const StageShape& shape : kStages) {
    const int out = MakeDivisible(shape.out * kB4Width * net.width_scale);
    int in = MakeDivisible(shape.in * kB4Width * net.width_scale);
    const auto layers = static_cast<int>(std::ceil(shape.layers * kB4Depth * net.depth_scale - 1e-9));
    for (int index = 0; index < layers; ++index) {
      BlockShape block = {.stage = stage, .index = index, .in = in, .out = out, .kernel = shape.kernel};
      block.expanded = MakeDivisible(static_cast<double>(in) * shape.expand);
      block.stride = index == 0 ? shape.stride : 1;
      block.squeezed = std::max(1, in / 4);
      block.residual = block.stride == 1 && in == out;
      net.blocks.push_back(block);
      in = out;
    }
    ++stage;
  }
  for (size_t i = 0; i < net.blocks.size(); ++i) {
    net.blocks[i].drop_share = static_cast<double>(i) / static_cast<double>(net.blocks.size());
  }
}

const TensorPlace& Find(const std::vector<TensorPlace>& places, std::string_view name) {
  const auto found = std::ranges::find(places, name, &TensorPlace::name);
  ICPT_CHECK(found != places.end()) << "no tensor " << name;
  return *found;
}

}  // namespace

std::string BlockShape::Name(int layer, std::string_view part) const {
  return Cat("features.", stage, ".", index, ".block.", expands() ? layer : layer - 1, ".", part);
}

int MakeDivisible(double channels) {
  const int rounded = std::max(kStride8, static_cast<int>(channels + kStride8 / 2.0) / kStride8 * kStride8);
  return rounded < 0.9 * channels ? rounded + kStride8 : rounded;
}

Architecture MakeEfficientNetB4(double width_scale, double depth_scale, int classes, std::string front_end,
                                const std::vector<NewParameter>& more) {
  Architecture net;
  net.front_end = std::move(front_end);
  net.width_scale = width_scale;
  net.depth_scale = depth_scale;
  net.classes = classes;
  AddBlocks(net);
  net.stem_out = net.blocks.front().in;
  net.head_in = net.blocks.back().out;
  net.head_out = 4 * net.head_in;

  LayoutBuilder layout(net);
  layout.Convolution("features.0.0", 0, {net.stem_out, 3, 3, 3});
  layout.BatchNorm("features.0.1", 0, net.stem_out);
  for (const BlockShape& block : net.blocks) AddBlock(layout, block);
  layout.Convolution("features.8.0", kBackboneStages - 1, {net.head_out, net.head_in, 1, 1});
  layout.BatchNorm("features.8.1", kBackboneStages - 1, net.head_out);
  layout.Convolution("classifier.1", kClassifierGroup, {classes, net.head_out});
  layout.Bias("classifier.1", kClassifierGroup, classes);
  for (const NewParameter& parameter : more) layout.New(parameter);
  layout.Finish();
  return net;
}

std::string Architecture::Stamp() const {
  return Cat("efficientnet_b4 width ", width_scale, " depth ", depth_scale, " classes ", classes,
             front_end.empty() ? "" : Cat(" front end ", front_end));
}

int Architecture::ChannelsAfter(int stage) const {
  if (stage == 0) return stem_out;
  const auto last = std::ranges::find(blocks.rbegin(), blocks.rend(), stage, &BlockShape::stage);
  return last == blocks.rend() ? head_out : last->out;
}

const TensorPlace& Architecture::Parameter(std::string_view name) const { return Find(parameters, name); }

const TensorPlace& Architecture::Statistic(std::string_view name) const { return Find(statistics, name); }

size_t Architecture::CounterIndex(std::string_view name) const {
  const auto found = std::ranges::find(counters, name);
  ICPT_CHECK(found != counters.end()) << "no counter " << name;
  return static_cast<size_t>(found - counters.begin());
}

}  // namespace interceptor::worker
