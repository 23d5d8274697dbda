#include "tests/simulation/child.h"

#include "common/base/status.h"
#include "tests/simulation/box.h"

namespace interceptor::simulation {
namespace {

// Every word takes as long, so none overtakes another.
constexpr absl::Duration kSocketDelay = absl::Microseconds(500);

}  // namespace

Child::Child(Box& box, worker::ChildId id, std::string name)
    : box_(box), id_(id), agent_life_(box.agent().process().life()), process_(box.world(), std::move(name)) {}

void Child::Start() {
  process_.Begin();
  Begin();
}

void Child::Emit(worker::SessionInput input) {
  box_.world().After(kSocketDelay,
                     [&agent = box_.agent(), life = agent_life_, child = id_, input = std::move(input)] {
                       agent.process().RunIn(life, [&agent, child, input] { agent.OnChild(child, input); });
                     });
}

void Child::End(bool in_order, const std::string& reason) {
  process_.Tell(in_order ? "leaves" : Cat("ends: ", reason));
  Ended(in_order);
  process_.End();
  Emit(worker::ChildExited{id_, in_order, reason});
}

void Child::Kill() {
  if (process_.alive()) End(false, "killed by signal 9 (SIGKILL)");
}

void Child::Leave() { End(true, "left with exit code 0"); }

void Child::Fail(absl::StatusCode code, const std::string& text, bool retryable) {
  Emit(worker::ChildFailed{id_, {code, text, retryable}});
  End(false, Cat("left with exit code 1 after ", code, ": ", text));
}

void Child::Halt(bool halted) {
  if (!process_.alive() || process_.paused() == halted) return;
  process_.Tell(halted ? "is stopped" : "goes on");
  Emit(worker::ChildHalted{id_, halted, halted ? "is stopped by signal 19 (SIGSTOP)" : ""});
  if (halted) {
    process_.Pause();
  } else {
    process_.Resume();
  }
}

}  // namespace interceptor::simulation
