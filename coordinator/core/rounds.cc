#include "coordinator/core/rounds.h"

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

const Evaluation* HeldOut(const State& state, const std::string& specialist, int chunk) {
  const auto found = state.facts.evaluations.find({specialist, EvaluationKind::kHeldOut, chunk});
  return found == state.facts.evaluations.end() ? nullptr : &found->second;
}

}  // namespace

std::string RoundWaitsFor(const State& state, int chunk) {
  const auto& chunks = state.soft.plan.chunks;
  if (chunk < 0 || chunk >= static_cast<int>(chunks.size())) return "";
  for (const std::string& task : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(task);
    if (specialist.empty()) continue;
    if (TaskOf(state, task).chunks_ended <= chunk) {
      return Cat("waiting for ", specialist, " to finish chunk ", chunks[chunk].name);
    }
  }
  return "";
}

bool RoundIsReady(const State& state, int chunk) {
  return chunk >= 0 && chunk < static_cast<int>(state.soft.plan.chunks.size()) &&
         RoundWaitsFor(state, chunk).empty();
}

int RoundsReady(const State& state) {
  int rounds = 0;
  while (RoundIsReady(state, rounds)) ++rounds;
  return rounds;
}

void AnnounceRound(Draft& draft) {
  const State& state = draft.state;
  const TaskFacts& task = TaskOf(state, kIntegrateTask);
  if (!task.holder || draft.touched.contains(std::string(kIntegrateTask))) return;
  const int chunk = task.next_chunk;
  const SessionId id = SessionOfBox(state, task.holder->box);
  const Session* session = FindSession(state, id);
  if (session == nullptr || session->round_announced >= chunk || !RoundIsReady(state, chunk)) return;
  RoundReady round{.chunk = chunk,
                   .evaluations = {},
                   .last = chunk + 1 == static_cast<int>(state.soft.plan.chunks.size())};
  for (const std::string& name : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(name);
    const Evaluation* evaluation = HeldOut(state, specialist, chunk);
    if (evaluation != nullptr) round.evaluations.push_back(*evaluation);
  }
  draft.Send(id, std::move(round));
  draft.Note(RoundAnnounced{id, chunk});
}

}  // namespace interceptor::coordinator
