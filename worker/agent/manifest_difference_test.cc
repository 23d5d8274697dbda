#include "worker/agent/manifest_difference.h"

#include "tests/support/catch.h"

namespace interceptor::worker {

CATCH_TEST_CASE("what differs between two manifests is counted and shown, whatever its place") {
  const std::vector<std::string> told = DescribeDifference("a\nb\nc\n", "c\nd\na\n");
  CATCH_REQUIRE(told.size() == 3);
  CATCH_CHECK(told[0] == "1 lines only in this box's manifest, 1 only in the committed one");
  CATCH_CHECK(told[1] == "here:      b");
  CATCH_CHECK(told[2] == "committed: d");
  std::string many;
  for (char c = 'a'; c <= 'z'; ++c) many += std::string(1, c) + "\n";
  CATCH_CHECK(DescribeDifference(many, "").size() == 6);
}

}  // namespace interceptor::worker
