#include "worker/sampling/types.h"

#include <set>
#include <string>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("every word is read back as what it was written from") {
  for (const Label label : {Label::kReal, Label::kFake}) CATCH_CHECK(ParseLabel(ToString(label)) == label);
  std::set<std::string> names;
  for (const SpecialistName specialist : kAllSpecialists) {
    CATCH_CHECK(ParseSpecialist(ToString(specialist)) == specialist);
    names.insert(std::string(ToString(specialist)));
  }
  CATCH_CHECK(names.size() == 6);
  for (int i = 0; i <= static_cast<int>(View::kCodecFacts); ++i) {
    const View view = static_cast<View>(i);
    CATCH_CHECK(ParseView(ToString(view)) == view);
  }
}

CATCH_TEST_CASE("words are exact: another case or an unknown word is nothing") {
  CATCH_CHECK_FALSE(ParseLabel("fake").has_value());
  CATCH_CHECK_FALSE(ParseLabel("").has_value());
  CATCH_CHECK_FALSE(ParseSpecialist("bg").has_value());
  CATCH_CHECK_FALSE(ParseView("face").has_value());
}

}  // namespace
}  // namespace interceptor::worker
