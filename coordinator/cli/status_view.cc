#include "coordinator/cli/status_view.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/facts/task.h"
#include "common/text/text.h"
#include "common/wire/convert.h"
#include "coordinator/cli/format.h"

namespace interceptor::coordinator {
namespace {

constexpr int kColumnsLeast = 80;
constexpr int kColumnsWide = 100;
constexpr int kProblemsShown = 5;
constexpr int kReasonsShown = 4;
// A run whose last sign of life is older is named; shorter silences are ordinary between two reports.
constexpr absl::Duration kQuiet = absl::Seconds(60);

// The parts of one rendering, top to bottom.
class StatusScreen {
 public:
  // Without titles and blank lines, and with what is well in one line.
  enum class Density { kRoomy, kCompact };

  StatusScreen(const v1::GetStatusResponse& status, const std::string& address, const Terminal& terminal,
               Density density)
      : compact_(density == Density::kCompact),
        status_(status),
        address_(address),
        terminal_(terminal),
        columns_(std::max(terminal.columns, kColumnsLeast)),
        now_(FromProto(status.at())) {}

  Lines Render() {
    AddHeadline();
    AddFigures();
    AddProblems();
    AddSpecialists();
    AddReasons();
    AddWorkers();
    AddNext();
    return std::move(lines_);
  }

 private:
  std::string Clean(std::string_view wire) const {
    return interceptor::coordinator::Clean(wire, terminal_.encoding);
  }

  void Section(std::string_view title) {
    if (compact_) return;
    lines_.emplace_back();
    lines_.push_back(Paint(title, Tone::kStrong, terminal_));
  }

  // `text`, wrapped, behind `head`; further lines stand under the text.
  void AddWrapped(std::string_view head, Tone tone, std::string_view text, int lines_max) {
    const int indent = ColumnsOf(head);
    bool first = true;
    for (const std::string& line : Wrap(text, columns_ - indent, lines_max, terminal_.encoding)) {
      const std::string margin =
          first ? Paint(head, tone, terminal_) : std::string(static_cast<size_t>(indent), ' ');
      lines_.push_back(margin + line);
      first = false;
    }
  }

  void AddHeadline() {
    std::vector<Cell> parts;
    switch (status_.health()) {
      case v1::GetStatusResponse::HEALTH_OK:
        parts.push_back({"OK", Tone::kGood});
        break;
      case v1::GetStatusResponse::HEALTH_DEGRADED:
        parts.push_back({"DEGRADED", Tone::kBad});
        break;
      default:
        parts.push_back({"HEALTH UNKNOWN", Tone::kWarning});
    }
    if (status_.paused()) parts.push_back({"PAUSED", Tone::kWarning});
    if (status_.done()) parts.push_back({"done", Tone::kGood});
    if (status_.chunks_total() > 0) {
      parts.push_back({Cat(status_.rounds_finished(), " of ", status_.chunks_total(), " rounds")});
    }
    if (status_.insecure()) parts.push_back({"INSECURE: no authentication", Tone::kBad});
    int used = ColumnsOf("plan ");
    std::string tail;
    for (const Cell& part : parts) {
      used += 3 + ColumnsOf(part.text);
      tail += "   " + Paint(part.text, part.tone, terminal_);
    }
    const std::string name =
        Fit(Clean(status_.plan_name()), std::max(8, columns_ - used), terminal_.encoding);
    lines_.push_back(Cat("plan ", Paint(name.empty() ? kNothing : name, Tone::kStrong, terminal_), tail));
  }

  void AddFigures() {
    std::vector<std::string> parts;
    if (status_.started_at().seconds() > 0) {
      parts.push_back(Cat("started ", Age(now_ - FromProto(status_.started_at())), " ago"));
    }
    if (status_.vault_bytes() > 0) parts.push_back(Cat("vault ", Bytes(status_.vault_bytes())));
    if (status_.disk_free_bytes() > 0) parts.push_back(Cat("disk free ", Bytes(status_.disk_free_bytes())));
    if (status_.quarantined() > 0) parts.push_back(Cat("quarantined ", status_.quarantined()));
    if (status_.events() > 0) parts.push_back(Cat("events ", status_.events()));
    std::string line;
    for (const std::string& part : parts) {
      const std::string longer = line.empty() ? part : Cat(line, "   ", part);
      if (ColumnsOf(longer) <= columns_) line = longer;
    }
    if (!line.empty()) lines_.push_back(Paint(line, Tone::kFaint, terminal_));
  }

  void AddProblems() {
    if (status_.problems().empty()) return;
    Section("PROBLEMS");
    const int shown = std::min(status_.problems_size(), kProblemsShown);
    for (int i = 0; i < shown; ++i) AddWrapped("! ", Tone::kBad, Clean(status_.problems(i)), 3);
    const int hidden = status_.problems_size() - shown;
    if (hidden > 0) lines_.push_back(Cat("  and ", hidden, " more: interceptor status -o json"));
  }

  void AddSpecialist(const v1::TaskStatus& task, bool wide, Table& table) {
    const bool stand_in = !task.holder_member().empty() && task.holder_member() != task.home_member();
    stand_in_ = stand_in_ || stand_in;
    const std::string member = stand_in ? Clean(task.holder_member()) + "*" : Clean(task.home_member());
    const std::string chunks =
        task.chunks_total() > 0
            ? Cat(Pad(Cat(task.chunks_finished(), "/", task.chunks_total()), 5, Align::kLeft), " ",
                  Bar(task.chunks_finished(), task.chunks_total(), wide ? 10 : 4, terminal_.encoding))
            : kNothing;
    const bool training = task.state() == v1::TaskStatus::STATE_RUNNING && task.phase() == v1::PHASE_TRAINING;
    const std::string auc =
        task.has_newest_held_out() ? AucWithInterval(task.newest_held_out()) : std::string(kNothing);
    too_few_ = too_few_ || auc.back() == '~';
    std::string save = kNothing;
    if (task.last_checkpoint_at().seconds() > 0) save = Age(now_ - FromProto(task.last_checkpoint_at()));
    const Tone late = task.checkpoint_overdue() ? Tone::kBad : Tone::kPlain;
    const std::string rate = training ? Rate(task.samples_per_second()) : kNothing;
    std::vector<Table::Entry> entries = {
        {{{""}, Align::kLeft, 2}, {Clean(SpecialistOf(task.task())), Tone::kStrong}},
        {{{"", "MEMBER"}, Align::kLeft, 6, 8}, {member.empty() ? kNothing : member}},
        {{{"", "STATE"}, Align::kLeft, 0, 10}, {Activity(task), ActivityTone(task)}},
        {{{"CHUNKS", "DONE"}}, {chunks}},
        {{{"", "STEP"}, Align::kRight, 0, 6}, {Count(task.step())}},
        {{{"TRAIN", "LOSS"}, Align::kRight, 0, 5}, {Measured(task.loss(), 3)}}};
    if (wide)
      entries.push_back({{{"GRAD", "NORM"}, Align::kRight, 0, 5}, {Measured(task.gradient_norm(), 2)}});
    entries.insert(entries.end(), {{{{"CLIPS", "/S"}, Align::kRight, 0, 5}, {rate}},
                                   {{{"HELD-OUT AUC", "[95% INTERVAL]"}, Align::kLeft, 0, 18}, {auc}},
                                   {{{"LAST", "SAVE"}, Align::kRight, 0, 5},
                                    {save + (task.checkpoint_overdue() ? "!" : ""), late}}});
    table.Add(entries);
  }

  void AddSpecialists() {
    const std::vector<const v1::TaskStatus*> tasks = TrainingTasks(status_);
    if (tasks.empty()) return;
    const bool wide = columns_ >= kColumnsWide;
    Table table;
    table.gap = wide ? 2 : 1;
    for (const v1::TaskStatus* task : tasks) AddSpecialist(*task, wide, table);
    Lines lines = Layout(table, columns_, terminal_);
    // The upper header line is empty over the first columns; the title of the section stands there.
    constexpr std::string_view kTitle = "SPECIALISTS";
    lines.front().replace(0, kTitle.size(), Paint(kTitle, Tone::kStrong, terminal_));
    if (!compact_) lines_.emplace_back();
    for (std::string& line : lines) lines_.push_back(std::move(line));
    std::string legend;
    if (too_few_) legend += "~ under 30 families in a class   ";
    if (stand_in_) legend += "* stands in for the home member   ";
    if (legend.empty()) return;
    legend.resize(legend.size() - 3);
    lines_.push_back(Paint(legend, Tone::kFaint, terminal_));
  }

  // The coordinator's reason where it says more than the state does.
  std::string Reason(const v1::TaskStatus& task) const {
    const bool said = task.reason() == PhaseName(task.phase()) || task.state() == v1::TaskStatus::STATE_DONE;
    return said ? std::string() : Clean(task.reason());
  }

  // Why a run is not getting on, or nothing.
  std::string WhyNot(const v1::TaskStatus& task) const {
    const std::string reason = Reason(task);
    if (task.state() != v1::TaskStatus::STATE_RUNNING) {
      return reason.empty() ? reason : WithReason(Activity(task), reason);
    }
    const absl::Duration quiet = FromProto(task.since_progress());
    if (reason.empty() && quiet >= kQuiet) return Cat("no progress for ", Age(quiet));
    return reason;
  }

  // What a run waits for or why it was stopped, runs with the same words together.
  void AddReasons() {
    std::vector<std::pair<std::string, std::string>> reasons;  // text, who
    const auto add = [&](const std::string& text, const std::string& who) {
      const auto same =
          std::find_if(reasons.begin(), reasons.end(), [&](const auto& r) { return r.first == text; });
      if (same == reasons.end()) {
        reasons.emplace_back(text, who);
      } else {
        same->second += " " + who;
      }
    };
    for (const v1::TaskStatus* task : TrainingTasks(status_)) {
      const std::string text = WhyNot(*task);
      if (!text.empty()) add(text, Clean(SpecialistOf(task->task())));
    }
    for (const v1::TaskStatus& task : status_.tasks()) {
      if (!SpecialistOf(task.task()).empty()) continue;
      const std::string reason = Reason(task);
      const std::string rounds = Cat(task.chunks_finished(), " of ", task.chunks_total(), " rounds");
      // A reason says what it does, unless something stopped it.
      const bool stopped = task.state() == v1::TaskStatus::STATE_PAUSED;
      std::string text = stopped || reason.empty() ? Cat(Activity(task), ", ", rounds) : rounds;
      if (!reason.empty()) text += Cat(": ", reason);
      const std::string& member = task.holder_member().empty() ? task.home_member() : task.holder_member();
      add(text, Fit(Cat(Clean(task.task()), " (", Clean(member), ")"), 40, terminal_.encoding));
    }
    const size_t shown = std::min<size_t>(reasons.size(), kReasonsShown);
    for (size_t i = 0; i < shown; ++i) {
      AddWrapped(reasons[i].second + "  ", Tone::kStrong, reasons[i].first, 2);
    }
    if (reasons.size() > shown)
      lines_.push_back(Cat("and ", reasons.size() - shown, " more: interceptor describe"));
  }

  void AddWorkers() {
    Section("WORKERS");
    if (status_.workers().empty()) {
      lines_.push_back("none has connected yet");
      return;
    }
    Table table;
    table.columns = {{{}, Align::kLeft, 8}, {{}}, {{}, Align::kLeft, 12}, {{}}, {{}, Align::kLeft, 10}};
    std::string well;
    for (const v1::WorkerStatus& worker : status_.workers()) {
      if (compact_ && worker.connected() && !worker.draining()) {
        well += Cat(well.empty() ? "" : " ", Clean(worker.member()));
        continue;
      }
      const std::string device = Cat(worker.device().name(), " ", worker.device().model());
      const std::string tasks = TaskList(worker.tasks(), terminal_.encoding);
      table.rows.push_back({{Clean(worker.member()), Tone::kStrong},
                            WorkerState(worker),
                            {device == " " ? kNothing : Clean(device)},
                            {Counted(worker.chunks_size(), "chunk", "chunks")},
                            {tasks.empty() ? "no task" : tasks}});
    }
    for (std::string& line : Layout(table, columns_, terminal_)) lines_.push_back(std::move(line));
    if (!well.empty()) AddWrapped("connected: ", Tone::kGood, well, 2);
  }

  // A name that no plan would take is not put into a line that people paste into a shell.
  std::string WorkerCommand(std::string_view where, const std::string& member) const {
    const std::string name = ValidateName("member", member).ok() ? member : "NAME";
    const std::string to = address_ == kDefaultAddress ? "" : Cat(" --coordinator ", Clean(address_));
    return Cat(where, "interceptor-worker", to, " --member ", name, " --data DIR --work DIR");
  }

  Lines Proposals() const {
    Lines proposals;
    if (status_.done()) return {"interceptor evaluations    the results of every specialist"};
    if (status_.paused()) proposals.push_back("interceptor resume    to let the plan go on");
    for (const v1::WorkerStatus& worker : status_.workers()) {
      if (worker.connected()) continue;
      proposals.push_back(WorkerCommand("on its box: ", worker.member()));
    }
    if (status_.workers().empty()) proposals.push_back(WorkerCommand("on each box: ", "NAME"));
    for (const v1::TaskStatus* task : TrainingTasks(status_)) {
      const std::string who = Clean(SpecialistOf(task->task()));
      if (task->state() == v1::TaskStatus::STATE_PAUSED && !status_.paused()) {
        proposals.push_back(Cat("fix what stopped ", who, ", then: interceptor resume"));
      }
      if (task->checkpoint_overdue())
        proposals.push_back(Cat("interceptor describe ", who, "    its save is overdue"));
    }
    if (proposals.empty() && status_.health() == v1::GetStatusResponse::HEALTH_DEGRADED) {
      proposals.push_back("interceptor events --limit 20    what happened last");
    }
    return proposals;
  }

  void AddNext() {
    const Lines proposals = Proposals();
    if (proposals.empty()) return;
    constexpr size_t kShown = 2;
    Section("NEXT");
    for (size_t i = 0; i < std::min(kShown, proposals.size()); ++i) {
      AddWrapped(compact_ ? "next: " : "  ", Tone::kStrong, proposals[i], 2);
    }
  }

  const bool compact_;
  const v1::GetStatusResponse& status_;
  const std::string& address_;
  const Terminal& terminal_;
  const int columns_;
  const absl::Time now_;
  Lines lines_;
  bool stand_in_ = false;
  bool too_few_ = false;
};

}  // namespace

std::vector<std::string> RenderStatus(const v1::GetStatusResponse& status, const std::string& address,
                                      const Terminal& terminal) {
  using Density = StatusScreen::Density;
  Lines lines = StatusScreen(status, address, terminal, Density::kRoomy).Render();
  // One row stays free for the prompt, or for the footer of `watch`.
  const bool too_long = static_cast<int>(lines.size()) >= terminal.rows;
  if (terminal.interactive && too_long)
    lines = StatusScreen(status, address, terminal, Density::kCompact).Render();
  return lines;
}

std::vector<const v1::TaskStatus*> TrainingTasks(const v1::GetStatusResponse& status) {
  constexpr std::array<std::string_view, 6> kOrder = {"BG", "AV", "CM", "RR", "LL", "TM"};
  std::vector<const v1::TaskStatus*> tasks;
  for (const v1::TaskStatus& task : status.tasks()) {
    if (!SpecialistOf(task.task()).empty()) tasks.push_back(&task);
  }
  const auto rank = [&](const v1::TaskStatus* task) {
    return std::find(kOrder.begin(), kOrder.end(), SpecialistOf(task->task())) - kOrder.begin();
  };
  std::stable_sort(tasks.begin(), tasks.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return tasks;
}

std::string TaskList(const google::protobuf::RepeatedPtrField<std::string>& tasks, Encoding encoding) {
  std::string list;
  for (const std::string& task : tasks) {
    const std::string specialist = SpecialistOf(task);
    list += Cat(list.empty() ? "" : " ", Clean(specialist.empty() ? task : specialist, encoding));
  }
  return list;
}

Cell WorkerState(const v1::WorkerStatus& worker) {
  if (worker.connected()) {
    return worker.draining() ? Cell{"draining", Tone::kWarning} : Cell{"connected", Tone::kGood};
  }
  // A box has its name from the first time it was heard of.
  if (worker.box().empty()) return {"not seen yet", Tone::kWarning};
  return {Cat("gone ", Age(FromProto(worker.since_seen()))), Tone::kBad};
}

}  // namespace interceptor::coordinator
