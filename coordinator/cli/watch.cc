#include "coordinator/cli/watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/text/text.h"
#include "coordinator/cli/changes.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/json.h"
#include "coordinator/cli/list_views.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/snapshot_stream.h"
#include "coordinator/cli/status_view.h"

namespace interceptor::coordinator {
namespace {

constexpr absl::Duration kBetweenFrames = absl::Milliseconds(500);
constexpr absl::Duration kTick = absl::Seconds(1);

// Rounded up, so that nobody waits again for the rest of a millisecond.
int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration)) + 1;
}

void WaitFor(int fd, absl::Duration longest) {
  pollfd readable = {fd, POLLIN, 0};
  poll(&readable, 1, Milliseconds(longest));
}

// Where snapshots go.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual absl::Status Show(const v1::GetStatusResponse& snapshot) = 0;
  virtual void Lost() = 0;
  // Waits for `fd` or for `longest` to pass; then the exit code, if somebody asked to leave.
  virtual std::optional<int> Wait(int fd, absl::Duration longest) = 0;
};

// Redraws in place, at most twice a second.
class ScreenSink : public Sink {
 public:
  ScreenSink(const Client& client, const Terminal& terminal) : client_(client), terminal_(terminal) {}

  absl::Status Show(const v1::GetStatusResponse& snapshot) override {
    // Taken only now, so that a coordinator that is not there leaves the terminal as it was.
    if (!screen_) screen_.emplace(STDIN_FILENO, STDOUT_FILENO);
    snapshot_ = snapshot;
    heard_ = SystemClock().Now();
    lost_ = false;
    due_ = true;
    return absl::OkStatus();
  }

  void Lost() override { due_ = lost_ = true; }

  std::optional<int> Wait(int fd, absl::Duration longest) override {
    if (!screen_) {
      WaitFor(fd, longest);
      return std::nullopt;
    }
    const MonotonicTime now = SystemClock().Now();
    if (now - drawn_ >= (due_ ? kBetweenFrames : kTick)) Draw(now);
    const absl::Duration next = (due_ ? kBetweenFrames : kTick) - (now - drawn_);
    // A frame that is due is drawn before further news is taken: that keeps the rate.
    screen_->Wait(due_ ? -1 : fd, Milliseconds(std::min(next, longest)));
    return screen_->leave();
  }

 private:
  void Draw(MonotonicTime now) {
    due_ = false;
    drawn_ = now;
    const TerminalFacts facts = ReadTerminalFacts(STDOUT_FILENO);
    if (facts.columns > 0) terminal_.columns = facts.columns;
    if (facts.rows > 0) terminal_.rows = facts.rows;
    Lines lines = RenderStatus(snapshot_, client_.address(), terminal_);
    const size_t room = static_cast<size_t>(std::max(2, terminal_.rows)) - 1;
    std::string footer = Cat("q leaves   heard ", Age(now - heard_), " ago");
    if (lines.size() > room) {
      const auto hidden = static_cast<int64_t>(lines.size() - room);
      footer += Cat("   ", Counted(hidden, "more line needs", "more lines need"), " a taller window");
      lines.resize(room);
    }
    lines.resize(room);
    Tone tone = Tone::kFaint;
    if (lost_) {
      footer += "   CONNECTION LOST, trying again";
      tone = Tone::kBad;
    }
    lines.push_back(Paint(footer, tone, terminal_));
    screen_->Draw(lines);
  }

  const Client& client_;
  Terminal terminal_;
  std::optional<Screen> screen_;
  v1::GetStatusResponse snapshot_;
  MonotonicTime heard_;
  MonotonicTime drawn_;
  bool lost_ = false;
  bool due_ = true;
};

// Appends lines.
class LineSink : public Sink {
 public:
  LineSink(const Client& client, const WatchOptions& options, const Terminal& terminal, std::ostream& out,
           std::ostream& err)
      : client_(client), options_(options), terminal_(terminal), out_(out), err_(err) {}

  absl::Status Show(const v1::GetStatusResponse& snapshot) override {
    if (options_.json) {
      ICPT_ASSIGN_OR_RETURN(const std::string json, ToJson(snapshot, JsonLayout::kOneLine));
      out_ << json;
    } else {
      const Lines lines =
          last_ ? DescribeChanges(*last_, snapshot, terminal_) : DescribeStart(snapshot, terminal_);
      for (const std::string& line : lines) out_ << line << '\n';
    }
    last_ = snapshot;
    if (!out_.flush()) return Internal("cannot write to standard output");
    return absl::OkStatus();
  }

  void Lost() override {
    err_ << "interceptor: lost the coordinator at " << client_.address() << ", trying again for "
         << absl::FormatDuration(client_.timeout()) << std::endl;
  }

  std::optional<int> Wait(int fd, absl::Duration longest) override {
    WaitFor(fd, longest);
    return std::nullopt;
  }

 private:
  const Client& client_;
  const WatchOptions options_;
  const Terminal terminal_;
  std::ostream& out_;
  std::ostream& err_;
  std::optional<v1::GetStatusResponse> last_;
};

// Follows the stream until somebody leaves, the plan is done or the coordinator stays away.
absl::StatusOr<int> Follow(Client& client, const WatchOptions& options, Sink& sink,
                           std::optional<v1::GetStatusResponse>& last) {
  SnapshotStream stream(client);
  std::optional<MonotonicTime> away_since = SystemClock().Now();
  while (true) {
    const absl::Duration longest = away_since ? *away_since + client.timeout() - SystemClock().Now() : kTick;
    if (longest <= absl::ZeroDuration()) {
      return client.Explain(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""));
    }
    const std::optional<int> leave = sink.Wait(stream.fd(), std::min(longest, kTick));
    if (leave) return *leave;
    SnapshotStream::News news = stream.Take();
    for (v1::GetStatusResponse& snapshot : news.snapshots) {
      away_since.reset();
      ICPT_RETURN_IF_ERROR(sink.Show(snapshot));
      last = std::move(snapshot);
      if (options.until_done && last->done()) return 0;
    }
    if (!news.ended) continue;
    const grpc::StatusCode code = news.ended->error_code();
    const bool passing = code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::OK;
    if (!passing) return client.Explain(*news.ended);
    if (!last) return client.Explain(grpc::Status(grpc::StatusCode::UNAVAILABLE, ""));
    if (!away_since) {
      away_since = SystemClock().Now();
      sink.Lost();
    }
  }
}

}  // namespace

absl::StatusOr<int> Watch(Client& client, const WatchOptions& options, const Terminal& terminal,
                          std::ostream& out, std::ostream& err) {
  std::optional<v1::GetStatusResponse> last;
  if (options.json || !terminal.interactive) {
    LineSink sink(client, options, terminal, out, err);
    return Follow(client, options, sink, last);
  }
  absl::StatusOr<int> code = 0;
  {
    ScreenSink sink(client, terminal);
    code = Follow(client, options, sink, last);
  }
  // The last state stays behind in the ordinary screen.
  const bool ended = code.ok() && *code == 0 && last && last->done();
  if (ended) {
    for (const std::string& line : RenderStatus(*last, client.address(), terminal)) out << line << '\n';
  }
  return code;
}

}  // namespace interceptor::coordinator
