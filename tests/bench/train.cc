// interceptor-bench train: how fast EfficientNet-B4 trains, from stored bytes to the finished step (upload, front end,
// augmentation, forward, backward, AdamW). Without --specialist on face crops alone; with it as the master plan trains
// that specialist: its own views, front end and self-made positives. Prints a JSON object:
//   images_per_s    median over the rounds, self-made pictures not counted
//   ms_per_step     of the median round
//   device, precision, threads, build
// and with --store, whose clips are trained on instead of noise:
//   load_ms_per_step   what a batch takes a loader that nothing else runs beside
//   data_wait_share    of the time from the loader's start, what the steps have waited for it
// Parses its words itself: a GPU box need not have the library for it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "tests/support/random_batch.h"
#include "worker/engine/learner.h"
#include "worker/models/specialist.h"
#include "worker/store/clip_store.h"
#include "worker/store/loader.h"

namespace interceptor::worker {
namespace {

constexpr int kSide = 224;
constexpr int kRounds = 5;
constexpr double kSelfMadeShare = 0.25;  // the master plan's
constexpr char kUsage[] =
    "usage: interceptor-bench train [--specialist BG|AV|CM|RR|LL|TM] [--store FILE.clips] [--json]\n"
    "                               [--device auto|cpu|cuda:N] [--batch N] [--threads N] [--steps N]\n"
    "Measures how fast EfficientNet-B4 trains at 224: medians of five rounds of --steps steps. Always "
    "JSON.\n";

struct Options {
  std::string device = "auto";
  int batch = 8;
  int threads = 2;
  int steps = 2;  // of each round; as many more warm up
  std::optional<SpecialistName> specialist;
  std::string store;

  SpecialistName Name() const { return specialist.value_or(SpecialistName::kBG); }
  FrontEndMode Mode() const {
    return specialist.has_value() ? FrontEndMode::kSpecialist : FrontEndMode::kFaceCrop;
  }
};

double SecondsSince(MonotonicTime begin) { return absl::ToDoubleSeconds(SystemClock().Now() - begin); }

// The store's clips, over and over, for `batches` batches.
absl::StatusOr<LoaderInput> PlanLoading(const ClipStoreReader& store, const Options& options,
                                        size_t batches) {
  const std::span<const View> views = ViewsOf(options.Name(), options.Mode());
  LoaderInput input = {.base = {}, .replay = {}, .views = {views.begin(), views.end()}, .batches = {}};
  std::vector<ClipInfo> infos;
  for (const StoredClip& clip : store.clips()) {
    input.base.push_back(&clip);
    infos.push_back(clip.info);
  }
  for (int epoch = 0; input.batches.size() < batches; ++epoch) {
    ICPT_ASSIGN_OR_RETURN(const std::vector<SampleBatch> more, PlanEpoch({.base = infos,
                                                                          .held_out_fold = -1,
                                                                          .batch_size = options.batch,
                                                                          .specialist = options.Name(),
                                                                          .epoch = epoch}));
    input.batches.insert(input.batches.end(), more.begin(), more.end());
  }
  input.batches.resize(batches);
  return input;
}

// Batches of a store, or one batch of noise again and again.
class Source {
 public:
  explicit Source(const Options& options)
      : noise_(RandomBatch(options.batch, kSide, ViewsOf(options.Name(), options.Mode()))) {}

  absl::Status Open(const Options& options) {
    ICPT_ASSIGN_OR_RETURN(store_, ClipStoreReader::Open(options.store));
    const auto batches = static_cast<size_t>((kRounds + 1) * options.steps);
    ICPT_ASSIGN_OR_RETURN(const LoaderInput input, PlanLoading(*store_, options, batches));
    // The first time compares each digest and fills the page cache.
    for (int time = 0; time < 2; ++time) {
      Loader alone(input);
      const MonotonicTime begin = SystemClock().Now();
      for (size_t i = 0; i < batches; ++i) ICPT_RETURN_IF_ERROR(alone.Next().status());
      load_seconds_ = SecondsSince(begin) / static_cast<double>(batches);
    }
    loader_ = std::make_unique<Loader>(input);
    begin_ = SystemClock().Now();
    return absl::OkStatus();
  }

  absl::StatusOr<FrameBatch> Next() {
    if (loader_ == nullptr) return noise_;
    return loader_->Next();
  }

  void Report(nlohmann::json& figures) const {
    if (loader_ == nullptr) return;
    figures["load_ms_per_step"] = 1000 * load_seconds_;
    figures["data_wait_share"] = absl::ToDoubleSeconds(loader_->waited()) / SecondsSince(begin_);
  }

 private:
  const FrameBatch noise_;
  std::unique_ptr<ClipStoreReader> store_;
  std::unique_ptr<Loader> loader_;
  double load_seconds_ = 0;
  MonotonicTime begin_;
};

LearnerOptions LearnerOf(const Options& options) {
  LearnerOptions learner;
  learner.device = options.device;
  learner.threads = options.threads;
  learner.specialist = options.Name();
  learner.model.front_end = ToString(options.Mode());
  if (options.specialist.has_value()) learner.recipe.self_made_share = kSelfMadeShare;
  return learner;
}

absl::StatusOr<nlohmann::json> Measure(const Options& options) {
  ICPT_ASSIGN_OR_RETURN(const auto learner, Learner::Create(LearnerOf(options)));
  Source source(options);
  if (!options.store.empty()) ICPT_RETURN_IF_ERROR(source.Open(options));
  const CurriculumStage stage = {};
  std::vector<double> seconds;
  int64_t step = 0;
  for (int round = -1; round < kRounds; ++round) {
    const MonotonicTime begin = SystemClock().Now();
    for (int i = 0; i < options.steps; ++i) {
      ICPT_ASSIGN_OR_RETURN(const FrameBatch batch, source.Next());
      ICPT_RETURN_IF_ERROR(
          learner
              ->Step({.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = 1e-5, .step = step++})
              .status());
    }
    if (round >= 0) seconds.push_back(SecondsSince(begin));
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const EngineFacts& facts = learner->facts();
  nlohmann::json figures = {{"images_per_s", options.steps * options.batch / median},
                            {"ms_per_step", 1000 * median / options.steps},
                            {"batch", options.batch},
                            {"device", facts.device},
                            {"precision", facts.precision},
                            {"threads", facts.threads},
                            {"build", facts.build}};
  source.Report(figures);
  return figures;
}

// False for words that mean nothing.
bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") continue;
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (word == "--specialist") {
      options.specialist = ParseSpecialist(value);
      if (!options.specialist.has_value()) return false;
      continue;
    }
    if (word == "--device" || word == "--store") {
      (word == "--device" ? options.device : options.store) = value;
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
