// No evidence of its own: the face crop alone, as every specialist of a plan without front ends sees it.
#include "worker/models/front_ends/front_end.h"
#include "worker/models/preprocess.h"

namespace interceptor::worker {
namespace {

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

std::unique_ptr<FrontEnd> MakeFaceCropFrontEnd(SpecialistName specialist, at::Device device) {
  return std::make_unique<FaceCropFrontEnd>(specialist, device);
}

}  // namespace interceptor::worker
