// A child process of an agent. What it says arrives at the agent in order; its end is the last thing heard.
#pragma once

#include <string>
#include <utility>

#include "tests/simulation/process.h"
#include "worker/session/session_values.h"

namespace interceptor::simulation {

class Box;

class Child {
 public:
  Child(Box& box, worker::ChildId id, std::string name);
  virtual ~Child() = default;

  Process& process() { return process_; }
  worker::ChildId id() const { return id_; }
  // Of a trainer, else empty.
  virtual std::string specialist() const { return ""; }

  void Start();
  // By signal 9, whoever sent it.
  void Kill();
  // Stopped by a signal, or going on.
  void Halt(bool halted);

  // --- commands of the agent; lost when the process is gone ---
  virtual void OnStop() = 0;
  virtual void OnSave() {}
  virtual void OnOrder(const worker::GiveChunk&) {}

 protected:
  virtual void Begin() = 0;
  virtual void Ended(bool /*in_order*/) {}
  // `input` carries this child's id.
  void Emit(worker::SessionInput input);
  void Leave();
  void Fail(absl::StatusCode code, const std::string& text, bool retryable);

  Box& box_;

 private:
  void End(bool in_order, const std::string& reason);

  const worker::ChildId id_;
  const int agent_life_;
  Process process_;
};

}  // namespace interceptor::simulation
