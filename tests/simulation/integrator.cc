#include "tests/simulation/integrator.h"

#include "common/base/status.h"
#include "tests/simulation/box.h"

namespace interceptor::simulation {

Integrator::Integrator(Box& box, const worker::StartIntegrator& start)
    : Child(box, start.child, Cat(box.name(), "/integrate ", start.chunk)), round_(start.round) {}

void Integrator::Begin() {
  process().Tell("starts");
  process().Post(box_.options().timing.startup, [this] { Count(0); });
}

void Integrator::Count(int64_t done) {
  Emit(worker::IntegratorMoved{id(), done});
  if (done < static_cast<int64_t>(round_.evaluations.size())) {
    process().Post(box_.options().timing.evaluation, [this, done] { Count(done + 1); });
    return;
  }
  if (box_.disk().full)
    return Fail(absl::StatusCode::kResourceExhausted, "the disk of the results is full", true);
  Emit(worker::RoundJoined{id()});
  Leave();
}

}  // namespace interceptor::simulation
