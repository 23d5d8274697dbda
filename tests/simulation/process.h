// Machines and processes. A machine has its own clocks: one that counts on through sleep but runs a little
// fast or slow, and a wall clock that people set. A process runs events of its own life only: what was meant
// for a life that ended is dropped, what arrives while it is stopped waits.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "tests/simulation/draws.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class Machine {
 public:
  Machine(World& world, Draws draws);

  // Whole nanoseconds, as a kernel's clocks count.
  MonotonicTime Now() const;
  absl::Time WallTime() const;
  void JumpWall(absl::Duration by) { wall_ += by; }
  // How long something lasts in the world that lasts `own` on this machine's clock.
  absl::Duration InWorld(absl::Duration own) const { return own / rate_; }

 private:
  World& world_;
  const double rate_;
  const absl::Duration boot_;
  absl::Time wall_;
};

class Process {
 public:
  Process(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }
  bool paused() const { return paused_; }
  // Differs from life to life.
  int life() const { return life_; }

  void Begin();
  void End();
  void Pause() { paused_ = true; }
  void Resume();

  // In this life, `delay` from now.
  void Post(absl::Duration delay, std::function<void()> run);
  // At once if `life` is the present one and nothing holds the process up; dropped if that life is over.
  void RunIn(int life, std::function<void()> run);

  void Tell(std::string_view what) { world_.Tell(name_, what); }

 private:
  World& world_;
  const std::string name_;
  bool alive_ = false;
  bool paused_ = false;
  int life_ = 0;
  std::deque<std::function<void()>> held_;
};

}  // namespace interceptor::simulation
