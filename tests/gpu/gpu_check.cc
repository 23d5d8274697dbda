// Holds EfficientNet-B4 on a GPU against the same on the CPU: gpu_check [DEVICE, default cuda:0]. Tolerances,
// fp32 on both sides, relative to the largest value: logits 1e-3, gradients 1e-2 in norm. One AdamW step
// moves each weight by about the learning rate, whatever the size of its gradient, so weights with a
// vanishing one may move either way: at most 2 % of them may differ by more than a tenth of the learning
// rate.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/random_batch.h"
#include "worker/engine/learner.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

constexpr double kLogitTolerance = 1e-3;
constexpr double kGradientTolerance = 1e-2;
constexpr double kStrayWeightsMax = 0.02;
constexpr double kLearningRate = 1e-3;

LearnerOptions Options(const std::string& device) {
  LearnerOptions options;
  options.device = device;
  options.bf16_on_gpu = false;
  options.threads = 8;
  options.recipe.warmup_steps = 0;
  options.recipe.dropout = 0;
  options.recipe.stochastic_depth = 0;
  return options;
}

double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  double largest = 1e-12;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

double NormDifference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0;
  double norm = 1e-24;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference / norm);
}

bool Report(const char* what, double value, double limit) {
  std::printf("%-28s %.2e (limit %.0e)%s\n", what, value, limit, value <= limit ? "" : "  <-- too much");
  return value <= limit;
}

absl::StatusOr<bool> CheckAgainstCpu(const std::string& device) {
  ICPT_ASSIGN_OR_RETURN(const auto cpu, Learner::Create(Options("cpu")));
  ICPT_ASSIGN_OR_RETURN(const auto gpu, Learner::Create(Options(device)));
  std::vector<float> pictures(size_t{8} * 3 * 128 * 128);
  for (size_t i = 0; i < pictures.size(); ++i) {
    pictures[i] = static_cast<float>(RandomNormal(MakeRandomKey(2, "gpu check"), i));
  }
  const std::vector<int64_t> labels = {0, 1, 0, 1, 1, 0, 1, 0};
  const ProbeInput probe = {.pictures = pictures, .labels = labels, .side = 128, .training = true};
  ICPT_ASSIGN_OR_RETURN(const ProbeResult expected, cpu->Probe(probe));
  ICPT_ASSIGN_OR_RETURN(const ProbeResult found, gpu->Probe(probe));
  bool good = Report("logits", LargestDifference(found.logits, expected.logits), kLogitTolerance);
  good &= Report("gradients", NormDifference(found.gradients, expected.gradients), kGradientTolerance);

  const FrameBatch batch = RandomBatch(8, 128, ViewsOf(SpecialistName::kBG, FrontEndMode::kFaceCrop));
  CurriculumStage stage = {.input_pixels = 128, .augmentation_strength = 0};
  const StepInput input = {.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = kLearningRate};
  ICPT_RETURN_IF_ERROR(cpu->Step(input).status());
  ICPT_RETURN_IF_ERROR(gpu->Step(input).status());
  HostState on_cpu = MakeHostState(cpu->architecture(), false);
  HostState on_gpu = on_cpu;
  ICPT_RETURN_IF_ERROR(cpu->CaptureAll(on_cpu));
  ICPT_RETURN_IF_ERROR(gpu->CaptureAll(on_gpu));
  int64_t stray = 0;
  for (size_t i = 0; i < on_cpu.weights.size(); ++i) {
    stray += std::abs(on_cpu.weights[i] - on_gpu.weights[i]) > kLearningRate / 10;
  }
  const double share = static_cast<double>(stray) / static_cast<double>(on_cpu.weights.size());
  return Report("weights that differ after a step", share, kStrayWeightsMax) && good;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  SetProgramName("gpu_check");
  const absl::StatusOr<bool> good = worker::CheckAgainstCpu(argc > 1 ? argv[1] : "cuda:0");
  if (!good.ok()) {
    ICPT_LOG(kError) << Message(good.status());
    return good.status().code() == absl::StatusCode::kNotFound ? 77 : 1;
  }
  return *good ? 0 : 1;
}
