// interceptor-bench loader: what the loader delivers from a store that the page cache holds, beside a plain
// read of the same file by mmap. Prints a JSON object of medians over the repeats:
//   views_per_s     pictures in RGB, batches of 32, one loader thread
//   mb_per_s        the same in megabytes of the store
//   mmap_mb_per_s   every byte of the view's tensors summed up
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "worker/sampling/sampler.h"
#include "worker/store/clip_store.h"
#include "worker/store/loader.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

struct Rates {
  double views_per_s = 0;
  double mb_per_s = 0;
  double mmap_mb_per_s = 0;
};

double Seconds(MonotonicTime begin) { return absl::ToDoubleSeconds(SystemClock().Now() - begin); }

absl::StatusOr<Rates> Measure(const ClipStoreReader& store) {
  std::vector<const StoredClip*> clips;
  std::vector<ClipInfo> infos;
  for (const StoredClip& clip : store.clips()) {
    clips.push_back(&clip);
    infos.push_back(clip.info);
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<SampleBatch> batches,
                        PlanEpoch({.base = infos, .held_out_fold = -1, .batch_size = 32}));
  Rates rates;
  ICPT_ASSIGN_OR_RETURN(const int side, PictureSide(*clips.front(), View::kFaceCrop));
  const auto loaded = static_cast<double>(batches.size() * 32);
  MonotonicTime begin = SystemClock().Now();
  Loader loader({.base = clips, .replay = {}, .batches = batches});
  for (size_t i = 0; i < batches.size(); ++i) ICPT_RETURN_IF_ERROR(loader.Next().status());
  const double load_s = Seconds(begin);
  rates.views_per_s = loaded / load_s;
  rates.mb_per_s = loaded * static_cast<double>(PlanarBytes(side)) / load_s / 1e6;

  begin = SystemClock().Now();
  double bytes = 0;
  uint64_t sum = 0;
  for (const StoredClip* clip : clips) {
    const std::string_view data = clip->Find(View::kFaceCrop)->bytes;
    sum = std::accumulate(data.begin(), data.end(), sum);
    bytes += static_cast<double>(data.size());
  }
  rates.mmap_mb_per_s = bytes / Seconds(begin) / 1e6;
  // The sum is used, or it would not be made.
  if (sum == 0) return DataLoss("the store holds nothing but zeros");
  return rates;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(int argc, char** argv) {
  CLI::App app{
      "What the loader delivers from a warm store.\n"
      "Example: interceptor-bench loader --store store/00/train.clips"};
  std::string path;
  int repeat = 5;
  app.add_option("--store", path, "a .clips file")->required();
  app.add_option("--repeat", repeat, "times to measure")->check(CLI::Range(1, 1000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto store = ClipStoreReader::Open(path);
  std::vector<Rates> all;
  absl::Status status = store.status();
  // The first round touches every digest and fills the page cache.
  for (int i = 0; status.ok() && i <= repeat; ++i) {
    const auto rates = Measure(**store);
    status = rates.status();
    if (status.ok() && i > 0) all.push_back(*rates);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "interceptor-bench loader: %s\n", Message(status).c_str());
    return 1;
  }
  const auto median = [&all](double Rates::*figure) {
    std::vector<double> values;
    for (const Rates& rates : all) values.push_back(rates.*figure);
    return Median(std::move(values));
  };
  std::printf("%s\n", nlohmann::json{{"views_per_s", median(&Rates::views_per_s)},
                                     {"mb_per_s", median(&Rates::mb_per_s)},
                                     {"mmap_mb_per_s", median(&Rates::mmap_mb_per_s)}}
                          .dump()
                          .c_str());
  return 0;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) { return interceptor::worker::Main(argc, argv); }
