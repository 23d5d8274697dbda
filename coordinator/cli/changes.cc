#include "coordinator/cli/changes.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "common/base/status.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/status_view.h"

namespace interceptor::coordinator {
namespace {

std::string WithoutDigits(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }),
             text.end());
  return text;
}

class Changes {
 public:
  Changes(const v1::GetStatusResponse& before, const v1::GetStatusResponse& after, const Terminal& terminal)
      : before_(before), after_(after), terminal_(terminal) {}

  std::vector<std::string> Start() {
    for (const v1::WorkerStatus& worker : after_.workers()) CompareWorker(worker);
    for (const v1::TaskStatus& task : after_.tasks()) {
      const std::string& member = task.holder_member().empty() ? task.home_member() : task.holder_member();
      Say(Name(task),
          Cat(Activity(task), " (", member, "), ", task.chunks_finished(), " of ", task.chunks_total(),
              SpecialistOf(task.task()).empty() ? " rounds" : " chunks"),
          ActivityTone(task));
    }
    CompareProblems();
    ComparePlan();
    return std::move(lines_);
  }

  std::vector<std::string> Describe() {
    for (const v1::WorkerStatus& worker : after_.workers()) CompareWorker(worker);
    for (const v1::TaskStatus& task : after_.tasks()) CompareTask(task);
    CompareProblems();
    ComparePlan();
    return std::move(lines_);
  }

 private:
  void Say(std::string_view subject, const std::string& text, Tone tone = Tone::kPlain) {
    lines_.push_back(Cat(UtcTime(after_.at()), "  ",
                         Pad(Clean(subject, terminal_.encoding), 10, Align::kLeft), "  ",
                         Paint(Clean(text, terminal_.encoding), tone, terminal_)));
  }

  static std::string Name(const v1::TaskStatus& task) {
    const std::string specialist = SpecialistOf(task.task());
    return specialist.empty() ? task.task() : specialist;
  }

  void CompareWorker(const v1::WorkerStatus& worker) {
    v1::WorkerStatus old;
    for (const v1::WorkerStatus& candidate : before_.workers()) {
      if (candidate.member() == worker.member()) old = candidate;
    }
    if (worker.connected() != old.connected()) {
      if (worker.connected()) {
        Say(worker.member(), Cat("connected, ", worker.device().name(), " ", worker.device().model()),
            Tone::kGood);
      } else {
        Say(worker.member(), "disconnected", Tone::kBad);
      }
    }
    if (worker.draining() && !old.draining()) Say(worker.member(), "draining", Tone::kWarning);
  }

  void CompareTask(const v1::TaskStatus& task) {
    v1::TaskStatus old;
    for (const v1::TaskStatus& candidate : before_.tasks()) {
      if (candidate.task() == task.task()) old = candidate;
    }
    const bool integration = SpecialistOf(task.task()).empty();
    const std::string who = Name(task);
    if (task.holder_member() != old.holder_member() && !task.holder_member().empty()) {
      Say(who, Cat("held by ", task.holder_member(), ", term ", task.term()));
    }
    if (task.chunks_finished() > old.chunks_finished()) {
      Say(who, Cat(integration ? "round " : "chunk ", task.chunks_finished(), " of ", task.chunks_total(),
                   " finished"));
    }
    if (task.has_newest_checkpoint() && task.newest_checkpoint().id() != old.newest_checkpoint().id()) {
      Say(who, Cat("checkpoint ", task.newest_checkpoint().id(), ", ",
                   Bytes(task.newest_checkpoint().blob().size_bytes())));
    }
    const v1::Evaluation& held_out = task.newest_held_out();
    const bool evaluated = task.has_newest_held_out() &&
                           (!old.has_newest_held_out() || held_out.step() != old.newest_held_out().step());
    if (evaluated) Say(who, Cat("held-out AUC ", AucWithInterval(held_out), " at step ", held_out.step()));
    if (Activity(task) != Activity(old)) {
      const bool held_up =
          task.state() == v1::TaskStatus::STATE_WAITING || task.state() == v1::TaskStatus::STATE_PAUSED;
      Say(who, held_up ? WithReason(Activity(task), task.reason()) : Activity(task), ActivityTone(task));
    }
  }

  // A problem whose text only counts on ("gone for 5m", "gone for 6m") is the same one.
  void CompareProblems() {
    std::map<std::string, int> known;
    for (const std::string& problem : before_.problems()) ++known[WithoutDigits(problem)];
    for (const std::string& problem : after_.problems()) {
      const bool same = std::find(before_.problems().begin(), before_.problems().end(), problem) !=
                        before_.problems().end();
      if (same) --known[WithoutDigits(problem)];
    }
    for (const std::string& problem : after_.problems()) {
      const bool same = std::find(before_.problems().begin(), before_.problems().end(), problem) !=
                        before_.problems().end();
      if (!same && --known[WithoutDigits(problem)] < 0) Say("problem", problem, Tone::kBad);
    }
    if (after_.problems().empty() && !before_.problems().empty())
      Say("plan", "no problems any more", Tone::kGood);
  }

  void ComparePlan() {
    if (after_.paused() != before_.paused())
      Say("plan", after_.paused() ? "paused" : "resumed", Tone::kWarning);
    if (after_.rounds_finished() > before_.rounds_finished()) {
      Say("plan", Cat(after_.rounds_finished(), " of ", after_.chunks_total(), " rounds finished"));
    }
    if (after_.done() && !before_.done()) Say("plan", "done", Tone::kGood);
  }

  const v1::GetStatusResponse& before_;
  const v1::GetStatusResponse& after_;
  const Terminal& terminal_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> DescribeStart(const v1::GetStatusResponse& status, const Terminal& terminal) {
  return Changes(v1::GetStatusResponse(), status, terminal).Start();
}

std::vector<std::string> DescribeChanges(const v1::GetStatusResponse& before,
                                         const v1::GetStatusResponse& after, const Terminal& terminal) {
  return Changes(before, after, terminal).Describe();
}

}  // namespace interceptor::coordinator
