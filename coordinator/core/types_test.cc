#include "coordinator/core/types.h"

#include "coordinator/core/limits.h"
#include "coordinator/core/requests.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

CATCH_TEST_CASE("text of others becomes one bounded line of valid UTF-8") {
  CATCH_CHECK(CleanText("a\nb\tc") == "a b c");
  CATCH_CHECK(CleanText("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\xAC") ==
              "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\xAC");
  CATCH_CHECK(CleanText("x\xFFy\xC3") == "x?y?");
  CATCH_CHECK(CleanText("\xC0\xAF") == "??");       // overlong
  CATCH_CHECK(CleanText("\xED\xA0\x80") == "???");  // surrogate
  CATCH_CHECK(CleanText(std::string(5000, 'a')).size() == kTextBytesMax);
  const std::string cut = CleanText(std::string(kTextBytesMax - 1, 'a') + "\xC3\xBC");
  CATCH_CHECK(cut == std::string(kTextBytesMax - 1, 'a'));
}

CATCH_TEST_CASE("a request is remembered by its id and told from another under the same id") {
  State state;
  const std::string id = FakeId("one");
  auto check = CheckRequest(state, id, "content", RequestId::kRequired);
  CATCH_REQUIRE(check.ok());
  CATCH_CHECK_FALSE(check->known);
  state.facts.requests.Remember(check->mark);
  check = CheckRequest(state, id, "content", RequestId::kRequired);
  CATCH_REQUIRE(check.ok());
  CATCH_CHECK(check->known);
  CATCH_CHECK(CheckRequest(state, id, "other", RequestId::kRequired).status().code() ==
              absl::StatusCode::kInvalidArgument);
  CATCH_CHECK_FALSE(CheckRequest(state, "", "content", RequestId::kRequired).ok());
  CATCH_CHECK(CheckRequest(state, "", "content", RequestId::kOptional).ok());
  for (const char* bad : {"0", "zz345678901234567890123456789012", "012345678901234567890123456789012"}) {
    CATCH_CHECK_FALSE(CheckRequest(state, bad, "content", RequestId::kOptional).ok());
  }
}

CATCH_TEST_CASE("only so many requests are remembered, the oldest is forgotten") {
  RequestMemory memory;
  char id[33];
  for (std::size_t i = 0; i <= kRequestsRememberedMax; ++i) {
    std::snprintf(id, sizeof(id), "%032zx", i);
    memory.Remember({id, i});
  }
  CATCH_CHECK(memory.size() == kRequestsRememberedMax);
  CATCH_CHECK_FALSE(memory.Find("00000000000000000000000000000000").has_value());
  CATCH_CHECK(memory.Find("00000000000000000000000000000001") == 1);
  CATCH_CHECK(memory.Find(id) == kRequestsRememberedMax);
}

CATCH_TEST_CASE("the reporting cadence fits the lease and the number of sessions") {
  CATCH_CHECK(ReportInterval(4, absl::Seconds(30)) == absl::Seconds(1));
  CATCH_CHECK(ReportInterval(4, absl::Seconds(1)) == absl::Seconds(1) / 3);
  CATCH_CHECK(ReportInterval(10'000, absl::Seconds(30)) == absl::Seconds(1));
  CATCH_CHECK(ReportInterval(50'000, absl::Seconds(30)) == absl::Seconds(5));
}

}  // namespace
}  // namespace interceptor::coordinator
