#include "worker/detect/detector.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/bundle_sample.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a bundle opens by what it was written as") {
  const BundleSample sample;
  const auto digest = sample.Write();
  const auto opened = OpenBundle(SystemFiles(), sample.options.folder);
  CATCH_REQUIRE(opened.ok());
  CATCH_CHECK(opened->digest == *digest);
  CATCH_CHECK(opened->bundle.specialists.size() == 2);
}

CATCH_TEST_CASE("a bundle with one bit changed, whichever, is refused and the file named") {
  const BundleSample sample;
  CATCH_REQUIRE(sample.Write().ok());
  const auto names = SystemFiles().List(sample.options.folder);
  CATCH_REQUIRE(names.ok());
  CATCH_CHECK(names->size() == 6);
  for (const std::string& name : *names) {
    const std::string path = JoinPath(sample.options.folder, name);
    const std::string whole = *ReadWholeFile(SystemFiles(), path);
    for (const size_t at : {size_t{0}, whole.size() / 2, whole.size() - 2}) {
      std::string changed = whole;
      changed[at] ^= 1;
      CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, changed).ok());
      const absl::Status status = OpenBundle(SystemFiles(), sample.options.folder).status();
      CATCH_CHECK_FALSE(status.ok());
      if (name != kBundleSums) CATCH_CHECK_THAT(Message(status), Catch::Matchers::ContainsSubstring(name));
    }
    CATCH_REQUIRE(SystemFiles().Remove(path).ok());
    CATCH_CHECK_FALSE(OpenBundle(SystemFiles(), sample.options.folder).ok());
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, whole).ok());
  }
  CATCH_CHECK(OpenBundle(SystemFiles(), sample.options.folder).ok());
}

CATCH_TEST_CASE("weights of another architecture than the settings describe are refused") {
  const BundleSample sample;
  CATCH_REQUIRE(sample.Write().ok());
  const auto opened = OpenBundle(SystemFiles(), sample.options.folder);
  CATCH_REQUIRE(opened.ok());
  const absl::Status status = Detector::Load(SystemFiles(), *opened, {}).status();
  CATCH_CHECK(absl::IsFailedPrecondition(status));
  CATCH_CHECK_THAT(Message(status), Catch::Matchers::ContainsSubstring("another architecture (tiny)"));
}

}  // namespace
}  // namespace interceptor::worker
