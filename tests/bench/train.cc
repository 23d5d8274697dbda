// interceptor-bench train: how fast EfficientNet-B4 trains, from stored bytes to the finished step (upload,
// augmentation, forward, backward, AdamW). Prints a JSON object:
//   images_per_s    median over the rounds
//   ms_per_step     of the median round
//   device, precision, build
// Parses its words itself: a GPU box need not have the library for it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "tests/support/random_batch.h"
#include "worker/engine/learner.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

constexpr int kSide = 224;
constexpr int kRounds = 5;
constexpr char kUsage[] =
    "usage: interceptor-bench train [--device auto|cpu|cuda:N] [--batch N] [--threads N] [--steps N]\n"
    "Measures how fast EfficientNet-B4 trains on pictures of 224: medians of five rounds of --steps steps.\n";

struct Options {
  std::string device = "auto";
  int batch = 8;
  int threads = 2;
  int steps = 2;  // of each round; as many more warm up
};

absl::StatusOr<nlohmann::json> Measure(const Options& options) {
  LearnerOptions learner_options;
  learner_options.device = options.device;
  learner_options.threads = options.threads;
  ICPT_ASSIGN_OR_RETURN(const auto learner, Learner::Create(learner_options));
  const FrameBatch batch = RandomBatch(options.batch, kSide, ViewsOf(SpecialistName::kBG, FrontEndMode::kFaceCrop));
  const CurriculumStage stage = {};
  std::vector<double> seconds;
  int64_t step = 0;
  for (int round = -1; round < kRounds; ++round) {
    const MonotonicTime begin = SystemClock().Now();
    for (int i = 0; i < options.steps; ++i) {
      ICPT_RETURN_IF_ERROR(
          learner
              ->Step({.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = 1e-5, .step = step++})
              .status());
    }
    if (round >= 0) seconds.push_back(absl::ToDoubleSeconds(SystemClock().Now() - begin));
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const EngineFacts& facts = learner->facts();
  return nlohmann::json{{"images_per_s", options.steps * options.batch / median},
                        {"ms_per_step", 1000 * median / options.steps},
                        {"batch", options.batch},
                        {"device", facts.device},
                        {"precision", facts.precision},
                        {"threads", facts.threads},
                        {"build", facts.build}};
}

// False for words that mean nothing.
bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (word == "--device") {
      options.device = value;
      continue;
    }
    const int number = std::atoi(value.c_str());
    int* target = word == "--batch"     ? &options.batch
                  : word == "--threads" ? &options.threads
                  : word == "--steps"   ? &options.steps
                                        : nullptr;
    if (target == nullptr || number < 1) return false;
    *target = number;
  }
  return true;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  SetProgramName("interceptor-bench-train");
  worker::Options options;
  if (!worker::Parse(argc, argv, options)) {
    std::fputs(worker::kUsage, stderr);
    return 2;
  }
  const absl::StatusOr<nlohmann::json> figures = worker::Measure(options);
  if (!figures.ok()) {
    ICPT_LOG(kError) << Message(figures.status());
    return 1;
  }
  std::printf("%s\n", figures->dump().c_str());
  return 0;
}
