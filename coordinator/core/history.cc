#include "coordinator/core/history.h"

#include <algorithm>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

constexpr std::size_t kNonceDigits = 32;

}  // namespace

bool Remembers(const Facts& facts, const Incarnation& seen) {
  if (seen.number <= facts.lost_through) return true;
  const std::string* nonce = FindIn(facts.starts, seen.number);
  return nonce != nullptr ? *nonce == seen.nonce : seen.number < NewestStart(facts).number;
}

bool IsAheadOfJournal(const State& state, const Hello& hello) {
  const LastCoordinator& last = hello.last_coordinator;
  return last.plan_digest == state.facts.plan_digest && !Remembers(state.facts, last.incarnation);
}

std::string KnowsOf(std::string_view who, const Incarnation& seen) {
  return Cat(who, " knows of start ", seen.number, " of the coordinator, which is not in this journal");
}

Incarnation RecordLostHistory(Draft& draft, const LostHistory& lost) {
  const std::string mix = Cat(lost.started.nonce, "|", lost.seen.nonce, "|", lost.seen.number);
  const Incarnation now{std::max(lost.seen.number, lost.started.number) + 1,
                        DigestOf(mix).hex.substr(0, kNonceDigits)};
  draft.Record(
      HistoryLost{.seen = lost.seen, .why = lost.why, .now = now, .term_floor = now.number * kTermsPerStart});
  draft.Record(
      PlanPaused{Cat(lost.why,
                     ": runs go on from the checkpoints known here; make sure that no other coordinator"
                     " runs this plan")});
  return now;
}

}  // namespace interceptor::coordinator
