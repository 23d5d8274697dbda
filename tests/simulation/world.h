// The simulated world's time and memory: a queue of events in one order, the trace of what happened, and the
// first rule that was broken. One thread; the same seed gives the same trace, byte for byte.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"

namespace interceptor::simulation {

struct Violation {
  std::string invariant;  // "I12 chunks in order"
  std::string text;
};

// What happened, one line each; the digest covers every line, the tail is kept for people.
class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  void Add(std::string line);
  uint64_t digest() const { return digest_; }
  const std::deque<std::string>& tail() const { return tail_; }

 private:
  const bool print_;
  uint64_t digest_ = 14695981039346656037ULL;  // FNV-1a's offset basis
  std::deque<std::string> tail_;
};

class World {
 public:
  // With `print` every line of the trace goes to stdout.
  World(uint64_t seed, bool print) : seed_(seed), trace_(print) {}

  uint64_t seed() const { return seed_; }
  // True time, which no machine knows.
  MonotonicTime now() const { return now_; }

  // Events of the same moment run in the order in which they were asked for.
  void After(absl::Duration delay, std::function<void()> run);
  // Runs the next event. False when there is none.
  bool Step();

  void Tell(std::string_view who, std::string_view what);
  // The first one counts; the run ends after the event under way.
  void Violate(std::string_view invariant, std::string_view text);
  const std::optional<Violation>& violation() const { return violation_; }

  const Trace& trace() const { return trace_; }
  int64_t events_run() const { return events_run_; }

 private:
  struct Event {
    MonotonicTime at;
    uint64_t order = 0;
    std::function<void()> run;
  };
  // A heap's front is its greatest element, so the later event is the lesser one.
  static bool Later(const Event& a, const Event& b) { return a.at == b.at ? a.order > b.order : a.at > b.at; }

  const uint64_t seed_;
  MonotonicTime now_;
  uint64_t last_order_ = 0;
  int64_t events_run_ = 0;
  std::vector<Event> events_;  // a heap
  Trace trace_;
  std::optional<Violation> violation_;
};

}  // namespace interceptor::simulation
