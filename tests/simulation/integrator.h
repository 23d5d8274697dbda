// interceptor-integrate as far as the agent can tell: it goes through its tables, counts on, and leaves.
#pragma once

#include "tests/simulation/child.h"

namespace interceptor::simulation {

class Integrator : public Child {
 public:
  Integrator(Box& box, const worker::StartIntegrator& start);

  void OnStop() override { Leave(); }

 protected:
  void Begin() override;

 private:
  void Count(int64_t done);

  const Round round_;
};

}  // namespace interceptor::simulation
