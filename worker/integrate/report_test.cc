#include "worker/integrate/report.h"

#include "tests/support/round_sample.h"

namespace interceptor::worker {
namespace {

nlohmann::json ReportOf(const RoundResults& results) {
  const auto report = MakeReport(results);
  CATCH_INFO(report.status().ToString());
  CATCH_REQUIRE(report.ok());
  return *report;
}

int64_t SumOf(const nlohmann::json& bins, const char* what) {
  int64_t sum = 0;
  for (const nlohmann::json& bin : bins) sum += bin.at(what).get<int64_t>();
  return sum;
}

CATCH_TEST_CASE("figures and curves are of the report half alone, its calibrated ratios") {
  SpecialistTables tables = DrawRoundTables(1, 100);
  for (ScoreRow& row : tables.at(SpecialistName::kCM).rows) {
    if (row.half != Half::kReport || row.clip.label == Label::kFake) continue;
    row.abstained = true;
    row.logit = 0;
    break;
  }
  const RoundResults results = ResultsOf(tables);
  const nlohmann::json report = ReportOf(results);
  const nlohmann::json& cm = report.at("specialists").at(1);
  CATCH_CHECK(cm.at("specialist") == "CM");
  CATCH_CHECK(cm.at("report").at("reals") == 100);
  CATCH_CHECK(cm.at("report").at("fakes") == 200);
  CATCH_CHECK(cm.at("report").at("families") == 100);
  CATCH_CHECK(cm.at("report").at("abstained") == 1);
  CATCH_CHECK(cm.at("report").at("auc").at("value") ==
              results.specialists[1].judgement->report_calibrated->Of(Measure::kAuc)->estimate);
  for (const nlohmann::json* curves :
       {&cm.at("curves"), &report.at("fusion").at("curves"), &report.at("fusion").at("best").at("curves")}) {
    for (const char* bins : {"histogram", "reliability"}) {
      CATCH_CHECK(SumOf(curves->at(bins), "reals") == 100);
      CATCH_CHECK(SumOf(curves->at(bins), "fakes") == 200);
    }
  }
}

CATCH_TEST_CASE("a detector's curves are those of its own figures") {
  const nlohmann::json report = ReportOf(ResultsOf(DrawRoundTables(2, 60)));
  for (const nlohmann::json* detector :
       {&report.at("specialists").at(0), &report.at("fusion"), &report.at("fusion").at("best")}) {
    double area = 0;
    const nlohmann::json& roc = detector->at("curves").at("roc");
    for (size_t i = 1; i < roc.size(); ++i) {
      const auto x = [&](size_t at) { return roc[at][0].get<double>(); };
      const auto y = [&](size_t at) { return roc[at][1].get<double>(); };
      area += (x(i) - x(i - 1)) * (y(i) + y(i - 1)) / 2;
    }
    CATCH_CHECK(std::abs(area - detector->at("report").at("auc").at("value").get<double>()) < 1e-9);
    double error = 0;
    for (const nlohmann::json& bin : detector->at("curves").at("reliability")) {
      error += bin.at("weight").get<double>() *
               std::abs(bin.at("fake_share").get<double>() - bin.at("mean_p").get<double>());
    }
    CATCH_CHECK(std::abs(error - detector->at("report").at("calibration_error").at("value").get<double>()) <
                1e-9);
  }
}

CATCH_TEST_CASE("the slice that is planted is in alarm, and slices are counted") {
  const nlohmann::json report = ReportOf(ResultsOf(DrawRoundTables(3, 150)));
  const nlohmann::json& bias = report.at("specialists").at(0).at("bias_calibrated");
  CATCH_CHECK(bias.at("alarms") == 1);
  CATCH_CHECK(bias.at("compared_slices") == 2);
  CATCH_CHECK(bias.at("too_few_slices") == 1);  // the only chunk
  CATCH_CHECK(bias.at("slices").at(0).at("slice") == "dark");
  CATCH_CHECK(bias.at("slices").at(0).at("alarm") == true);
}

CATCH_TEST_CASE("weights make the fused ratio of a clip on which all specialists speak") {
  const RoundResults results = ResultsOf(DrawRoundTables(4, 100));
  const nlohmann::json weights = ReportOf(results).at("fusion").at("weights");
  CATCH_REQUIRE(weights.at("specialists").size() == 2);
  const std::vector<std::optional<double>> ratios = {0.3, -0.2};
  double expected = weights.at("bias").get<double>();
  for (size_t i = 0; i < ratios.size(); ++i) {
    expected += weights.at("specialists").at(i).at("weight").get<double>() * *ratios[i];
  }
  CATCH_CHECK(std::abs(results.fusion->fusion.LogRatio(ratios) - expected) < 1e-12);
}

CATCH_TEST_CASE("what could not be measured is missing with its reason") {
  SpecialistTables tables = DrawRoundTables(5, 60);
  KeepHalf(tables, Half::kCalibrate);
  nlohmann::json report = ReportOf(ResultsOf(tables));
  for (const nlohmann::json* detector : {&report.at("specialists").at(0), &report.at("fusion")}) {
    CATCH_CHECK(detector->at("missing") == "no report half: it lacks reals or fakes");
    CATCH_CHECK_FALSE(detector->contains("report"));
    CATCH_CHECK_FALSE(detector->contains("curves"));
  }
  CATCH_CHECK(report.at("fusion").at("proof").empty());

  tables = DrawRoundTables(5, 60);
  KeepHalf(tables, Half::kReport);
  report = ReportOf(ResultsOf(tables));
  CATCH_CHECK(report.at("specialists").at(0).at("missing_bias") ==
              "no calibrate half: it lacks reals or fakes");
  CATCH_CHECK(report.at("specialists").at(0).at("calibrated") == false);
  CATCH_CHECK(report.at("specialists").at(0).contains("report"));
  CATCH_CHECK(report.at("fusion").at("missing") == "no specialist has reals and fakes to calibrate on");
}

}  // namespace
}  // namespace interceptor::worker
