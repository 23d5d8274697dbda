#include "tests/simulation/checkers/journal_check.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/journal/event_codec.h"
#include "tests/simulation/journal_disk.h"

namespace interceptor::simulation {

void JournalCheck::Take(const coordinator::Fact& fact) {
  if (world_.violation()) return;
  const absl::StatusOr<coordinator::Fact> read = coordinator::DecodeFact(coordinator::EncodeFact(fact));
  if (!read.ok() || !(*read == fact)) {
    world_.Violate("I1 records read back",
                   Cat("event ", history_.size() + 1, ": ", coordinator::Describe(fact.body).kind));
    return;
  }
  facts_.See(fact, shadow_.facts);
  gaps_.See(fact);
  if (world_.violation()) return;
  history_.push_back(fact);
  coordinator::Apply(shadow_, *read);
  if (shadow_.facts.events != static_cast<int64_t>(history_.size())) {
    world_.Violate("I4 events are numbered without gap or repeat",
                   Cat("the state counts ", shadow_.facts.events, ", the journal has ", history_.size()));
  }
}

void JournalCheck::Compare(const coordinator::Facts& present, std::string_view when) {
  if (world_.violation() || present == shadow_.facts) return;
  world_.Violate("replay rebuilds an equal state",
                 Cat(when, ": after ", present.events,
                     " events the state differs from the journal's, which has ", shadow_.facts.events));
}

void JournalCheck::Synced(const std::vector<coordinator::Fact>& batch, const coordinator::Facts& present) {
  for (const coordinator::Fact& fact : batch) Take(fact);
  Compare(present, "after a sync");
}

void JournalCheck::Released(int64_t events) {
  released_ = std::max(released_, events);
  if (events <= static_cast<int64_t>(history_.size())) return;
  // Not yet a loss: it becomes one when a crash takes the batch away. Then Recovered finds it.
  world_.Tell("checker",
              Cat("something left that rests on event ", events, ", durable are ", history_.size()));
}

void JournalCheck::Recovered(const std::vector<coordinator::Fact>& found, const coordinator::Facts& present) {
  if (static_cast<int64_t>(found.size()) < released_ || found.size() < history_.size()) {
    world_.Violate("I1 acknowledged facts are never lost",
                   Cat("answers rested on ", std::max<int64_t>(released_, std::ssize(history_)),
                       " events, recovered are ", found.size()));
    return;
  }
  for (size_t i = 0; i < found.size() && !world_.violation(); ++i) {
    if (i >= history_.size()) {
      Take(found[i]);
    } else if (!(found[i] == history_[i])) {
      world_.Violate("I1 acknowledged facts are never lost", Cat("event ", i + 1, " came back as another"));
    }
  }
  Compare(present, "after a restart");
}

void JournalCheck::BackedUp(const std::string& bytes) {
  size_t whole = 0;
  const auto facts = JournalDisk::Read(bytes, whole);
  if (!facts.ok() || whole != bytes.size() || *facts != history_) {
    world_.Violate("a backup holds every fact",
                   Cat(facts.status(), ", ", whole, " of ", bytes.size(), " bytes"));
  }
}

}  // namespace interceptor::simulation
