// A state folder can be copied, and an old copy of it put back. Then boxes know of starts of the coordinator,
// and of terms, that the journal lacks. Nothing that was granted there may count here: every term is ended,
// new ones begin far beyond, and the plan is paused until a person has looked.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// False when `seen` is a start that this journal lacks. True for number 0, for starts too old to be
// remembered, and for those of a lost history that was noticed before.
bool Remembers(const Facts& facts, const Incarnation& seen);

// Whether the box knows of a start on this plan that the journal lacks.
bool IsAheadOfJournal(const State& state, const Hello& hello);

// "<who> knows of start 7 of the coordinator, which is not in this journal"
std::string KnowsOf(std::string_view who, const Incarnation& seen);

struct LostHistory {
  Incarnation seen;
  std::string why;      // one line for people
  Incarnation started;  // of this coordinator
};
// Records it and pauses the plan. Returns who the coordinator is from here on: a number beyond both
// histories'. Its terms begin beyond kTermsPerStart for each start up to that number, which neither history
// has reached.
Incarnation RecordLostHistory(Draft& draft, const LostHistory& lost);

}  // namespace interceptor::coordinator
