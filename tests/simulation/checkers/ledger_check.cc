#include "tests/simulation/checkers/ledger_check.h"

#include <utility>

#include "common/base/status.h"

namespace interceptor::simulation {

void LedgerCheck::Started(const std::string& specialist, const Start& start) {
  Run& run = runs_[specialist];
  if (start.step < start.base_step) {
    world_.Violate("I14 a run never starts behind its base",
                   Cat(specialist, " starts at step ", start.step, ", its base has ", start.base_step));
  }
  if (run.box == start.box && !run.forgetful && start.step < run.owed_step) {
    world_.Violate(run.ended_in_order ? "I28 a trainer that leaves in order loses nothing"
                                      : "I15 a killed trainer loses at most a snapshot period",
                   Cat(specialist, " on box ", start.box, " starts at step ", start.step, ", step ",
                       run.owed_step, " was safe"));
  }
  run.box = start.box;
  run.owed_step = -1;
  run.left_at_step = -1;
}

void LedgerCheck::Stepped(const std::string& box, const Cursor& at, const Model& after) {
  Run& run = runs_[after.specialist];
  ++steps_;
  const int64_t expected =
      at.chunk * options_.steps_per_chunk() + at.epoch * options_.epoch_batches + at.position + 1;
  if (after.step != expected) {
    world_.Violate("I12 chunks in order",
                   Cat(after.specialist, " on box ", box, " takes step ", after.step, " at chunk ", at.chunk,
                       " epoch ", at.epoch, " position ", at.position));
  }
  const auto [known, added] = run.weights.emplace(after.step, after.weights);
  if (added) return;
  ++repeated_;
  if (known->second != after.weights) {
    world_.Violate("I16 a step taken again gives the same result",
                   Cat(after.specialist, " on box ", box, ": step ", after.step, " came out differently"));
  }
}

void LedgerCheck::Ended(const std::string& specialist, const End& end) {
  Run& run = runs_[specialist];
  if (run.box != end.box) return;
  run.ended_in_order = false;
  run.left_at_step = end.in_order ? end.step : -1;
  run.owed_step = end.safe_step;
}

void LedgerCheck::EndWasHeard(const std::string& box, const std::string& specialist) {
  Run& run = runs_[specialist];
  if (run.box != box || run.left_at_step < 0 || run.owed_step < 0) return;
  run.ended_in_order = true;
  run.owed_step = std::exchange(run.left_at_step, -1);
}

void LedgerCheck::Excuse(const std::string& box, const std::string& specialist) {
  Run& run = runs_[specialist];
  if (run.box == box) run.owed_step = -1;
}

void LedgerCheck::MemoryWritten(const std::string& box, const std::string& specialist, bool written) {
  Run& run = runs_[specialist];
  if (run.box == box) run.forgetful = !written;
}

void LedgerCheck::AtTheEnd(const std::string& specialist, const Model& published) {
  const Run& run = runs_[specialist];
  if (static_cast<int64_t>(run.weights.size()) != options_.steps()) {
    world_.Violate("I12 chunks in order", Cat(specialist, ": ", run.weights.size(), " of ", options_.steps(),
                                              " steps were trained"));
    return;
  }
  if (published.step != options_.steps() || published.weights != run.weights.rbegin()->second) {
    world_.Violate("I16 what is published is what was trained",
                   Cat(specialist, ": the last checkpoint stands at step ", published.step));
  }
}

}  // namespace interceptor::simulation
