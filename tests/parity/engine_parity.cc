// Writes what tests/parity/run compares with torchvision: a checkpoint of EfficientNet-B4 with two classes,
// made by the same code as any published one, and a safetensors file with an input, its labels, and the
// engine's logits and gradients in evaluation and in training mode (dropout and stochastic depth off).
// engine_parity OUT_FOLDER
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/io/safetensors.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/learner.h"

namespace interceptor::worker {
namespace {

constexpr int kPictures = 6;
constexpr int kSide = 96;
// BatchNorm's running statistics start at 0 and 1, far from any real network's; this many batches move them
// where evaluation mode is well scaled.
constexpr int kWarmUpBatches = 5;

template <typename T>
std::string_view Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

absl::Status WriteParityFiles(const std::string& folder) {
  LearnerOptions options;
  options.recipe.dropout = 0;
  options.recipe.stochastic_depth = 0;
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<Learner> learner, Learner::Create(options));
  const Architecture& net = learner->architecture();

  std::vector<float> pictures(static_cast<size_t>(kPictures) * 3 * kSide * kSide);
  const RandomKey key = MakeRandomKey(1, "parity");
  for (size_t i = 0; i < pictures.size(); ++i) pictures[i] = static_cast<float>(RandomNormal(key, i));
  const std::vector<int64_t> labels = {0, 1, 1, 0, 1, 0};
  ProbeInput probe = {.pictures = pictures, .labels = labels, .side = kSide, .training = true};
  for (int i = 0; i < kWarmUpBatches; ++i) ICPT_RETURN_IF_ERROR(learner->Probe(probe).status());

  HostState state = MakeHostState(net, true);
  ICPT_RETURN_IF_ERROR(learner->RoundMoments(state));
  ICPT_RETURN_IF_ERROR(learner->CaptureWeights(state));
  CheckpointInfo info;
  info.facts = learner->facts();
  ICPT_RETURN_IF_ERROR(
      WriteCheckpoint(SystemFiles(), JoinPath(folder, "checkpoint.safetensors"), net, info, state, {}));

  probe.training = false;
  ICPT_ASSIGN_OR_RETURN(const ProbeResult evaluated, learner->Probe(probe));
  probe.training = true;
  ICPT_ASSIGN_OR_RETURN(const ProbeResult trained, learner->Probe(probe));
  std::vector<TensorBytes> tensors = {
      {"pictures", DType::kF32, {kPictures, 3, kSide, kSide}, Bytes(pictures)},
      {"labels", DType::kI64, {kPictures}, Bytes(labels)},
      {"eval.logits", DType::kF32, {kPictures, 2}, Bytes(evaluated.logits)},
      {"train.logits", DType::kF32, {kPictures, 2}, Bytes(trained.logits)}};
  for (const TensorPlace& place : net.parameters) {
    const auto begin = static_cast<size_t>(place.offset) * sizeof(float);
    const auto size = static_cast<size_t>(place.count) * sizeof(float);
    tensors.push_back({Cat("eval.gradient.", place.name), DType::kF32, place.shape,
                       Bytes(evaluated.gradients).substr(begin, size)});
    tensors.push_back({Cat("train.gradient.", place.name), DType::kF32, place.shape,
                       Bytes(trained.gradients).substr(begin, size)});
  }
  return WriteSafetensors(SystemFiles(), JoinPath(folder, "probe.safetensors"), {}, tensors);
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  interceptor::SetProgramName("engine_parity");
  if (argc != 2) {
    ICPT_LOG(kError) << "usage: engine_parity OUT_FOLDER";
    return 2;
  }
  const absl::Status status = interceptor::worker::WriteParityFiles(argv[1]);
  if (status.ok()) return 0;
  ICPT_LOG(kError) << interceptor::Message(status);
  return 1;
}
