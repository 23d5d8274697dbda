#include "worker/models/specialist.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("each specialist keeps to its augmentation whitelist") {
  for (const SpecialistName name : kAllSpecialists) {
    const SpecialistTraits& traits = TraitsOf(name);
    bool changed = false;
    for (uint64_t i = 0; i < 500; ++i) {
      const Augmentation drawn = DrawAugmentation(MakeRandomKey(i, "whitelist"), traits.whitelist, 1.0);
      changed |= drawn.flip || drawn.contrast != 1 || drawn.noise != 0;
      const bool resamples = drawn.rescale != 1 || drawn.quantisation != 0;
      const bool recolours =
          drawn.brightness != 0 || drawn.contrast != 1 || drawn.saturation != 1 || drawn.channel_gain[0] != 1;
      if (name != SpecialistName::kBG) CATCH_CHECK_FALSE(resamples);
      if (name == SpecialistName::kCM || name == SpecialistName::kRR || name == SpecialistName::kLL) {
        CATCH_CHECK_FALSE(recolours);
        CATCH_CHECK(traits.size_change == SizeChange::kAlignedCrop);
      }
      if (name == SpecialistName::kCM) CATCH_CHECK(drawn.noise == 0);
      if (name != SpecialistName::kLL) CATCH_CHECK(drawn.gamma == 1);
    }
    CATCH_CHECK(changed);
    const Augmentation none = DrawAugmentation(MakeRandomKey(1, "whitelist"), traits.whitelist, 0);
    CATCH_CHECK((!none.flip && none.noise == 0 && none.contrast == 1 && none.rescale == 1));
  }
}

CATCH_TEST_CASE("the parts of a front end stay small and have a stamp of their own") {
  for (const SpecialistName specialist : kAllSpecialists) {
    const Architecture plain = MakeArchitecture({}, specialist);
    const Architecture net = MakeArchitecture({.front_end = "specialist"}, specialist);
    CATCH_CHECK(net.parameter_count - plain.parameter_count < 1'500'000);
    CATCH_CHECK(net.Stamp() != plain.Stamp());
  }
}

}  // namespace
}  // namespace interceptor::worker
