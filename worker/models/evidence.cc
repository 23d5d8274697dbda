#include "worker/models/evidence.h"

#include "worker/models/front_ends/front_end.h"

namespace interceptor::worker {

absl::StatusOr<std::vector<float>> EvidenceStatistic(SpecialistName specialist,
                                                     const SpecialistInput& input) {
  return Guarded("measuring evidence", [&]() -> absl::StatusOr<std::vector<float>> {
    const auto front_end = MakeFrontEnd(specialist, FrontEndMode::kSpecialist, at::kCPU);
    const at::Tensor values = front_end->Statistic(input).to(at::kFloat).contiguous();
    return std::vector<float>(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
  });
}

}  // namespace interceptor::worker
