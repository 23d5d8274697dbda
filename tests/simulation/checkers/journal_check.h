// I1, I4, I31 and replay: what was answered is never lost, numbers are never used again, nothing is shown or
// answered before it is durable, and replaying the journal rebuilds an equal state. Keeps a second state,
// built from the records' bytes alone, which the other checkers ask for what is durable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/core/state.h"
#include "tests/simulation/checkers/fact_check.h"
#include "tests/simulation/checkers/gap_check.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class JournalCheck {
 public:
  JournalCheck(World& world, FactCheck& facts, GapCheck& gaps) : world_(world), facts_(facts), gaps_(gaps) {}

  // A batch is durable, and nothing beyond it is decided yet.
  void Synced(const std::vector<coordinator::Fact>& batch, const coordinator::Facts& present);
  // An answer, an effect or a snapshot that rests on the first `events` facts was let out.
  void Released(int64_t events);
  // What replay found, and the state it built.
  void Recovered(const std::vector<coordinator::Fact>& found, const coordinator::Facts& present);
  // A copy of the journal's bytes.
  void BackedUp(const std::string& bytes);

  const coordinator::State& durable() const { return shadow_; }
  const std::vector<coordinator::Fact>& history() const { return history_; }

 private:
  void Take(const coordinator::Fact& fact);
  void Compare(const coordinator::Facts& present, std::string_view when);

  World& world_;
  FactCheck& facts_;
  GapCheck& gaps_;
  std::vector<coordinator::Fact> history_;
  coordinator::State shadow_;
  int64_t released_ = 0;
};

}  // namespace interceptor::simulation
