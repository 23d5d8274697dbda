#include "worker/agent/manifest_difference.h"

#include "tests/support/catch.h"

namespace interceptor::worker {

CATCH_TEST_CASE("what differs between two manifests is counted and shown, whatever its place") {
  const std::vector<std::string> lines = DescribeDifference("a\nb\nc\n", "c\nd\na\n");
  CATCH_REQUIRE(lines.size() == 3);
  CATCH_CHECK(lines[0] == "1 lines only in this box's manifest, 1 only in the committed one");
  CATCH_CHECK(lines[1] == "here:      b");
  CATCH_CHECK(lines[2] == "committed: d");
  std::string many;
  for (char c = 'a'; c <= 'z'; ++c) many += std::string(1, c) + "\n";
  CATCH_CHECK(DescribeDifference(many, "").size() == 6);
}

}  // namespace interceptor::worker
