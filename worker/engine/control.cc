#include "worker/engine/control.h"

#include <atomic>
#include <cstdio>
#include <deque>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/stop_signals.h"
#include "common/io/config.h"
#include "common/io/line_channel.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// How soon a waiting trainer notices a signal.
constexpr absl::Duration kPollPeriod = absl::Milliseconds(200);

std::atomic<bool> stop_signal = false;

class AgentControl : public Control {
 public:
  explicit AgentControl(int fd) : channel_(fd) {}

  void Emit(const json& event) override {
    // A peer that is gone shows as a closed channel at the next poll.
    if (event.at("event") == "checkpoint") save_requested_ = false;
    channel_.Send(event).IgnoreError();
  }

  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next_chunk) override {
    Emit({{"event", "ready"}, {"next_chunk", next_chunk}});
    while (orders_.empty()) {
      if (StopRequested()) return std::nullopt;
      ICPT_ASSIGN_OR_RETURN(const ChannelInput input, channel_.Receive(kPollPeriod));
      ICPT_RETURN_IF_ERROR(Handle(input));
    }
    const ChunkOrder order = orders_.front();
    orders_.pop_front();
    return order;
  }

  bool StopRequested() override {
    while (!stop_signal && !stop_) {
      const absl::StatusOr<ChannelInput> input = channel_.TryReceive();
      if (!input.ok() || input->kind == ChannelInput::Kind::kNothing) break;
      const absl::Status handled = Handle(*input);
      if (!handled.ok()) ICPT_LOG(kWarning) << "ignored a command: " << Message(handled);
    }
    return stop_signal || stop_;
  }

  bool SaveRequested() override { return save_requested_; }

 private:
  absl::Status Handle(const ChannelInput& input) {
    if (input.kind == ChannelInput::Kind::kNothing) return absl::OkStatus();
    if (input.kind == ChannelInput::Kind::kClosed) {
      stop_ = true;
      return absl::OkStatus();
    }
    JsonReader reader(input.message, "command");
    const std::string command = reader.String("command");
    if (command == "stop") {
      stop_ = true;
    } else if (command == "save") {
      save_requested_ = true;
    } else if (command == "train_chunk") {
      ChunkOrder order;
      order.chunk = static_cast<int>(reader.Integer("chunk"));
      order.name = reader.String("name");
      order.manifest_sha256 = reader.String("manifest_sha256");
      if (reader.Has("last")) order.last = reader.Boolean("last");
      ICPT_RETURN_IF_ERROR(reader.Finish());
      orders_.push_back(order);
    } else {
      return InvalidArgument("the command '", command, "' is none of train_chunk, save, stop");
    }
    return absl::OkStatus();
  }

  LineChannel channel_;
  std::deque<ChunkOrder> orders_;
  bool stop_ = false;
  bool save_requested_ = false;
};

std::string Text(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

class AloneControl : public Control {
 public:
  AloneControl(const FileSystem& files, const RunSettings& settings, std::string run_folder)
      : files_(files),
        settings_(settings),
        run_folder_(std::move(run_folder)),
        last_save_(SystemClock().Now()) {}

  void Emit(const json& event) override {
    const std::string kind = event.at("event");
    if (kind == "checkpoint") {
      last_save_ = SystemClock().Now();
      RemoveAllButNewestCheckpoints(files_, run_folder_, settings_.checkpoints.keep_latest);
    }
    const std::string line = Render(kind, event);
    if (!line.empty()) ICPT_LOG(kInfo) << line;
  }

  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next_chunk) override {
    if (StopRequested()) return std::nullopt;
    const std::vector<std::string>& chunks = settings_.chunks;
    const auto next = static_cast<size_t>(next_chunk);
    const bool pending = next > 0 && !files_.Exists(HeldOutTablePath(run_folder_, chunks[next - 1]));
    const size_t chunk = pending ? next - 1 : next;
    if (chunk >= chunks.size()) return std::nullopt;
    return ChunkOrder{
        .chunk = static_cast<int>(chunk), .name = chunks[chunk], .last = chunk + 1 == chunks.size()};
  }

  bool StopRequested() override { return stop_signal; }

  bool SaveRequested() override {
    return SystemClock().Now() - last_save_ >= absl::Seconds(settings_.checkpoints.period_seconds);
  }

 private:
  static std::string Render(const std::string& kind, const json& e) {
    if (kind == "started") {
      return Cat(e["specialist"].get<std::string>(), ": ", e["parameters"].get<int64_t>(), " parameters on ",
                 e["device"].get<std::string>(), ", from ", e["weights"].get<std::string>(), " at step ",
                 e["step"].get<int64_t>());
    }
    if (kind == "progress") {
      if (e["phase"] != "training") return "";
      return Cat("chunk ", e["chunk"].get<int>(), " epoch ", e["cursor"]["epoch"].get<int>(), " step ",
                 e["step"].get<int64_t>(), Text(" loss %.4f", e["loss"]),
                 Text(" rate %.2e", e["learning_rate"]), Text(" %.1f pictures/s", e["samples_per_s"]),
                 Text(", waits %.0f %%", 100 * e["data_wait_share"].get<double>()));
    }
    if (kind == "evaluation") {
      return Cat(e["kind"].get<std::string>(), " after step ", e["step"].get<int64_t>(),
                 Text(": AUC %.3f", e["auc"]), Text(" [%.3f,", e["auc_low"]), Text(" %.3f]", e["auc_high"]),
                 e["too_few"].get<bool>() ? " (too few)" : "", Text(", log loss %.3f", e["log_loss"]), ", ",
                 e["reals"].get<int64_t>(), " real, ", e["fakes"].get<int64_t>(), " fake");
    }
    if (kind == "checkpoint") {
      return Cat("checkpoint ", e["path"].get<std::string>(), Text(", stall %.1f ms", e["stall_ms"]));
    }
    if (kind == "finished") return "every chunk is trained";
    if (kind == "failed") return Cat(e["code"].get<std::string>(), ": ", e["text"].get<std::string>());
    return "";
  }

  const FileSystem& files_;
  const RunSettings settings_;
  const std::string run_folder_;
  MonotonicTime last_save_;
};

}  // namespace

void WatchStopSignals() { static const StopSignals signals([](int) { stop_signal = true; }); }

std::unique_ptr<Control> MakeAgentControl(int fd) { return std::make_unique<AgentControl>(fd); }

std::unique_ptr<Control> MakeAloneControl(const FileSystem& files, const RunSettings& settings,
                                          const std::string& run_folder) {
  return std::make_unique<AloneControl>(files, settings, run_folder);
}

}  // namespace interceptor::worker
