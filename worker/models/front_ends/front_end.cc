#include "worker/models/front_ends/front_end.h"

#include "worker/models/evidence.h"
#include "worker/models/preprocess.h"

namespace interceptor::worker {
namespace {

// No evidence of its own: the face crop alone, as every specialist of a plan without front ends sees it.
class FaceCropFrontEnd : public FrontEnd {
 public:
  FaceCropFrontEnd(SpecialistName specialist, at::Device device)
      : size_change_(TraitsOf(specialist).size_change), preprocessor_(device) {}

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    return {.pictures =
                preprocessor_.Run(input, {.input_side = side, .size_change = size_change_}, augmentations),
            .map = {},
            .figures = {}};
  }

 private:
  const SizeChange size_change_;
  const Preprocessor preprocessor_;
};

}  // namespace

at::Tensor FrontEnd::Statistic(const SpecialistInput& input, std::span<const Augmentation>) const {
  return at::zeros({input.count});
}

std::unique_ptr<FrontEnd> MakeFrontEnd(SpecialistName specialist, FrontEndMode mode, at::Device device) {
  if (mode == FrontEndMode::kFaceCrop) return std::make_unique<FaceCropFrontEnd>(specialist, device);
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
    const at::Tensor values = front_end->Statistic(input, {}).to(at::kFloat).contiguous();
    return std::vector<float>(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
  });
}

}  // namespace interceptor::worker
