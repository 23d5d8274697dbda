#include "tests/simulation/checkers/command_check.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/simulation/command_traits.h"

namespace interceptor::simulation {
namespace {

// Says of a box's report why it may not count; empty when it may.
struct FenceReason {
  const coordinator::State& state;

  template <typename Command>
  std::string operator()(const Command& command) const {
    if constexpr (kHasTask<Command>) {
      return Reason(command.session, command.task, std::is_same_v<Command, coordinator::EvaluationReported>);
    } else if constexpr (kHasSession<Command>) {
      return SessionReason(command.session);
    } else {
      return "";
    }
  }
  std::string operator()(const coordinator::ProgressReported& command) const {
    return Reason(command.session, command.progress.task, false);
  }
  // What opens or ends a stream speaks for no task.
  std::string operator()(const coordinator::SessionOpened&) const { return ""; }

  std::string SessionReason(coordinator::SessionId id) const {
    return coordinator::FindSession(state, id) == nullptr ? Cat("stream ", id, " was replaced or has ended")
                                                          : "";
  }

  std::string Reason(coordinator::SessionId id, const TaskRef& ref, bool evaluation) const {
    const coordinator::Session* session = coordinator::FindSession(state, id);
    if (session == nullptr) return SessionReason(id);
    const coordinator::TaskFacts& task = coordinator::TaskOf(state, ref.task);
    if (ref.term != task.term) return Cat(ref.task, ": term ", ref.term, " is stale, it is ", task.term);
    const bool holds = task.holder && task.holder->box == session->box;
    // The last holder may still tell how a finished run did.
    if (holds || (evaluation && task.done && task.last_box == session->box)) return "";
    return Cat(ref.task, " is not held by box ", session->box);
  }
};

bool ChangesSomething(const coordinator::Event& event) {
  const auto* soft = std::get_if<coordinator::SoftEvent>(&event);
  if (soft == nullptr) return true;
  return std::holds_alternative<coordinator::ProgressNoted>(*soft) ||
         std::holds_alternative<coordinator::LeaseRenewed>(*soft) ||
         std::holds_alternative<coordinator::InventoryNoted>(*soft);
}

}  // namespace

void CommandCheck::Deciding(const coordinator::CommandBody& command, const coordinator::State& state) {
  request_ = std::visit(
      []<typename Command>(const Command& body) -> std::string {
        if constexpr (kHasRequest<Command>) return body.request_id;
        return "";
      },
      command);
  repeats_ = !request_.empty() && accepted_.contains(request_);
  fenced_ = std::visit(FenceReason{state}, command);
}

void CommandCheck::Decided(const absl::StatusOr<coordinator::Decision>& decision, MonotonicTime now) {
  const bool changes =
      decision.ok() && std::any_of(decision->events.begin(), decision->events.end(), ChangesSomething);
  if (!fenced_.empty() && changes) world_.Violate("I8 a stale term or stream changes nothing", fenced_);
  // A retry over a stream that has ended is turned away there, and may come again over the next one.
  const bool turned_away = absl::IsAborted(decision.status()) && fenced_.starts_with("stream ");
  if (repeats_ && (changes || (!decision.ok() && !turned_away))) {
    world_.Violate("I2 the same request gets the same answer and one effect",
                   Cat("request ", request_.substr(0, 8), " was accepted, its repeat: ",
                       decision.ok() ? "takes effect again" : decision.status().ToString()));
  }
  if (absl::IsInvalidArgument(decision.status()) &&
      Message(decision.status()).find("was used for another request") != std::string::npos) {
    world_.Violate("I2 the same request gets the same answer and one effect", Message(decision.status()));
  }
  if (!decision.ok()) return;
  // The journal's own mark may be another than what the worker sent: what counts is that it was answered.
  const bool marked = std::any_of(decision->events.begin(), decision->events.end(), [](const auto& event) {
    const auto* fact = std::get_if<coordinator::Fact>(&event);
    return fact != nullptr && !fact->request.id.empty();
  });
  if (marked && !request_.empty()) decided_.push_back(request_);
  if (now >= fresh_until_) return;
  for (const coordinator::Event& event : decision->events) {
    const auto* fact = std::get_if<coordinator::Fact>(&event);
    if (fact == nullptr) continue;
    if (const auto* expired = std::get_if<coordinator::LeaseExpired>(&fact->body)) {
      world_.Violate(
          "I9 nobody is expired before a fresh time to live",
          Cat(expired->task.task, " expired ", absl::FormatDuration(fresh_until_ - now), " too early"));
    }
  }
}

void CommandCheck::Synced() {
  accepted_.insert(decided_.begin(), decided_.end());
  decided_.clear();
}

void CommandCheck::Recovered(const coordinator::Fact& fact) {
  if (!fact.request.id.empty()) accepted_.insert(fact.request.id);
}

}  // namespace interceptor::simulation
