#include "worker/models/scorer.h"

#include <utility>

#include "worker/models/device.h"
#include "worker/models/forward.h"

namespace interceptor::worker {
namespace {

class TorchScorer : public Scorer {
 public:
  TorchScorer(const ScorerOptions& options, Architecture architecture, at::Device device)
      : input_side_(options.model.input_pixels),
        bf16_(options.bf16_on_gpu && device.is_cuda()),
        net_(std::move(architecture), device),
        preprocessor_(device) {}

  EfficientNet& net() { return net_; }

  absl::StatusOr<std::vector<float>> Score(const SpecialistInput& input) override {
    return Guarded("scoring", [&]() -> absl::StatusOr<std::vector<float>> {
      return ScoreSamples(net_, preprocessor_, input, input_side_, bf16_);
    });
  }

 private:
  const int input_side_;
  const bool bf16_;
  EfficientNet net_;
  Preprocessor preprocessor_;
};

}  // namespace

std::vector<float> ScoreSamples(EfficientNet& net, const Preprocessor& preprocessor,
                                const SpecialistInput& input, int input_side, bool bf16) {
  const at::NoGradGuard no_grad;
  const at::Tensor pictures = preprocessor.Run(input, {.input_side = input_side}, {});
  const AutocastGuard autocast(bf16);
  const at::Tensor logits = net.Forward(pictures, {}).to(at::kFloat).cpu();
  const at::Tensor scores = logits.select(1, 1).sub(logits.select(1, 0)).contiguous();
  const float* values = scores.data_ptr<float>();
  return {values, values + scores.numel()};
}

absl::StatusOr<std::unique_ptr<Scorer>> MakeScorer(const ScorerOptions& options,
                                                   const std::vector<float>& weights,
                                                   const std::vector<float>& statistics) {
  const ModelSettings& model = options.model;
  Architecture net = MakeEfficientNetB4(model.width_scale, model.depth_scale, model.classes);
  if (weights.size() != static_cast<size_t>(net.arena_size) ||
      statistics.size() != static_cast<size_t>(net.statistic_count)) {
    return InvalidArgument("given are ", weights.size(), " floats of weights and ", statistics.size(),
                           " of statistics; ", net.Stamp(), " has ", net.arena_size, " and ",
                           net.statistic_count);
  }
  using Result = absl::StatusOr<std::unique_ptr<Scorer>>;
  return Guarded("setting up the network", [&]() -> Result {
    PrepareProcess(options.threads);
    ICPT_ASSIGN_OR_RETURN(const at::Device device, OpenDevice(options.device));
    auto scorer = std::make_unique<TorchScorer>(options, std::move(net), device);
    scorer->net().arenas().weights.copy_(Borrow(weights, at::kFloat));
    scorer->net().arenas().statistics.copy_(Borrow(statistics, at::kFloat));
    return scorer;
  });
}

}  // namespace interceptor::worker
