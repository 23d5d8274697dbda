#include "worker/integrate/report_page.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "tests/support/round_sample.h"
#include "worker/integrate/report.h"

namespace interceptor::worker {
namespace {

nlohmann::json ReportOf(const RoundResults& results) {
  const auto report = MakeReport(results);
  CATCH_REQUIRE(report.ok());
  return *report;
}

RoundResults FullRound() {
  RoundResults results = ResultsOf(DrawRoundTables(1, 120));
  results.absent = {{"LL", "it is <paused> & \"gone\""}, {"x-<own>", "no table"}};
  return results;
}

bool Contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

size_t TimesIn(const std::string& text, std::string_view part) {
  size_t times = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++times;
  return times;
}

// An element and the text up to the next one.
struct Element {
  std::string tag;  // all between < and >
  std::string text;

  std::string Attribute(std::string_view name) const {
    const std::string begin = Cat(" ", name, "=\"");
    const size_t at = tag.find(begin);
    if (at == std::string::npos) return "";
    const size_t from = at + begin.size();
    return tag.substr(from, tag.find('"', from) - from);
  }
};

std::vector<Element> ElementsOf(const std::string& page) {
  std::vector<Element> elements;
  for (size_t at = page.find("<body>"); at < page.size();) {
    const size_t end = page.find('>', at);
    const size_t next = std::min(page.find('<', end), page.size());
    const std::string text =
        absl::StrReplaceAll(page.substr(end + 1, next - end - 1),
                            {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}});
    elements.push_back({page.substr(at + 1, end - at - 1), text});
    at = next;
  }
  return elements;
}

const nlohmann::json& At(const nlohmann::json& report, const std::string& path) {
  return report.at(nlohmann::json::json_pointer("/" + absl::StrReplaceAll(path, {{".", "/"}})));
}

// `text` begins with `value`, rounded to as many decimals as it has.
void CheckRounded(const std::string& text, double value) {
  size_t length = 0;
  const double printed = std::stod(text, &length);
  const size_t point = text.find('.');
  const auto decimals = point < length ? static_cast<double>(length - point - 1) : 0;
  CATCH_CHECK(std::abs(printed - value) <= 0.5 * std::pow(10, -decimals) + 1e-12);
  CATCH_CHECK((decimals > 0 || printed == value));
  CATCH_CHECK(text.find_first_of("0123456789", length) == std::string::npos);
}

void CheckShown(const nlohmann::json& report, const Element& shown) {
  const nlohmann::json& value = At(report, shown.Attribute("data-field"));
  CATCH_INFO(shown.tag << ": '" << shown.text << "'");
  if (value.is_number()) {
    CATCH_CHECK(shown.Attribute("data-value") == NumberText(value.get<double>()));
    CheckRounded(shown.text, value.get<double>());
  } else if (value.is_array()) {
    CATCH_CHECK(shown.tag.starts_with("polyline"));
    CATCH_CHECK(std::ranges::count(shown.Attribute("points"), ',') == std::ssize(value));
  } else {
    CATCH_CHECK(shown.text == value.get<std::string>());
  }
}

CATCH_TEST_CASE("every value in the page is the report's at the path that it names") {
  const nlohmann::json report = ReportOf(FullRound());
  std::set<std::string> paths;
  for (const Element& element : ElementsOf(ReportPage(report))) {
    const std::string path = element.Attribute("data-field");
    if (path.empty()) continue;
    CheckShown(report, element);
    paths.insert(path);
  }
  CATCH_CHECK(paths.size() > 500);
  for (const char* path :
       {"chunk_name", "absent.1.specialist", "absent.0.reason", "specialists.2.report.auc.interval.0",
        "specialists.0.report.cllr_min.value", "fusion.report.real_accuracy.value", "fusion.curves.roc",
        "fusion.best.curves.reliability.14.clips", "specialists.1.curves.histogram.12.reals",
        "specialists.0.bias_calibrated.slices.0.false_positive.low", "specialists.0.bias.real_fake.estimate",
        "fusion.log_loss_change.value", "fusion.proof.1.added.value", "fusion.weights.specialists.0.weight",
        "fusion.left_out.0.reason"}) {
    CATCH_INFO(path);
    CATCH_CHECK(paths.contains(path));
  }
}

CATCH_TEST_CASE("no number stands in the page beside those of the report, ticks and what the method fixes") {
  std::string text;
  for (const Element& element : ElementsOf(ReportPage(ReportOf(FullRound())))) {
    const bool is_tick = element.Attribute("class").starts_with("tick");
    if (!is_tick && element.Attribute("data-field").empty()) text += element.text + "\n";
  }
  text = absl::StrReplaceAll(text, {{"95 %", ""}, {"5 %", ""}, {"under 30", ""}, {"log10", ""}});
  CATCH_INFO(text);
  CATCH_CHECK(std::ranges::none_of(text, [](unsigned char c) { return std::isdigit(c); }));
}

CATCH_TEST_CASE("texts from outside are no markup, and the page needs and runs nothing") {
  const std::string page = ReportPage(ReportOf(FullRound()));
  CATCH_CHECK(Contains(page, "it is &lt;paused&gt; &amp; &quot;gone&quot;"));
  CATCH_CHECK_FALSE(Contains(page, "<paused>"));
  CATCH_CHECK_FALSE(Contains(page, "<own>"));
  for (const char* part : {"<script", "http:", "https:", "src=", "href=", "@import", "url("}) {
    CATCH_INFO(part);
    CATCH_CHECK_FALSE(Contains(page, part));
  }
  CATCH_CHECK(Contains(page, "prefers-color-scheme: dark"));
  CATCH_CHECK(Contains(page, "name=\"viewport\""));
}

CATCH_TEST_CASE("the same results give the same bytes") {
  const RoundResults results = FullRound();
  CATCH_CHECK(ReportPage(ReportOf(results)) == ReportPage(ReportOf(results)));
}

CATCH_TEST_CASE("what is missing or of too few families is said where it would stand") {
  SpecialistTables tables = DrawRoundTables(6, 60);
  KeepHalf(tables, Half::kCalibrate);
  const std::string unreported = ReportPage(ReportOf(ResultsOf(tables)));
  CATCH_CHECK(Contains(unreported, "not measured: <span data-field=\"fusion.missing\">no report half"));
  CATCH_CHECK_FALSE(Contains(unreported, "<polyline"));

  tables = DrawRoundTables(6, 60);
  KeepHalf(tables, Half::kReport);
  const std::string uncalibrated = ReportPage(ReportOf(ResultsOf(tables)));
  CATCH_CHECK(Contains(uncalibrated, "not fused: <span data-field=\"fusion.missing\">no specialist"));
  CATCH_CHECK(TimesIn(uncalibrated, "<span data-field=\"specialists.0.missing_bias\">no calibrate half") ==
              3);
  CATCH_CHECK(Contains(uncalibrated, "<span class=\"mark\">not calibrated</span>"));

  const std::string small = ReportPage(ReportOf(ResultsOf(DrawRoundTables(7, 20))));
  CATCH_CHECK(TimesIn(small, "]</span> <span class=\"mark\">too few</span></figcaption>") ==
              TimesIn(small, "<figcaption>AUC"));
  CATCH_CHECK(Contains(
      small, "slices in alarm after calibration</div><div class=\"value\"><span class=\"mark\">too few"));
}

CATCH_TEST_CASE("the fusion is called better or worse only where the paired interval says so") {
  nlohmann::json report = ReportOf(FullRound());
  const auto said = [&](double low, double high, bool too_few) {
    report["fusion"]["log_loss_change"] = {
        {"value", (low + high) / 2}, {"interval", {low, high}}, {"too_few", too_few}};
    const std::string page = ReportPage(report);
    const size_t begin = page.find("its log loss against");
    return page.substr(begin, page.find("</div></div>", begin) - begin);
  };
  CATCH_CHECK(said(-0.02, -0.01, false).ends_with("better"));
  CATCH_CHECK(said(-0.02, 0.01, false).ends_with("no difference shown"));
  CATCH_CHECK(said(0.01, 0.02, false).ends_with("worse</span>"));
  CATCH_CHECK(said(-0.02, -0.01, true).ends_with("too few</span>"));
}

}  // namespace
}  // namespace interceptor::worker
