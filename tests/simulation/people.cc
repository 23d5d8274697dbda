#include "tests/simulation/people.h"

#include <vector>

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

constexpr int kAttemptsMax = 20;

}  // namespace

People::People(World& world, const Options& options, CoordinatorHost& coordinator)
    : world_(world),
      coordinator_(coordinator),
      draws_(options.seed, "people"),
      process_(world, "people"),
      link_(world, Draws(options.seed, "people's link")) {
  process_.Begin();
}

void People::Do(const coordinator::CommandBody& command, const std::string& what) {
  process_.Tell(Cat("ask: ", what));
  Try(command, what, 1);
}

void People::Try(const coordinator::CommandBody& command, const std::string& what, int attempt) {
  // What is asked for again may have happened, and an earlier copy may still be under way.
  const bool answer_lost = draws_.Chance(0.1);
  const bool twice = draws_.Chance(0.1);
  const auto serve = [this, command](const Reply& reply) {
    coordinator_.Submit(
        command, [reply](const absl::StatusOr<coordinator::Reply>& answer) { reply(answer.status()); });
  };
  const auto done = [this, command, what, attempt, answer_lost](const absl::Status& status) {
    process_.Tell(Cat(what, ": ", answer_lost ? "no answer" : status.ToString()));
    const bool again = answer_lost || absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
    if (!again || attempt >= kAttemptsMax) return;
    process_.Post(draws_.Between(absl::Seconds(1), absl::Seconds(10)),
                  [this, command, what, attempt] { Try(command, what, attempt + 1); });
  };
  Ask(world_, {link_, process_, coordinator_.process(), serve, done});
  if (!twice) return;
  process_.Post(draws_.Between(absl::Milliseconds(10), absl::Seconds(30)), [this, serve] {
    Ask(world_, {link_, process_, coordinator_.process(), serve, [](const absl::Status&) {}});
  });
}

void People::Pause() { Do(coordinator::PausePlan{draws_.Id(), "lunch"}, "pause"); }
void People::Resume() { Do(coordinator::ResumePlan{draws_.Id()}, "resume"); }
void People::Drain(const std::string& member) {
  Do(coordinator::DrainWorker{draws_.Id(), member}, Cat("drain ", member));
}

void People::Pin() {
  std::vector<std::string> ids;
  for (const auto& [specialist, by_step] : coordinator_.checks().journal.durable().facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) ids.push_back(checkpoint.checkpoint.id);
  }
  if (ids.empty()) return;
  const std::string& id = draws_.Pick(ids);
  if (draws_.Chance(0.4)) {
    Do(coordinator::UnpinCheckpoint{draws_.Id(), id}, Cat("unpin ", id));
  } else {
    pinned_.insert(id);
    Do(coordinator::PinCheckpoint{draws_.Id(), id}, Cat("pin ", id));
  }
}

void People::UnpinAll() {
  for (const std::string& id : pinned_) Do(coordinator::UnpinCheckpoint{draws_.Id(), id}, Cat("unpin ", id));
  pinned_.clear();
}

}  // namespace interceptor::simulation
