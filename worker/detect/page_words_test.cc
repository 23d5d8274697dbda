#include "worker/detect/page_words.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

std::string Text(const std::string& span) {
  const size_t begin = span.find('>') + 1;
  return span.substr(begin, span.find('<', begin) - begin) + span.substr(span.rfind('>') + 1);
}

CATCH_TEST_CASE("a ratio is said as times, in as many digits as it bears") {
  const auto said = [](double ratio) {
    const nlohmann::json value = ratio;
    return Text(TimesSpan(ReportField(value)));
  };
  CATCH_CHECK(said(0.3) == "2.0 times");
  CATCH_CHECK(said(-0.3) == "2.0 times");
  CATCH_CHECK(said(1.5441) == "35 times");
  CATCH_CHECK(said(4.091) == "12000 times");
  CATCH_CHECK(IsEven(0.01));
  CATCH_CHECK_FALSE(IsEven(-0.1));
}

CATCH_TEST_CASE("a share is never rounded to none or all") {
  const auto said = [](double share) {
    const nlohmann::json value = share;
    return Text(PercentSpan(ReportField(value)));
  };
  CATCH_CHECK(said(0.4907) == "49.1 %");
  CATCH_CHECK(said(0.99996) == "over 99.9 %");
  CATCH_CHECK(said(0.000001) == "under 0.001 %");
  CATCH_CHECK(said(0) == "0 %");
  CATCH_CHECK(said(1) == "100 %");
}

CATCH_TEST_CASE("what a specialist looks at is said by the plan's front end") {
  CATCH_CHECK_THAT(SpecialistWords("AV", "specialist"), Catch::Matchers::ContainsSubstring("sound"));
  CATCH_CHECK_THAT(SpecialistWords("AV", "face_crop"),
                   Catch::Matchers::ContainsSubstring("Pictures of the face"));
}

}  // namespace
}  // namespace interceptor::worker
