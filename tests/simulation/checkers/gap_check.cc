#include "tests/simulation/checkers/gap_check.h"

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

constexpr std::string_view kRule = "I22 checkpoints come once a period of training time";
// So many that were asked for take a period at least: one may be asked for while another is on its way.
constexpr size_t kAskedMax = 3;
// Report, tick, messages, and a removal under way before.
constexpr double kTellSeconds = 2;

}  // namespace

struct GapCheck::Looker {
  GapCheck& check;

  template <typename Event>
  void operator()(const Event&) {}

  void operator()(const coordinator::CheckpointCommitted& e) {
    const Checkpoint& checkpoint = e.checkpoint;
    const double period = absl::ToDoubleSeconds(check.options_.plan.checkpoint_period);
    const double at = checkpoint.training_seconds;
    Run& run = check.runs_[checkpoint.specialist];
    if (run.newest && at - *run.newest > period + check.SlackSeconds()) {
      check.world_.Violate(kRule, Cat(checkpoint.id, " comes ", at - *run.newest,
                                      " s after the one before, the period is ", period, " s"));
    }
    if (check.settled_at_ && check.world_.now() >= *check.settled_at_) run.newest = at;
    if (checkpoint.reason != SaveReason::kSaveNow) return;
    run.asked.push_back(at);
    if (run.asked.size() > kAskedMax) run.asked.pop_front();
    if (run.asked.size() == kAskedMax && at - run.asked.front() < period - check.SlackSeconds()) {
      check.world_.Violate(kRule, Cat(checkpoint.id, " ends a burst: ", kAskedMax, " within ",
                                      at - run.asked.front(), " s, the period is ", period, " s"));
    }
  }

  // A pause asks for a save of its own.
  void operator()(const coordinator::PlanPaused&) {
    for (auto& [specialist, run] : check.runs_) run.asked.clear();
  }
  // What is lost is saved anew, and what was trained again counts anew.
  void operator()(const coordinator::CheckpointDamaged&) { check.runs_.clear(); }
  void operator()(const coordinator::RunSetBack&) { check.runs_.clear(); }
};

void GapCheck::See(const coordinator::Fact& fact) { std::visit(Looker{*this}, fact.body); }

void GapCheck::Calm(absl::Duration settling) {
  if (!settled_at_) settled_at_ = world_.now() + settling;
}

double GapCheck::SlackSeconds() const {
  const double grid = (options_.rounding_period + 1) * absl::ToDoubleSeconds(options_.timing.step);
  return grid + kTellSeconds;
}

}  // namespace interceptor::simulation
