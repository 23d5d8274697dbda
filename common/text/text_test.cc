#include "common/text/text.h"

#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("one thing is counted in the singular") {
  CATCH_CHECK(Counted(1, "family", "families") == "1 family");
  CATCH_CHECK(Counted(0, "family", "families") == "0 families");
  CATCH_CHECK(Counted(12, "family", "families") == "12 families");
}

}  // namespace
}  // namespace interceptor
