// Augmentations of pictures at any size; that drawn ones keep to the whitelist stands in specialist_test.cc.
#include "worker/models/preprocess.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

const at::Device kCpu(at::kCPU);

// [1, side, side, 3] bytes with some texture.
at::Tensor Bytes(int side) {
  return at::arange(int64_t{side} * side * 3)
      .mul(37)
      .remainder(101)
      .add(70)
      .to(at::kByte)
      .view({1, side, side, 3});
}

at::Tensor Prepared(const at::Tensor& bytes, const Augmentation& drawn) {
  const auto side = static_cast<int>(bytes.size(1));
  return Preprocessor(kCpu).Run(bytes, {.stored_side = side, .input_side = side}, {&drawn, 1});
}

CATCH_TEST_CASE("noise of the drawn strength is added at every size, each at its place") {
  const double reds = 0.229;  // normalisation divides by it
  for (const int side : {32, 224, 418, 419, 600}) {
    CATCH_INFO(side);
    const at::Tensor bytes = Bytes(side);
    const at::Tensor clean = Prepared(bytes, {});
    const at::Tensor noise =
        (Prepared(bytes, {.noise = 0.02, .noise_place = 0.3}) - clean).select(1, 0) * reds;
    CATCH_CHECK(noise.std().item<double>() == Approx(0.02).epsilon(0.1));
    const at::Tensor elsewhere = Prepared(bytes, {.noise = 0.02, .noise_place = 0.7}) - clean;
    CATCH_CHECK_FALSE(at::allclose(noise, elsewhere.select(1, 0) * reds, 0, 1e-3));
  }
}

CATCH_TEST_CASE(
    "quantisation works on whole blocks and fills up the last ones of a side that is no multiple") {
  const at::Tensor bytes = Bytes(60);
  const at::Tensor clean = Prepared(bytes, {});
  const at::Tensor quantised = Prepared(bytes, {.quantisation = 0.2});
  CATCH_CHECK(quantised.sizes() == clean.sizes());
  const at::Tensor whole_blocks = bytes.narrow(1, 0, 56).narrow(2, 0, 56).contiguous();
  CATCH_CHECK(at::allclose(quantised.narrow(2, 0, 56).narrow(3, 0, 56),
                           Prepared(whole_blocks, {.quantisation = 0.2}), 0, 1e-5));
  CATCH_CHECK_FALSE(at::allclose(quantised.narrow(2, 56, 4), clean.narrow(2, 56, 4), 0, 1e-3));
}

}  // namespace
}  // namespace interceptor::worker
