#include "tests/simulation/mutants.h"

#include <variant>

#include "coordinator/core/queries.h"
#include "tests/simulation/command_traits.h"

namespace interceptor::simulation {
namespace {

using coordinator::State;

// What a stream says while it is open.
template <typename Command>
constexpr bool kSpeaks = requires(Command& command) {
  command.session;
}
&&!std::is_same_v<Command, coordinator::SessionOpened> &&
    !std::is_same_v<Command, coordinator::SessionClosed>;

void TakeForPresentHolder(const State& state, coordinator::SessionId& session, TaskRef& ref) {
  const coordinator::TaskFacts& task = coordinator::TaskOf(state, ref.task);
  if (!task.holder) return;
  ref.term = task.term;
  const coordinator::SessionId holder = coordinator::SessionOfBox(state, task.holder->box);
  if (holder != 0) session = holder;
}

void TakeForNewStream(const Seam& seam, coordinator::SessionId& session) {
  if (coordinator::FindSession(seam.state, session) != nullptr) return;
  const auto box = seam.boxes.find(session);
  const coordinator::SessionId newer =
      box == seam.boxes.end() ? 0 : coordinator::SessionOfBox(seam.state, box->second);
  if (newer != 0) session = newer;
}

// A second builder drew the folds anew, and the first manifest gives way to its own.
void ChangeFolds(State& state, coordinator::CommandBody& body) {
  auto* proposed = std::get_if<coordinator::ManifestProposed>(&body);
  if (proposed == nullptr || state.facts.requests.Find(proposed->request_id)) return;
  const auto chunk = state.facts.chunks.find(proposed->manifest.chunk);
  if (chunk == state.facts.chunks.end() || !chunk->second.manifest) return;
  proposed->manifest.blob = DigestOf("other folds of " + proposed->manifest.chunk);
  chunk->second.manifest.reset();
}

void OmitFallback(const State& state, std::vector<coordinator::Event>& events) {
  std::erase_if(events, [](const coordinator::Event& event) {
    const auto* fact = std::get_if<coordinator::Fact>(&event);
    return fact != nullptr && std::holds_alternative<coordinator::RunSetBack>(fact->body);
  });
  for (coordinator::Event& event : events) {
    auto* fact = std::get_if<coordinator::Fact>(&event);
    auto* granted = fact == nullptr ? nullptr : std::get_if<coordinator::TaskGranted>(&fact->body);
    if (granted != nullptr) granted->next_chunk = coordinator::TaskOf(state, granted->task).next_chunk;
  }
}

void ForgetSampling(std::vector<coordinator::Effect>& effects) {
  for (coordinator::Effect& effect : effects) {
    auto* send = std::get_if<coordinator::SendDirective>(&effect);
    auto* assignment = send == nullptr ? nullptr : std::get_if<coordinator::Assignment>(&send->directive);
    if (assignment != nullptr) assignment->sampling.clear();
  }
}

}  // namespace

const std::vector<MutantName>& AllMutants() {
  static const std::vector<MutantName> all = {
      {Mutant::kTermUnchecked, "term-unchecked"},     {Mutant::kAnsweredBeforeSync, "answered-before-sync"},
      {Mutant::kUnverifiedBlob, "unverified-blob"},   {Mutant::kRequestsNotDeduped, "requests-not-deduped"},
      {Mutant::kFoldsChange, "folds-change"},         {Mutant::kOldStreamNotFenced, "old-stream-not-fenced"},
      {Mutant::kNoFreshLease, "no-fresh-lease"},      {Mutant::kWallClock, "wall-clock"},
      {Mutant::kSavesNotAsked, "saves-not-asked"},    {Mutant::kSavesAlwaysDue, "saves-always-due"},
      {Mutant::kFallbackOmitted, "fallback-omitted"}, {Mutant::kSamplingForgotten, "sampling-forgotten"},
  };
  return all;
}

std::optional<Mutant> ParseMutant(std::string_view name) {
  for (const MutantName& each : AllMutants()) {
    if (each.name == name) return each.mutant;
  }
  return std::nullopt;
}

void Rewrite(Mutant mutant, const Seam& seam, coordinator::CommandBody& body) {
  State& state = seam.state;
  if (mutant == Mutant::kTermUnchecked) {
    std::visit(
        [&state]<typename Command>(Command& command) {
          if constexpr (kHasTask<Command>) TakeForPresentHolder(state, command.session, command.task);
        },
        body);
  } else if (mutant == Mutant::kRequestsNotDeduped) {
    std::visit(
        [&seam]<typename Command>(Command& command) {
          if constexpr (kHasRequest<Command>) command.request_id = seam.draws.Id();
        },
        body);
  } else if (mutant == Mutant::kOldStreamNotFenced) {
    std::visit(
        [&seam]<typename Command>(Command& command) {
          if constexpr (kSpeaks<Command>) TakeForNewStream(seam, command.session);
        },
        body);
  } else if (mutant == Mutant::kFoldsChange) {
    ChangeFolds(state, body);
  } else if (mutant == Mutant::kSavesAlwaysDue) {
    if (auto* report = std::get_if<coordinator::ProgressReported>(&body))
      report->progress.training_seconds += absl::ToDoubleSeconds(state.soft.plan.checkpoint_period);
  }
}

void Rewrite(Mutant mutant, const State& state, std::vector<coordinator::Event>& events) {
  if (mutant == Mutant::kFallbackOmitted) OmitFallback(state, events);
  if (mutant != Mutant::kNoFreshLease) return;
  std::erase_if(events, [](const coordinator::Event& event) {
    const auto* soft = std::get_if<coordinator::SoftEvent>(&event);
    return soft != nullptr && std::holds_alternative<coordinator::LeasesRefreshed>(*soft);
  });
}

void Rewrite(Mutant mutant, std::vector<coordinator::Effect>& effects) {
  if (mutant == Mutant::kSamplingForgotten) ForgetSampling(effects);
  if (mutant != Mutant::kSavesNotAsked) return;
  std::erase_if(effects, [](const coordinator::Effect& effect) {
    const auto* send = std::get_if<coordinator::SendDirective>(&effect);
    return send != nullptr && std::holds_alternative<coordinator::SaveNow>(send->directive);
  });
}

void RewriteStarted(Mutant mutant, State& state, MonotonicTime now) {
  if (mutant != Mutant::kNoFreshLease) return;
  for (auto& [task, lease] : state.soft.leases) lease.deadline = now;
}

}  // namespace interceptor::simulation
