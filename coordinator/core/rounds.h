// A round is the six main runs having finished the same chunk, with their held-out evaluations: what the
// integrating member joins.
#pragma once

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// Rounds that every main run has finished and evaluated, counted from the first chunk.
int RoundsReady(const State& state);
bool RoundIsReady(const State& state, int chunk);
// One line: what the next round waits for. Empty when it is ready or all are done.
std::string RoundWaitsFor(const State& state, int chunk);

// Step of Tick: tells the integrating box of its next round, once a stream.
void AnnounceRound(Draft& draft);

}  // namespace interceptor::coordinator
