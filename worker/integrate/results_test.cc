#include "worker/integrate/results.h"

#include <cmath>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

constexpr char kHeader[] = "chunk,clip,family,label,logit,fold,half,split,step\n";

CATCH_TEST_CASE("a score table is read by its column names and held to them") {
  const auto clips = ParseScoreTable(Cat(kHeader,
                                         "00,a.mp4,00/a,REAL,-1.5,0,report,held_out,10\n"
                                         "00,b.mp4,00/a,FAKE,0.25,0,report,held_out,10\n"));
  CATCH_REQUIRE(clips.ok());
  CATCH_REQUIRE(clips->size() == 2);
  CATCH_CHECK((*clips)[0].clip == "a.mp4");
  CATCH_CHECK_FALSE((*clips)[0].fake);
  CATCH_CHECK((*clips)[1].fake);
  CATCH_CHECK((*clips)[1].logit == 0.25);
  CATCH_CHECK((*clips)[1].family == "00/a");
  CATCH_CHECK((*clips)[1].step == 10);

  const auto quoted =
      ParseScoreTable(Cat(kHeader, "00,\"a,\"\"b\"\".mp4\",00/a,REAL,1,0,report,held_out,10\n"));
  CATCH_REQUIRE(quoted.ok());
  CATCH_CHECK((*quoted)[0].clip == "a,\"b\".mp4");

  for (const char* bad : {"", "chunk,clip\n", "no newline"}) {
    CATCH_CHECK(absl::IsDataLoss(ParseScoreTable(bad).status()));
  }
  for (const char* line :
       {"00,a.mp4,00/a,REAL,x,0,report,held_out,10\n", "00,a.mp4,00/a,MAYBE,1,0,report,held_out,10\n",
        "00,a.mp4,00/a,REAL,1\n", "00,a.mp4,00/a,REAL,1,0,report,held_out,late\n",
        "00,a.mp4,00/a,REAL,1,0,report,held_out,10"}) {
    const auto status = ParseScoreTable(Cat(kHeader, line)).status();
    CATCH_CHECK(absl::IsDataLoss(status));
    CATCH_CHECK(Message(status).find("line 2") != std::string::npos);
  }
}

CATCH_TEST_CASE("figures are those of the table") {
  // Reals at -1 and +1, fakes at 0 and +2: three of four pairs in order.
  const std::vector<ScoredClip> clips = {{"00", "a", "00/a", false, -1, 40},
                                         {"00", "b", "00/b", false, 1},
                                         {"00", "c", "00/a", true, 0},
                                         {"00", "d", "00/b", true, 2}};
  const auto result = Summarise("BG", clips, 1);
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
  CATCH_CHECK(absl::IsInvalidArgument(Summarise("BG", {clips[0]}, 1).status()));
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

CATCH_TEST_CASE("a score table that version 1 wrote is read") {
  const auto csv = ReadWholeFile(SystemFiles(), INTERCEPTOR_GOLDEN "/score_table_v1/held_out-00.csv");
  CATCH_REQUIRE(csv.ok());
  const auto clips = ParseScoreTable(*csv);
  CATCH_INFO(clips.status().ToString());
  CATCH_REQUIRE(clips.ok());
  CATCH_REQUIRE(clips->size() == 8);
  CATCH_CHECK((*clips)[0].clip == "c00f101-1.mp4");
  CATCH_CHECK((*clips)[0].family == "00/c00r101.mp4");
  CATCH_CHECK((*clips)[0].fake);
  CATCH_CHECK((*clips)[0].logit == 0.0199823976);
}

}  // namespace
}  // namespace interceptor::worker
