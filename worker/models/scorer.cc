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
        net_(std::move(architecture), options.specialist, device),
        front_end_(MakeFrontEnd(options.specialist, ModeOf(options.model), device)) {}

  EfficientNet& net() { return net_.backbone(); }

  absl::StatusOr<std::vector<SampleScore>> Score(const SpecialistInput& input) override {
    return Guarded("scoring", [&]() -> absl::StatusOr<std::vector<SampleScore>> {
      return ScoreSamples(net_, *front_end_, input, input_side_, bf16_);
    });
  }

 private:
  const int input_side_;
  const bool bf16_;
  Network net_;
  const std::unique_ptr<FrontEnd> front_end_;
};

// Logit for FAKE minus logit for REAL, on the host.
at::Tensor Difference(const at::Tensor& logits) {
  const at::Tensor host = logits.to(at::kFloat).cpu();
  return host.select(1, 1).sub(host.select(1, 0)).contiguous();
}

}  // namespace

std::vector<SampleScore> ScoreSamples(Network& net, const FrontEnd& front_end, const SpecialistInput& input,
                                      int input_side, bool bf16) {
  const at::NoGradGuard no_grad;
  const NetworkInput extracted = front_end.Extract(input, input_side, {});
  const AutocastGuard autocast(bf16);
  const Logits logits = net.Forward(extracted, {});
  const at::Tensor fused = Difference(logits.fused);
  const at::Tensor backbone = Difference(logits.backbone);
  const bool parts = logits.evidence.defined();
  const at::Tensor evidence = parts ? Difference(logits.evidence) : at::zeros_like(fused);
  const at::Tensor self_made = parts ? logits.self_made.to(at::kFloat).cpu() : at::zeros_like(fused);
  std::vector<SampleScore> scores;
  for (int64_t i = 0; i < fused.numel(); ++i) {
    const auto at = [&](const at::Tensor& values) { return values.data_ptr<float>()[i]; };
    scores.push_back({at(fused), at(backbone), at(evidence), at(self_made)});
  }
  return scores;
}

absl::StatusOr<std::unique_ptr<Scorer>> MakeScorer(const ScorerOptions& options,
                                                   const std::vector<float>& weights,
                                                   const std::vector<float>& statistics) {
  Architecture net = MakeArchitecture(options.model, options.specialist);
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
