// A round is the six main runs having finished the same chunk: what the integrating member joins. A worker
// reports a chunk's held-out evaluation before the chunk's end, so what is missing then was not measurable
// (the held-out clips so far are of one class) and stays out of the round.
#pragma once

#include <string>
#include <vector>

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// Rounds that every main run has finished, counted from the first chunk.
int RoundsReady(const State& state);
bool RoundIsReady(const State& state, int chunk);
// One line: which runs the next round waits for, and why those of them that are paused are. Empty when it is
// ready or all are done.
std::string RoundWaitsFor(const State& state, int chunk);
// Whose results a round that is ready goes without.
std::vector<AbsentSpecialist> AbsentFromRound(const State& state, int chunk);

// Step of Tick: tells the integrating box of its next round, once a stream.
void AnnounceRound(Draft& draft);

}  // namespace interceptor::coordinator
