// interceptor-bench checkpoint: what a save of EfficientNet-B4 costs. Prints
//   bytes          size of a published checkpoint
//   stall_ms       how long the training loop is blocked by a save, writer running: median of five
//   save_s         capture to synced, digested file: median
//   load_s         file to a learner that can go on, content digest verified: median
//   torch_save_s   LibTorch's own archive of the same fp32 state (weights and both moments) into the same
//   folder,
//                  without sync: median
//   torch_load_s   reading that archive back: median
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/learner.h"
#include "worker/engine/saver.h"
#define ICPT_TORCH_ARCHIVE
#include "worker/models/torch.h"

namespace interceptor::worker {
namespace {

constexpr int kRounds = 5;

double Seconds(const std::function<void()>& work) {
  const MonotonicTime begin = SystemClock().Now();
  work();
  return absl::ToDoubleSeconds(SystemClock().Now() - begin);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Moments as training leaves them: no two alike, so no shortcut of a file system helps.
void FillMoments(HostState& state) {
  const RandomKey key = MakeRandomKey(1, "bench moments");
  for (size_t i = 0; i < state.exp_avg.size(); ++i) {
    const uint64_t bits = RandomBits(key, i);
    state.exp_avg[i] = static_cast<float>(static_cast<int32_t>(bits)) * 1e-12f;
    state.exp_avg_sq[i] = static_cast<float>(bits >> 32) * 1e-16f;
  }
}

struct Figures {
  int64_t bytes = 0;
  std::vector<double> stall_ms, save_s, load_s, torch_save_s, torch_load_s;
};

// The next capture begins while the writer may still be at the one before: only its own buffer makes it wait.
absl::Status MeasureOurs(const FileSystem& files, const std::string& folder, Learner& learner,
                         Figures& figures) {
  const Architecture& net = learner.architecture();
  // Two buffers in turn, so that a capture meets a writer at work.
  Saver savers[2] = {Saver(files, net, true), Saver(files, net, true)};
  CheckpointInfo info;
  info.facts = learner.facts();
  std::string path;
  for (int round = 0; round < kRounds + 1; ++round) {
    Saver& saver = savers[round % 2];
    if (const auto saved = saver.Wait(); saved.has_value()) {
      ICPT_RETURN_IF_ERROR(saved->status);
      figures.save_s.push_back(saved->write_seconds + saved->job.stall_ms / 1000);
    }
    ICPT_RETURN_IF_ERROR(learner.RoundMoments(saver.buffer()));
    absl::Status captured;
    const double stall = Seconds([&] { captured = learner.CaptureWeights(saver.buffer()); });
    ICPT_RETURN_IF_ERROR(captured);
    if (round > 0) figures.stall_ms.push_back(stall * 1000);
    path = JoinPath(folder, Cat("ours-", round % 2, ".safetensors"));
    saver.Start({.path = path, .info = info, .losses = {}, .stall_ms = stall * 1000});
  }
  for (Saver& saver : savers) {
    if (const auto saved = saver.Wait(); saved.has_value()) {
      ICPT_RETURN_IF_ERROR(saved->status);
      figures.save_s.push_back(saved->write_seconds + saved->job.stall_ms / 1000);
      figures.bytes = saved->digest.size_bytes;
    }
  }
  for (int round = 0; round < kRounds; ++round) {
    absl::Status status;
    figures.load_s.push_back(Seconds([&] {
      const absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(files, path, net);
      status = checkpoint.ok() ? learner.Load(checkpoint->state) : absl::Status(checkpoint.status());
    }));
    ICPT_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

void MeasureTorch(const std::string& folder, const Architecture& net, HostState& state, Figures& figures) {
  const std::string path = JoinPath(folder, "torch.pt");
  auto arena = [&](std::vector<float>& values, const TensorPlace& place) {
    return at::from_blob(values.data() + place.offset, place.shape, at::kFloat);
  };
  for (int round = 0; round < kRounds; ++round) {
    figures.torch_save_s.push_back(Seconds([&] {
      torch::serialize::OutputArchive archive;
      for (const TensorPlace& place : net.parameters) {
        archive.write(place.name, arena(state.weights, place));
        archive.write("exp_avg." + place.name, arena(state.exp_avg, place));
        archive.write("exp_avg_sq." + place.name, arena(state.exp_avg_sq, place));
      }
      archive.save_to(path);
    }));
  }
  for (int round = 0; round < kRounds; ++round) {
    figures.torch_load_s.push_back(Seconds([&] {
      torch::serialize::InputArchive archive;
      archive.load_from(path);
      at::Tensor tensor;
      for (const TensorPlace& place : net.parameters) {
        for (const char* prefix : {"", "exp_avg.", "exp_avg_sq."}) {
          archive.read(prefix + place.name, tensor);
          arena(state.weights, place).copy_(tensor);
        }
      }
    }));
  }
}

absl::StatusOr<Figures> Measure(const std::string& folder, const std::string& device) {
  const FileSystem& files = SystemFiles();
  ICPT_RETURN_IF_ERROR(files.MakeFolder(folder));
  LearnerOptions options;
  options.device = device;
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<Learner> learner, Learner::Create(options));
  HostState state = MakeHostState(learner->architecture(), false);
  ICPT_RETURN_IF_ERROR(learner->CaptureAll(state));
  FillMoments(state);
  ICPT_RETURN_IF_ERROR(learner->Load(state));
  Figures figures;
  ICPT_RETURN_IF_ERROR(MeasureOurs(files, folder, *learner, figures));
  MeasureTorch(folder, learner->architecture(), state, figures);
  for (const char* name : {"ours-0.safetensors", "ours-1.safetensors", "torch.pt"}) {
    ICPT_RETURN_IF_ERROR(files.Remove(JoinPath(folder, name)));
  }
  return figures;
}

void Print(const Figures& figures, bool as_json) {
  const nlohmann::json result = {{"bytes", figures.bytes},
                                 {"stall_ms", Median(figures.stall_ms)},
                                 {"save_s", Median(figures.save_s)},
                                 {"load_s", Median(figures.load_s)},
                                 {"torch_save_s", Median(figures.torch_save_s)},
                                 {"torch_load_s", Median(figures.torch_load_s)}};
  if (as_json) {
    std::printf("%s\n", result.dump().c_str());
    return;
  }
  for (const auto& [name, value] : result.items())
    std::printf("%-14s %s\n", name.c_str(), value.dump().c_str());
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  SetProgramName("interceptor-bench-checkpoint");
  std::string folder;
  std::string device;
  bool as_json = false;
  CLI::App app(
      "Measures saving and loading a checkpoint of EfficientNet-B4.\n\n"
      "Example: interceptor-bench checkpoint --json");
  app.add_flag("--json", as_json, "one JSON object on stdout");
  app.add_option("--device", device, "cpu, cuda:N or auto")->default_val("cpu");
  app.add_option("--folder", folder, "where the files go; absent: a new folder under /tmp");
  CLI11_PARSE(app, argc, argv);
  const bool own_folder = folder.empty();
  if (own_folder) folder = "/tmp/interceptor-bench-" + NewId();
  const absl::StatusOr<worker::Figures> figures = worker::Measure(folder, device);
  if (own_folder) rmdir(folder.c_str());
  if (!figures.ok()) {
    ICPT_LOG(kError) << Message(figures.status());
    return 1;
  }
  worker::Print(*figures, as_json);
  return 0;
}
