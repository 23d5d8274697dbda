#include "worker/integrate/results.h"

#include <cmath>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

ScoreRow Row(const std::string& name, const std::string& family, bool fake, double logit) {
  ScoreRow row;
  row.clip = {.chunk = "00", .name = name, .family = family, .label = fake ? Label::kFake : Label::kReal};
  row.logit = logit;
  row.step = 40;
  return row;
}

CATCH_TEST_CASE("figures are those of the table") {
  // Reals at -1 and +1, fakes at 0 and +2: three of four pairs in order.
  ScoreTable table;
  table.rows = {Row("a", "00/a", false, -1), Row("b", "00/b", false, 1), Row("c", "00/a", true, 0),
                Row("d", "00/b", true, 2)};
  const auto result = Summarise("BG", table, 1);
  CATCH_REQUIRE(result.ok());
  CATCH_CHECK(result->step == 40);
  CATCH_CHECK(result->auc == 0.75);
  CATCH_CHECK(result->auc_low <= 0.75);
  CATCH_CHECK(result->auc_high >= 0.75);
  CATCH_CHECK(result->real_accuracy == 0.5);
  CATCH_CHECK(result->fake_accuracy == 1.0);
  const double reals = (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(1.0))) / 2;
  const double fakes = (std::log(2.0) + std::log1p(std::exp(-2.0))) / 2;
  CATCH_CHECK(std::abs(result->log_loss - (reals + fakes) / 2) < 1e-12);
  CATCH_CHECK(result->reals == 2);
  CATCH_CHECK(result->families == 2);
  CATCH_CHECK(result->too_few);
  table.rows.resize(1);
  CATCH_CHECK(absl::IsInvalidArgument(Summarise("BG", table, 1).status()));
}

CATCH_TEST_CASE("the joined table has a line for each specialist, absent ones with their reason") {
  RoundResults results{.chunk = 3, .chunk_name = "03", .specialists = {}, .absent = {{"TM", "no \"fakes\""}}};
  results.specialists.push_back({{.reals = 2, .fakes = 3, .families = 2, .auc = 0.75}, "BG", 12});
  results.specialists.push_back({{.auc = 0.5, .too_few = true}, "AV", 13});
  CATCH_CHECK(
      ResultsToCsv(results) ==
      "chunk,specialist,step,reals,fakes,families,auc,auc_low,auc_high,log_loss,real_accuracy,fake_accuracy,"
      "too_few,absent\n"
      "03,BG,12,2,3,2,0.75,0,0,0,0,0,false,\n"
      "03,AV,13,0,0,0,0.5,0,0,0,0,0,true,\n"
      "03,TM,,,,,,,,,,,,\"no \"\"fakes\"\"\"\n");
  const std::string json = ResultsToJson(results);
  CATCH_CHECK(json.find("\"specialist\": \"AV\"") != std::string::npos);
  CATCH_CHECK(json.find("\"reason\": \"no \\\"fakes\\\"\"") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
