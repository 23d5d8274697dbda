#include "coordinator/cli/changes.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/facts/task.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/status_view.h"

namespace interceptor::coordinator {
namespace {

std::string WithoutDigits(std::string text) {
  std::erase_if(text, absl::ascii_isdigit);
  return text;
}

class Changes {
 public:
  Changes(const v1::GetStatusResponse& before, const v1::GetStatusResponse& after, const Terminal& terminal)
      : before_(before), after_(after), terminal_(terminal) {}

  // At the start each task is told whole, later what changed of it.
  std::vector<std::string> Describe(bool start) {
    for (const v1::WorkerStatus& worker : after_.workers()) CompareWorker(worker);
    for (const v1::TaskStatus& task : after_.tasks()) start ? Introduce(task) : CompareTask(task);
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

  void Introduce(const v1::TaskStatus& task) {
    const std::string& member = task.holder_member().empty() ? task.home_member() : task.holder_member();
    Say(Name(task),
        Cat(Activity(task), " (", member, "), ", task.chunks_finished(), " of ", task.chunks_total(),
            SpecialistOf(task.task()).empty() ? " rounds" : " chunks"),
        ActivityTone(task));
  }

  // The one of `items` with that name; an empty one when there is none.
  template <typename Item>
  static Item Find(const google::protobuf::RepeatedPtrField<Item>& items, const std::string& name,
                   const std::string& (Item::*name_of)() const) {
    const auto found = std::ranges::find(items, name, name_of);
    return found == items.end() ? Item() : *found;
  }

  void CompareWorker(const v1::WorkerStatus& worker) {
    const v1::WorkerStatus old = Find(before_.workers(), worker.member(), &v1::WorkerStatus::member);
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
    const v1::TaskStatus old = Find(before_.tasks(), task.task(), &v1::TaskStatus::task);
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
    const std::set<std::string> before(before_.problems().begin(), before_.problems().end());
    for (const std::string& problem : after_.problems()) {
      if (before.contains(problem)) --known[WithoutDigits(problem)];
    }
    for (const std::string& problem : after_.problems()) {
      if (!before.contains(problem) && --known[WithoutDigits(problem)] < 0)
        Say("problem", problem, Tone::kBad);
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
  return Changes(v1::GetStatusResponse(), status, terminal).Describe(true);
}

std::vector<std::string> DescribeChanges(const v1::GetStatusResponse& before,
                                         const v1::GetStatusResponse& after, const Terminal& terminal) {
  return Changes(before, after, terminal).Describe(false);
}

}  // namespace interceptor::coordinator
