// Augmentations of pictures at any size; that drawn ones keep to the whitelist stands in specialist_test.cc.
#include "worker/models/preprocess.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

const at::Device kCpu(at::kCPU);

// One picture with some texture.
SpecialistInput Picture(int side) {
  SpecialistInput input = {.count = 1, .face_crop = {.side = side}};
  for (int i = 0; i < side * side * 3; ++i) {
    const int x = i / 3 % side;
    const int y = i / 3 / side;
    input.face_crop.rgb.push_back(static_cast<uint8_t>(70 + (37 * x + 11 * y + 5 * (i % 3)) % 101));
  }
  return input;
}

at::Tensor Prepared(const SpecialistInput& input, const Augmentation& drawn) {
  return Preprocessor(kCpu).Run(input, {.input_side = input.face_crop.side}, {&drawn, 1});
}

CATCH_TEST_CASE("noise of the drawn strength is added at every size, each at its place") {
  const double reds = 0.229;  // normalisation divides by it
  for (const int side : {32, 224, 418, 419, 600}) {
    CATCH_INFO(side);
    const SpecialistInput picture = Picture(side);
    const at::Tensor clean = Prepared(picture, {});
    const at::Tensor noise =
        (Prepared(picture, {.noise = 0.02, .noise_place = 0.3}) - clean).select(1, 0) * reds;
    CATCH_CHECK(noise.std().item<double>() == Approx(0.02).epsilon(0.1));
    const at::Tensor elsewhere = Prepared(picture, {.noise = 0.02, .noise_place = 0.7}) - clean;
    CATCH_CHECK_FALSE(at::allclose(noise, elsewhere.select(1, 0) * reds, 0, 1e-3));
  }
}

CATCH_TEST_CASE(
    "quantisation works on whole blocks and fills up the last ones of a side that is no multiple") {
  const SpecialistInput picture = Picture(60);
  const at::Tensor clean = Prepared(picture, {});
  const at::Tensor quantised = Prepared(picture, {.quantisation = 0.2});
  CATCH_CHECK(quantised.sizes() == clean.sizes());
  const at::Tensor whole_blocks = Prepared(Picture(56), {.quantisation = 0.2});
  CATCH_CHECK(at::allclose(quantised.narrow(2, 0, 56).narrow(3, 0, 56), whole_blocks, 0, 1e-5));
  CATCH_CHECK_FALSE(at::allclose(quantised.narrow(2, 56, 4), clean.narrow(2, 56, 4), 0, 1e-3));
}

}  // namespace
}  // namespace interceptor::worker
