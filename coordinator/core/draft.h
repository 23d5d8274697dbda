// A decision in the making: what every command's function fills in. Each step reads `state` as it was when
// the command came; a step that needs another's outcome waits for the next Tick.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/core/decide.h"

namespace interceptor::coordinator {

struct Draft {
  const State& state;
  absl::Time wall_time;
  MonotonicTime now;
  Decision decision;
  // Tasks this Tick has decided about: later steps leave them alone.
  std::set<std::string> touched;

  void Record(DurableEvent body, RequestMark request = {}) {
    decision.events.emplace_back(
        Fact{.at = wall_time, .request = std::move(request), .body = std::move(body)});
    decision.tick_soon = true;
  }
  void Note(SoftEvent event) { decision.events.emplace_back(std::move(event)); }
  // Nothing is sent to session 0.
  void Send(SessionId session, Directive directive) {
    if (session != 0) decision.effects.emplace_back(SendDirective{session, std::move(directive)});
  }
  void Do(Effect effect) { decision.effects.push_back(std::move(effect)); }
};

}  // namespace interceptor::coordinator
