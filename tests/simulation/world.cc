#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/base/check.h"

namespace interceptor::simulation {
namespace {

constexpr size_t kTailLines = 60;

}  // namespace

void Trace::Add(std::string line) {
  for (const char c : line) {
    digest_ ^= static_cast<unsigned char>(c);
    digest_ *= 1099511628211ULL;
  }
  if (print_) std::printf("%s\n", line.c_str());
  tail_.push_back(std::move(line));
  if (tail_.size() > kTailLines) tail_.pop_front();
}

void World::After(absl::Duration delay, std::function<void()> run) {
  ICPT_CHECK(delay >= absl::ZeroDuration()) << "an event in the past";
  events_.push_back({now_ + delay, ++last_order_, std::move(run)});
  std::push_heap(events_.begin(), events_.end(), Later);
}

bool World::Step() {
  if (events_.empty()) return false;
  std::pop_heap(events_.begin(), events_.end(), Later);
  const Event event = std::move(events_.back());
  events_.pop_back();
  now_ = event.at;
  ++events_run_;
  event.run();
  return true;
}

void World::Tell(std::string_view who, std::string_view what) {
  char time[24];
  const int size = std::snprintf(time, sizeof time, "%11.6f ", absl::ToDoubleSeconds(now_.since_boot));
  std::string line(time, static_cast<size_t>(size));
  line.append(who).append(" ").append(what);
  trace_.Add(std::move(line));
}

void World::Violate(std::string_view invariant, std::string_view text) {
  if (violation_) return;
  violation_ = Violation{std::string(invariant), std::string(text)};
  Tell("VIOLATION", std::string(invariant).append(": ").append(text));
}

}  // namespace interceptor::simulation
