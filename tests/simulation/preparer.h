// interceptor-prepare as far as the agent can tell: it takes its time, counts on, and leaves a chunk in the
// store. The manifest follows from the zip, so every box makes the same one.
#pragma once

#include <string>

#include "tests/simulation/child.h"

namespace interceptor::simulation {

class Preparer : public Child {
 public:
  Preparer(Box& box, worker::ChildId id, std::string chunk);

  void OnStop() override;

 protected:
  void Begin() override;

 private:
  void Count(int done);
  void Finish();

  const std::string chunk_;
};

}  // namespace interceptor::simulation
