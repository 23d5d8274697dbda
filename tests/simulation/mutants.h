// Named defects that the checkers must find. They are made here, at the seams between the simulator and the
// code under test, by rewriting what goes in and out; the code itself has no switch for them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/command.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/state.h"
#include "tests/simulation/draws.h"

namespace interceptor::simulation {

enum class Mutant {
  kNone,
  kTermUnchecked,       // a stale holder's report is taken for the present holder's
  kAnsweredBeforeSync,  // replies and effects leave before the batch is durable
  kUnverifiedBlob,      // "the blob is in the vault" is said without looking
  kRequestsNotDeduped,  // each retry looks like a new request
  kFoldsChange,         // a committed data manifest gives way to another one
  kOldStreamNotFenced,  // what a replaced stream still says counts as the new one's
  kNoFreshLease,        // a coordinator's start or absence gives no lease a fresh time to live
  kWallClock,           // time is taken from the wall clock
  kSavesNotAsked,       // a due save is noted and not asked for
  kSavesAlwaysDue,      // what was saved is taken for unsaved
  kSamplingForgotten,   // a grant says nothing of how its chunk is sampled
  kFallbackOmitted,     // a run whose newest checkpoint is damaged is granted where that one stood
};

struct MutantName {
  Mutant mutant;
  std::string_view name;
};
// All but kNone.
const std::vector<MutantName>& AllMutants();
std::optional<Mutant> ParseMutant(std::string_view name);

// What happens to a command on its way to Decide. `boxes`: whose stream each session was.
struct Seam {
  coordinator::State& state;
  const std::map<coordinator::SessionId, std::string>& boxes;
  Draws& draws;
};
void Rewrite(Mutant mutant, const Seam& seam, coordinator::CommandBody& body);
// What happens to the decision's events on their way to Apply.
void Rewrite(Mutant mutant, const coordinator::State& state, std::vector<coordinator::Event>& events);
// What happens to the decision's effects.
void Rewrite(Mutant mutant, std::vector<coordinator::Effect>& effects);
// What happens to the state after a start.
void RewriteStarted(Mutant mutant, coordinator::State& state, MonotonicTime now);

}  // namespace interceptor::simulation
