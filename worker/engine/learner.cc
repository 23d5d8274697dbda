#include "worker/engine/learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/random.h"
#include "common/base/status.h"
#include "worker/engine/optimizer.h"
#include "worker/models/device.h"
#include "worker/models/forward.h"
#include "worker/models/self_made.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

// How often the fused logits must do without the backbone, so that the evidence is not left idle beside it, and
// how much the logits of the evidence alone count.
constexpr double kBackboneDropout = 0.3;
constexpr double kAuxiliaryWeight = 0.4;

// A copy: the backward pass reads it after the vector is gone.
at::Tensor Own(const std::vector<float>& values) { return Borrow(values, at::kFloat).clone(); }

class TorchLearner : public Learner {
 public:
  TorchLearner(const LearnerOptions& options, Architecture architecture, at::Device device)
      : options_(options),
        network_(std::move(architecture), options.specialist, device),
        net_(network_.backbone()),
        optimizer_(options.recipe, options.from_given_weights, net_),
        front_end_(MakeFrontEnd(options.specialist, ModeOf(options.model), device)),
        facts_(DescribeEngine(device, options.threads, options.bf16_on_gpu)) {
    net_.Initialise(options.seed, Run());
  }

  const Architecture& architecture() const override { return net_.architecture(); }
  const EngineFacts& facts() const override { return facts_; }

  absl::StatusOr<StepResult> Step(const StepInput& input) override {
    return Guarded("training step", [&]() -> absl::StatusOr<StepResult> {
      const at::Tensor statistics = net_.arenas().statistics.clone();
      const std::vector<int64_t> counters = net_.arenas().counters;
      StepResult result = Attempt(input, Bf16());
      for (const bool again : {true, false}) {
        if (result.taken) break;
        // The forward pass has moved them already.
        net_.arenas().statistics.copy_(statistics);
        net_.arenas().counters = counters;
        if (again && Bf16()) result = Attempt(input, false);
      }
      return result;
    });
  }

  absl::StatusOr<std::vector<SampleScore>> Score(const SpecialistInput& input) override {
    return Guarded("scoring", [&]() -> absl::StatusOr<std::vector<SampleScore>> {
      return ScoreSamples(network_, *front_end_, input, options_.model.input_pixels, Bf16());
    });
  }

  absl::StatusOr<ProbeResult> Probe(const ProbeInput& input) override {
    return Guarded("probe", [&]() -> absl::StatusOr<ProbeResult> {
      const auto count = static_cast<int64_t>(input.labels.size());
      const at::Tensor pictures = at::from_blob(const_cast<float*>(input.pictures.data()),
                                                {count, 3, input.side, input.side}, at::kFloat)
                                      .to(net_.device())
                                      .contiguous(at::MemoryFormat::ChannelsLast);
      const at::Tensor labels =
          at::from_blob(const_cast<int64_t*>(input.labels.data()), {count}, at::kLong).to(net_.device());
      net_.SetTrainable(0);
      optimizer_.ZeroGradients();
      const ForwardMode mode = {.training = input.training, .batch_norm_from_stage = 0};
      const at::Tensor logits = net_.Forward(pictures, mode);
      at::cross_entropy_loss(logits, labels).backward();
      ProbeResult result;
      const at::Tensor host_logits = logits.detach().cpu().contiguous();
      const at::Tensor host_gradients = net_.arenas().gradients.cpu();
      result.logits.assign(host_logits.data_ptr<float>(),
                           host_logits.data_ptr<float>() + host_logits.numel());
      result.gradients.assign(host_gradients.data_ptr<float>(),
                              host_gradients.data_ptr<float>() + host_gradients.numel());
      return result;
    });
  }

  absl::Status RoundMoments(HostState& state) override {
    return Guarded("rounding the moments", [&] {
      const at::NoGradGuard no_grad;
      auto round = [](at::Tensor& live, std::vector<uint16_t>& out) {
        at::Tensor host = Borrow(out, at::kBFloat16);
        host.copy_(live);
        live.copy_(host);
      };
      round(optimizer_.exp_avg(), state.exp_avg_bf16);
      round(optimizer_.exp_avg_sq(), state.exp_avg_sq_bf16);
      return absl::OkStatus();
    });
  }

  absl::Status CaptureWeights(HostState& state) override {
    return Guarded("capturing the weights", [&] {
      const Arenas& arenas = net_.arenas();
      Borrow(state.weights, at::kFloat).copy_(arenas.weights);
      Borrow(state.statistics, at::kFloat).copy_(arenas.statistics);
      state.counters = arenas.counters;
      const auto& steps = optimizer_.group_steps();
      state.group_steps.assign(steps.begin(), steps.end());
      return absl::OkStatus();
    });
  }

  absl::Status CaptureAll(HostState& state) override {
    ICPT_RETURN_IF_ERROR(CaptureWeights(state));
    return Guarded("capturing the moments", [&] {
      Borrow(state.exp_avg, at::kFloat).copy_(optimizer_.exp_avg());
      Borrow(state.exp_avg_sq, at::kFloat).copy_(optimizer_.exp_avg_sq());
      return absl::OkStatus();
    });
  }

  absl::Status Load(const HostState& state) override {
    const Architecture& net = architecture();
    const bool bf16 = !state.exp_avg_bf16.empty();
    const auto floats = static_cast<size_t>(net.arena_size);
    if (state.weights.size() != floats ||
        (bf16 ? state.exp_avg_bf16.size() : state.exp_avg.size()) != floats ||
        (bf16 ? state.exp_avg_sq_bf16.size() : state.exp_avg_sq.size()) != floats ||
        state.statistics.size() != static_cast<size_t>(net.statistic_count) ||
        state.counters.size() != net.counters.size() || state.group_steps.size() != kGroups) {
      return InvalidArgument("the state has ", state.weights.size(), " floats of weights; ", net.Stamp(),
                             " has ", floats);
    }
    return Guarded("taking over a state", [&] {
      const at::NoGradGuard no_grad;
      Arenas& arenas = net_.arenas();
      arenas.weights.copy_(Borrow(state.weights, at::kFloat));
      arenas.statistics.copy_(Borrow(state.statistics, at::kFloat));
      optimizer_.exp_avg().copy_(bf16 ? Borrow(state.exp_avg_bf16, at::kBFloat16)
                                      : Borrow(state.exp_avg, at::kFloat));
      optimizer_.exp_avg_sq().copy_(bf16 ? Borrow(state.exp_avg_sq_bf16, at::kBFloat16)
                                         : Borrow(state.exp_avg_sq, at::kFloat));
      arenas.counters = state.counters;
      std::copy(state.group_steps.begin(), state.group_steps.end(), optimizer_.group_steps().begin());
      return absl::OkStatus();
    });
  }

 private:
  bool Bf16() const { return options_.bf16_on_gpu && net_.device().is_cuda(); }
  uint64_t Run() const { return static_cast<uint64_t>(options_.specialist); }

  // 0 or 1 / P(kept) for each of `shape`'s elements.
  at::Tensor DrawKept(const RandomKey& key, at::IntArrayRef shape, double drop) const {
    at::Tensor scale = at::zeros(shape, at::kFloat);
    float* values = scale.data_ptr<float>();
    const auto kept = static_cast<float>(1.0 / (1.0 - drop));
    for (int64_t i = 0; i < scale.numel(); ++i) values[i] = RandomUniform(key, i) < drop ? 0.0f : kept;
    return scale.to(net_.device());
  }

  ForwardMode DrawMode(int64_t count, int64_t step, int first_stage) const {
    ForwardMode mode = {.training = true};
    mode.batch_norm_from_stage = options_.from_given_weights ? kBackboneStages : first_stage;
    const auto draw = static_cast<uint64_t>(step);
    for (size_t i = 0; i < architecture().blocks.size(); ++i) {
      const double drop = options_.recipe.stochastic_depth * architecture().blocks[i].drop_share;
      const bool may_drop = architecture().blocks[i].residual && drop > 0;
      const RandomKey key = MakeRandomKey(options_.seed, "stochastic depth", {Run(), draw, i});
      mode.block_scale.push_back(may_drop ? DrawKept(key, {count, 1, 1, 1}, drop) : at::Tensor());
    }
    if (options_.recipe.dropout > 0) {
      const RandomKey key = MakeRandomKey(options_.seed, "dropout", {Run(), draw});
      mode.dropout_scale = DrawKept(key, {count, architecture().head_out}, options_.recipe.dropout);
    }
    return mode;
  }

  // [samples, 1]: 0 where the fused logits must do without the backbone; undefined without evidence.
  at::Tensor DrawBackboneKept(int64_t count, int64_t step) const {
    if (!network_.has_evidence()) return {};
    const RandomKey key =
        MakeRandomKey(options_.seed, "backbone dropout", {Run(), static_cast<uint64_t>(step)});
    return DrawKept(key, {count, 1}, kBackboneDropout).sign();
  }

  // Cross-entropy per sample with smoothed labels.
  at::Tensor SampleLosses(const at::Tensor& logits, const FrameBatch& batch) const {
    std::vector<float> targets(2 * batch.is_fake.size());
    const double smoothing = options_.recipe.label_smoothing;
    for (size_t i = 0; i < batch.is_fake.size(); ++i) {
      const double fake = (batch.is_fake[i] != 0 ? 1.0 : 0.0) * (1.0 - smoothing) + smoothing / 2;
      targets[2 * i] = static_cast<float>(1.0 - fake);
      targets[2 * i + 1] = static_cast<float>(fake);
    }
    const at::Tensor target =
        Own(targets).view({static_cast<int64_t>(batch.is_fake.size()), 2}).to(net_.device());
    return at::log_softmax(logits.to(at::kFloat), 1).mul(target).sum(1).neg();
  }

  // Of each sample: the curriculum's, and nothing for what could not be looked at; the rest of its class then weighs
  // so much more that real and fake count alike. Empty: all 1.
  static std::vector<float> LossWeights(const StepInput& input) {
    const std::vector<uint8_t>& usable = input.batch->input.usable;
    const std::vector<uint8_t>& is_fake = input.batch->is_fake;
    std::vector<float> weights(input.weights.begin(), input.weights.end());
    if (std::ranges::find(usable, 0) == usable.end()) return weights;
    weights.resize(usable.size(), 1.0f);
    float seen[2] = {0, 0};
    for (size_t i = 0; i < usable.size(); ++i) seen[is_fake[i]] += usable[i];
    const float half = static_cast<float>(usable.size()) / 2;
    for (size_t i = 0; i < usable.size(); ++i) weights[i] *= usable[i] == 0 ? 0.0f : half / seen[is_fake[i]];
    return weights;
  }

  std::vector<Augmentation> Augmentations(const StepInput& input) const {
    std::vector<Augmentation> augmentations;
    for (const Sample& sample : input.batch->samples) {
      augmentations.push_back(DrawAugmentation(sample.augmentation, TraitsOf(options_.specialist).whitelist,
                                               input.stage->augmentation_strength));
    }
    return augmentations;
  }

  // Undefined where the recipe asks for none, or the batch has no real to make them of.
  at::Tensor SelfMadeLoss(const StepInput& input, int side, const std::vector<Augmentation>& augmentations,
                          bool bf16) {
    if (options_.recipe.self_made_share == 0) return {};
    const RandomKey key =
        MakeRandomKey(options_.seed, "self-made", {Run(), static_cast<uint64_t>(input.step)});
    const SelfMade made =
        MakeSelfMade(options_.specialist, *input.batch, options_.recipe.self_made_share, key);
    if (made.reals.empty()) return {};
    std::vector<Augmentation> twice;
    for (int time = 0; time < 2; ++time) {
      for (const size_t place : made.reals) twice.push_back(augmentations[place]);
    }
    const NetworkInput extracted = front_end_->Extract(made.input, side, twice);
    const AutocastGuard autocast(bf16);
    const std::vector<at::Tensor> halves = network_.SelfMadeLogits(extracted).to(at::kFloat).chunk(2);
    return at::log_sigmoid(at::cat({halves[0].neg(), halves[1]})).mean().neg();
  }

  StepResult Attempt(const StepInput& input, bool bf16) {
    const FrameBatch& batch = *input.batch;
    const std::vector<Augmentation> augmentations = Augmentations(input);
    const int whole = options_.model.input_pixels;
    const bool canvas = ShowsCanvas(options_.specialist, ModeOf(options_.model));
    const int side = canvas ? whole : std::min(input.stage->input_pixels, whole);
    const NetworkInput extracted = front_end_->Extract(batch.input, side, augmentations);
    const int first_stage = kBackboneStages - std::clamp(input.stage->trainable_stages, 0, kBackboneStages);
    net_.SetTrainable(first_stage);
    optimizer_.ZeroGradients();

    at::Tensor losses;
    {
      const AutocastGuard autocast(bf16);
      const Logits logits = network_.Forward(extracted, DrawMode(batch.input.count, input.step, first_stage),
                                             DrawBackboneKept(batch.input.count, input.step));
      losses = SampleLosses(logits.fused, batch);
      if (logits.evidence.defined())
        losses = losses + SampleLosses(logits.evidence, batch) * kAuxiliaryWeight;
    }
    const std::vector<float> weights = LossWeights(input);
    if (!weights.empty()) losses = losses * Own(weights).to(net_.device());
    at::Tensor loss = losses.mean();
    const at::Tensor self_made_loss = SelfMadeLoss(input, side, augmentations, bf16);
    if (self_made_loss.defined()) loss = loss + self_made_loss;
    StepResult result;
    result.loss = loss.item<double>();
    result.taken = std::isfinite(result.loss);
    if (!result.taken) return result;
    loss.backward();
    result.gradient_norm =
        optimizer_.Step({.learning_rate = input.learning_rate, .first_trainable_group = first_stage});
    result.taken = std::isfinite(result.gradient_norm);
    return result;
  }

  const LearnerOptions options_;
  Network network_;
  EfficientNet& net_;
  Optimizer optimizer_;
  const std::unique_ptr<FrontEnd> front_end_;
  const EngineFacts facts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> Learner::Create(const LearnerOptions& options) {
  Architecture architecture = MakeArchitecture(options.model, options.specialist);
  using Result = absl::StatusOr<std::unique_ptr<Learner>>;
  return Guarded("setting up the network", [&]() -> Result {
    PrepareProcess(options.threads);
    ICPT_ASSIGN_OR_RETURN(const at::Device device, OpenDevice(options.device));
    return std::make_unique<TorchLearner>(options, std::move(architecture), device);
  });
}

HostState MakeHostState(const Architecture& architecture, bool bf16_moments) {
  HostState state;
  const auto floats = static_cast<size_t>(architecture.arena_size);
  state.weights.resize(floats);
  state.statistics.resize(static_cast<size_t>(architecture.statistic_count));
  state.counters.resize(architecture.counters.size());
  state.group_steps.resize(kGroups);
  if (bf16_moments) {
    state.exp_avg_bf16.resize(floats);
    state.exp_avg_sq_bf16.resize(floats);
  } else {
    state.exp_avg.resize(floats);
    state.exp_avg_sq.resize(floats);
  }
  return state;
}

}  // namespace interceptor::worker
