#include "tests/simulation/process.h"

namespace interceptor::simulation {

// 2026, and clocks that gain or lose up to a hundredth: quartz is better, virtual machines are not.
Machine::Machine(World& world, Draws draws)
    : world_(world),
      rate_(0.99 + 0.02 * draws.Uniform()),
      boot_(draws.Between(absl::Seconds(10), absl::Hours(1000))),
      wall_(absl::FromUnixSeconds(1'780'000'000) + draws.Between(absl::Seconds(0), absl::Minutes(10))) {}

MonotonicTime Machine::Now() const {
  return {absl::Floor(boot_ + world_.now().since_boot * rate_, absl::Nanoseconds(1))};
}

absl::Time Machine::WallTime() const {
  return wall_ + absl::Floor(world_.now().since_boot * rate_, absl::Nanoseconds(1));
}

void Process::Begin() {
  alive_ = true;
  paused_ = false;
  ++life_;
  held_.clear();
}

void Process::End() {
  alive_ = false;
  paused_ = false;
  ++life_;
  held_.clear();
}

void Process::Resume() {
  if (!paused_) return;
  paused_ = false;
  const int life = life_;
  while (life == life_ && !paused_ && !held_.empty()) {
    const std::function<void()> run = std::move(held_.front());
    held_.pop_front();
    run();
  }
}

void Process::Post(absl::Duration delay, std::function<void()> run) {
  world_.After(delay, [this, life = life_, run = std::move(run)] { RunIn(life, run); });
}

void Process::RunIn(int life, std::function<void()> run) {
  if (!alive_ || life != life_) return;
  if (paused_) {
    held_.push_back(std::move(run));
  } else {
    run();
  }
}

}  // namespace interceptor::simulation
