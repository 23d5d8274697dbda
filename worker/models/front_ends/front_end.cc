#include "worker/models/front_ends/front_end.h"

#include "worker/models/evidence.h"

namespace interceptor::worker {

at::Tensor FrontEnd::Statistic(const SpecialistInput& input) const { return at::zeros({input.count}); }

std::unique_ptr<FrontEnd> MakeFrontEnd(SpecialistName specialist, FrontEndMode mode, at::Device device) {
  if (mode == FrontEndMode::kFaceCrop) return MakeFaceCropFrontEnd(specialist, device);
  switch (specialist) {
    case SpecialistName::kBG:
      return MakeBackgroundFrontEnd(mode, device);
    case SpecialistName::kAV:
      return MakeAudioVisualFrontEnd(mode, device);
    case SpecialistName::kCM:
      return MakeCompressionFrontEnd(mode, device);
    case SpecialistName::kRR:
      return MakeResolutionFrontEnd(mode, device);
    case SpecialistName::kLL:
      return MakeLowLightFrontEnd(mode, device);
    case SpecialistName::kTM:
      return MakeTemporalFrontEnd(mode, device);
  }
  return nullptr;
}

absl::StatusOr<std::vector<float>> EvidenceStatistic(SpecialistName specialist,
                                                     const SpecialistInput& input) {
  return Guarded("measuring evidence", [&]() -> absl::StatusOr<std::vector<float>> {
    const auto front_end = MakeFrontEnd(specialist, FrontEndMode::kSpecialist, at::kCPU);
    const at::Tensor values = front_end->Statistic(input).to(at::kFloat).contiguous();
    return std::vector<float>(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
  });
}

}  // namespace interceptor::worker
