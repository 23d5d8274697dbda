#include "worker/engine/control.h"

#include <atomic>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/stop_signals.h"
#include "common/io/line_channel.h"
#include "worker/child_protocol/bias_file.h"
#include "worker/child_protocol/codec.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

// How soon a waiting trainer notices a signal.
constexpr absl::Duration kPollPeriod = absl::Milliseconds(200);

std::atomic<bool> stop_signal = false;

class AgentControl : public Control {
 public:
  explicit AgentControl(int fd) : channel_(fd) {}

  void Emit(const TrainerEvent& event) override {
    if (std::holds_alternative<CheckpointEvent>(event)) save_requested_ = false;
    // A peer that is gone shows as a closed channel at the next poll.
    channel_.Send(ToJson(event)).IgnoreError();
  }

  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next_chunk) override {
    Emit(ReadyEvent{next_chunk});
    while (orders_.empty()) {
      if (stop_signal || stop_) return std::nullopt;
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
    ICPT_ASSIGN_OR_RETURN(const Command command, ReadCommand(input.message));
    if (const auto* order = std::get_if<ChunkOrder>(&command)) orders_.push_back(*order);
    if (std::holds_alternative<SaveCommand>(command)) save_requested_ = true;
    if (std::holds_alternative<StopCommand>(command)) stop_ = true;
    return absl::OkStatus();
  }

  LineChannel channel_;
  std::deque<ChunkOrder> orders_;
  bool stop_ = false;
  bool save_requested_ = false;
};

// Events as lines for people; those that say nothing to them are empty.
struct LineOf {
  std::string operator()(const StartedEvent& e) const {
    return Cat(e.specialist, ": ", e.parameters, " parameters on ", e.device, ", from ", e.weights,
               " at step ", e.step);
  }
  std::string operator()(const TrainerProgressEvent& e) const {
    const Progress& at = e.progress;
    if (at.phase != Phase::kTraining) return "";
    return absl::StrFormat(
        "chunk %d epoch %d step %d loss %.4f gradient %.3f rate %.2e %.1f pictures/s, waits %.0f %%", e.chunk,
        at.cursor.epoch, at.step, at.loss, at.gradient_norm, e.learning_rate, at.samples_per_second,
        100 * at.data_wait_share);
  }
  std::string operator()(const EvaluationEvent& event) const {
    const Evaluation& e = event.evaluation;
    if (e.kind == EvaluationKind::kValidation) {
      return Cat("validation after step ", e.step, ": ", DescribeValidation(e),
                 ShowsOverfitting(e) ? ": overfitting" : "");
    }
    return absl::StrFormat("%s after step %d: AUC %.3f [%.3f, %.3f]%s, log loss %.3f, %d real, %d fake",
                           std::string(ToString(e.kind)), e.step, e.auc, e.auc_low, e.auc_high,
                           e.too_few ? " (too few)" : "", e.log_loss, e.reals, e.fakes);
  }
  std::string operator()(const CheckpointEvent& e) const {
    return absl::StrFormat("checkpoint %s, stall %.1f ms", e.path, e.stall_ms);
  }
  std::string operator()(const FinishedEvent&) const { return "every chunk is trained"; }
  template <typename Event>
  std::string operator()(const Event&) const {
    return "";
  }
};

class AloneControl : public Control {
 public:
  AloneControl(const FileSystem& files, const RunSettings& settings, std::string run_folder)
      : files_(files),
        settings_(settings),
        run_folder_(std::move(run_folder)),
        last_save_(SystemClock().Now()) {}

  void Emit(const TrainerEvent& event) override {
    if (std::holds_alternative<CheckpointEvent>(event)) {
      last_save_ = SystemClock().Now();
      RemoveAllButNewestCheckpoints(files_, run_folder_, settings_.checkpoints.keep_latest);
    }
    const std::string line = std::visit(LineOf{}, event);
    if (!line.empty()) ICPT_LOG(kInfo) << line;
  }

  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next_chunk) override {
    if (StopRequested()) return std::nullopt;
    const std::vector<std::string>& chunks = settings_.chunks;
    const auto next = static_cast<size_t>(next_chunk);
    const bool pending =
        next > 0 && !files_.Exists(ScoreTablePath(run_folder_, EvaluationKind::kHeldOut, chunks[next - 1]));
    const size_t chunk = pending ? next - 1 : next;
    if (chunk >= chunks.size()) return std::nullopt;
    ChunkOrder order{
        .chunk = static_cast<int>(chunk), .name = chunks[chunk], .last = chunk + 1 == chunks.size()};
    if (chunk == 0) return order;
    // There is none when the calibrate half lacked a class.
    absl::StatusOr<Bias> before = ReadBias(files_, run_folder_, chunks[chunk - 1]);
    if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
    if (before.ok()) order.sampling = std::move(before->next_sampling);
    return order;
  }

  bool StopRequested() override { return stop_signal; }

  bool SaveRequested() override {
    return SystemClock().Now() - last_save_ >= absl::Seconds(settings_.checkpoints.period_seconds);
  }

 private:
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
