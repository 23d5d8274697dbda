#include "common/html/html.h"

#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("nothing in a text is taken for markup") {
  CATCH_CHECK(EscapeHtml("<b a=\"x\" c='y'>&amp;") == "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;");
}

CATCH_TEST_CASE("numbers are rounded, and what rounds to zero has no minus sign") {
  CATCH_CHECK(RoundedText(0.91249, 3) == "0.912");
  CATCH_CHECK(RoundedText(-0.0004, 3) == "0.000");
  CATCH_CHECK(RoundedText(-0.0006, 3) == "-0.001");
  CATCH_CHECK(RoundedText(0.0126, 3, Sign::kAlways) == "+0.013");
  CATCH_CHECK(RoundedText(-0.0126, 3, Sign::kAlways) == "-0.013");
  CATCH_CHECK(RoundedText(1234, 0) == "1234");
}

CATCH_TEST_CASE("a value is shown with its path in the report and, of a number, all its digits") {
  const nlohmann::json report = {{"list", {{{"name", "<a>"}, {"auc", 0.91251}}}}};
  const ReportField first = ReportField(report)["list"][0];
  CATCH_CHECK(TextSpan(first["name"]) == "<span data-field=\"list.0.name\">&lt;a&gt;</span>");
  CATCH_CHECK(NumberSpan(first["auc"], 3) ==
              "<span class=\"n\" data-field=\"list.0.auc\" data-value=\"0.91251\">0.913</span>");
}

CATCH_TEST_CASE("what a report has not is null, all the way down") {
  const nlohmann::json report = {{"list", {1, 2}}};
  const ReportField all(report);
  CATCH_CHECK(all["nothing"]["below"].is_null());
  CATCH_CHECK(all["list"][2].is_null());
  CATCH_CHECK_FALSE(all["nothing"].IsTrue());
  CATCH_CHECK(all["list"].size() == 2);
}

CATCH_TEST_CASE("intervals are read from measures and from gaps") {
  const nlohmann::json report = {{"measure", {{"value", 0.5}, {"interval", {0.25, 0.75}}}},
                                 {"gap", {{"estimate", -0.5}, {"low", -1.0}, {"high", 0.125}}}};
  const ReportField all(report);
  CATCH_CHECK(FieldsOf(all["measure"]).low.Number() == 0.25);
  CATCH_CHECK(FieldsOf(all["measure"]).high.Number() == 0.75);
  CATCH_CHECK(FieldsOf(all["gap"]).estimate.Number() == -0.5);
  CATCH_CHECK(
      IntervalSpans(all["gap"], Sign::kAlways) ==
      "<span class=\"n\" data-field=\"gap.estimate\" data-value=\"-0.5\">-0.500</span> <span class=\"ci\">["
      "<span class=\"n\" data-field=\"gap.low\" data-value=\"-1\">-1.000</span>, "
      "<span class=\"n\" data-field=\"gap.high\" data-value=\"0.125\">+0.125</span>]</span>");
}

CATCH_TEST_CASE("the last cell of a short row spans what is left of the table") {
  const std::string table = Table({"a", "b", "c"}, {{.cells = {"x", "none"}, .css_class = "fused"}});
  CATCH_CHECK(
      table.find(
          "<tr class=\"fused\"><th scope=\"row\">x</th><td class=\"text\" colspan=\"2\">none</td></tr>") !=
      std::string::npos);
}

}  // namespace
}  // namespace interceptor
