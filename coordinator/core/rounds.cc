#include "coordinator/core/rounds.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

constexpr std::string_view kNothingMeasured =
    "no held-out result: its held-out clips so far are of one class, or the box that scored them was lost";

const Evaluation* HeldOut(const State& state, const std::string& specialist, int chunk) {
  return FindIn(state.facts.evaluations, EvaluationKey{specialist, EvaluationKind::kHeldOut, chunk});
}

bool IsBehind(const State& state, const std::string& task, int chunk) {
  return task != kIntegrateTask && TaskOf(state, task).chunks_ended <= chunk;
}

bool IsInPlan(const State& state, int chunk) {
  return chunk >= 0 && chunk < static_cast<int>(state.soft.plan.chunks.size());
}

}  // namespace

std::string RoundWaitsFor(const State& state, int chunk) {
  if (!IsInPlan(state, chunk)) return "";
  std::vector<std::string> behind;
  std::string paused;
  for (const std::string& name : state.soft.index.tasks) {
    if (!IsBehind(state, name, chunk)) continue;
    behind.push_back(SpecialistOf(name));
    const TaskFacts& task = TaskOf(state, name);
    if (task.paused) paused += Cat("; ", behind.back(), " is paused: ", task.reason);
  }
  if (behind.empty()) return "";
  return Cat("waiting for ", ListSpecialists(behind), " to finish chunk ", state.soft.plan.chunks[chunk].name,
             paused);
}

bool RoundIsReady(const State& state, int chunk) {
  return IsInPlan(state, chunk) && std::ranges::none_of(state.soft.index.tasks, [&](const std::string& task) {
           return IsBehind(state, task, chunk);
         });
}

std::vector<AbsentSpecialist> AbsentFromRound(const State& state, int chunk) {
  std::vector<AbsentSpecialist> absent;
  for (const std::string& task : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(task);
    if (specialist.empty() || HeldOut(state, specialist, chunk) != nullptr) continue;
    absent.push_back({specialist, std::string(kNothingMeasured)});
  }
  return absent;
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
  Round round{.chunk = chunk,
              .evaluations = {},
              .absent = AbsentFromRound(state, chunk),
              .last = chunk + 1 == static_cast<int>(state.soft.plan.chunks.size())};
  for (const std::string& name : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(name);
    const Evaluation* evaluation = HeldOut(state, specialist, chunk);
    if (evaluation != nullptr) round.evaluations.push_back(*evaluation);
  }
  draft.Send(id, RoundReady{std::move(round)});
  draft.Note(RoundAnnounced{id, chunk});
}

}  // namespace interceptor::coordinator
