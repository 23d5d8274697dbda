#include "worker/child_protocol/score_table.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

constexpr char kVersion1[] = "chunk,clip,family,label,logit,fold,half,split,step";
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

ScoreTable TwoClips() {
  return {.plan_digest = "ab12",
          .attributes = {"brightness", "height"},
          .rows = {{.clip = {"00", "a,\"b\"\n.mp4", "00/a", Label::kReal, 0},
                    .half = Half::kReport,
                    .step = 10,
                    .logit = -1.0 / 3,
                    .parts = PartLogits{-0.5, 1e-9, 2},
                    .windows = {-1, 1.0 / 3},
                    .attributes = {2.0 / 3, 480}},
                   {.clip = {"00", "b.mp4", "00/a", Label::kFake, 3},
                    .split = EvaluationKind::kLookAhead,
                    .step = 10,
                    .abstained = true,
                    .parts = PartLogits{},
                    .windows = {},
                    .attributes = {kNone, 720}}}};
}

std::string Refusal(std::string_view text) {
  const auto table = ParseScoreTable(text);
  CATCH_INFO(text);
  CATCH_REQUIRE(absl::IsDataLoss(table.status()));
  const std::string message = Message(table.status());
  CATCH_CHECK(message.find('\n') == std::string::npos);
  return message;
}

bool Says(const std::string& message, std::string_view part) {
  CATCH_INFO(message);
  return message.find(part) != std::string::npos;
}

CATCH_TEST_CASE("every column comes back to the last bit") {
  const std::string text = FormatScoreTable(TwoClips());
  const auto table = ParseScoreTable(text);
  CATCH_INFO(table.status().ToString());
  CATCH_REQUIRE(table.ok());
  CATCH_CHECK(table->plan_digest == "ab12");
  CATCH_CHECK(table->attributes == std::vector<std::string>{"brightness", "height"});
  CATCH_REQUIRE(table->rows.size() == 2);
  const ScoreRow& first = table->rows[0];
  CATCH_CHECK(first.clip.name == "a,\"b\"\n.mp4");
  CATCH_CHECK(first.clip.family == "00/a");
  CATCH_CHECK(first.half == Half::kReport);
  CATCH_CHECK(first.logit == -1.0 / 3);
  CATCH_CHECK(first.parts->evidence == 1e-9);
  CATCH_CHECK(first.parts->self_made == 2);
  CATCH_CHECK(first.windows == std::vector<double>{-1, 1.0 / 3});
  CATCH_CHECK(first.attributes == std::vector<double>{2.0 / 3, 480});
  const ScoreRow& second = table->rows[1];
  CATCH_CHECK(second.clip.label == Label::kFake);
  CATCH_CHECK(second.clip.fold == 3);
  CATCH_CHECK(second.half == Half::kCalibrate);
  CATCH_CHECK(second.split == EvaluationKind::kLookAhead);
  CATCH_CHECK(second.step == 10);
  CATCH_CHECK(second.abstained);
  CATCH_CHECK(second.windows.empty());
  CATCH_CHECK(std::isnan(second.attributes[0]));
  CATCH_CHECK(FormatScoreTable(*table) == text);
}

CATCH_TEST_CASE("the first line names version, rows and plan; a table may be without rows, parts and plan") {
  const std::string text = FormatScoreTable(TwoClips());
  CATCH_CHECK(text.starts_with("#score_table version=2 rows=2 plan=ab12\nchunk,clip,family,label,logit,"));
  const std::string none = FormatScoreTable({});
  CATCH_CHECK(none ==
              "#score_table version=2 rows=0\n"
              "chunk,clip,family,label,logit,fold,half,split,step,abstained,window_logits\n");
  CATCH_CHECK(ParseScoreTable(none)->rows.empty());
}

CATCH_TEST_CASE("a table of a newer version is refused by its number") {
  const std::string text = FormatScoreTable(TwoClips());
  CATCH_CHECK(Says(Refusal(absl::StrReplaceAll(text, {{"version=2", "version=3"}})), "version 3"));
  for (const char* bad : {"version=x", "version=1", "version=-2", "vers=2"}) {
    Refusal(absl::StrReplaceAll(text, {{"version=2", bad}}));
  }
  Refusal(absl::StrReplaceAll(text, {{"rows=2", "rows=two"}}));
}

CATCH_TEST_CASE("a table that was cut anywhere is refused") {
  const std::string text = FormatScoreTable(TwoClips());
  for (size_t length = 0; length < text.size(); ++length) Refusal(text.substr(0, length));
  CATCH_CHECK(Says(Refusal(text.substr(0, text.rfind("00,b.mp4"))), "promises 2 rows, it has 1"));
  CATCH_CHECK(Says(Refusal(Cat(kVersion1, "\n00,a.mp4,00/a,REAL,1,0,report,held_out,10")), "line 2"));
}

CATCH_TEST_CASE("a clip that stands in a table twice is refused by name") {
  ScoreTable table = TwoClips();
  table.rows.push_back(table.rows[1]);
  CATCH_CHECK(Says(Refusal(FormatScoreTable(table)), "clip 00/b.mp4 stands in it twice"));
  table.rows[2].clip.chunk = "01";
  CATCH_CHECK(ParseScoreTable(FormatScoreTable(table)).ok());
}

CATCH_TEST_CASE("a number that is none is refused wherever it stands") {
  for (const double none : {kNone, std::numeric_limits<double>::infinity()}) {
    ScoreTable table = TwoClips();
    table.rows[0].logit = none;
    CATCH_CHECK(Says(Refusal(FormatScoreTable(table)), "logit '"));
    table = TwoClips();
    table.rows[1].parts->evidence = none;
    CATCH_CHECK(Says(Refusal(FormatScoreTable(table)), "line 4: evidence_logit '"));
    table = TwoClips();
    table.rows[0].windows[1] = none;
    CATCH_CHECK(Says(Refusal(FormatScoreTable(table)), "window_logits '"));
  }
  CATCH_CHECK(Says(Refusal(Cat(kVersion1, ",brightness\n00,a.mp4,00/a,REAL,1,0,report,held_out,10,nan\n")),
                   "line 2: brightness 'nan'"));
}

CATCH_TEST_CASE("columns are held to what they hold") {
  for (const char* line :
       {"00,a.mp4,00/a,REAL,x,0,report,held_out,10\n", "00,a.mp4,00/a,MAYBE,1,0,report,held_out,10\n",
        "00,a.mp4,00/a,REAL,1,0,half,held_out,10\n", "00,a.mp4,00/a,REAL,1,0,report,train,10\n",
        "00,a.mp4,00/a,REAL,1,zero,report,held_out,10\n", "00,a.mp4,00/a,REAL,1,0,report,held_out,late\n",
        "00,a.mp4,00/a,REAL,1\n"}) {
    CATCH_CHECK(Says(Refusal(Cat(kVersion1, "\n", line)), "line 2"));
  }
  Refusal("");
  CATCH_CHECK(Says(Refusal("chunk,clip\n"), "no column 'family'"));
  CATCH_CHECK(Says(Refusal(Cat(kVersion1, ",step\n")), "two columns 'step'"));
  CATCH_CHECK(
      Says(Refusal(Cat("#score_table version=2 rows=0\n", kVersion1, "\n")), "no column 'abstained'"));
}

CATCH_TEST_CASE("version 1, with and without parts, is read") {
  const auto golden = ReadWholeFile(SystemFiles(), INTERCEPTOR_GOLDEN "/score_table_v1/held_out-00.csv");
  CATCH_REQUIRE(golden.ok());
  const auto table = ParseScoreTable(*golden);
  CATCH_INFO(table.status().ToString());
  CATCH_REQUIRE(table.ok());
  CATCH_REQUIRE(table->rows.size() == 8);
  CATCH_CHECK(table->rows[0].clip.name == "c00f101-1.mp4");
  CATCH_CHECK(table->rows[0].clip.family == "00/c00r101.mp4");
  CATCH_CHECK(table->rows[0].clip.label == Label::kFake);
  CATCH_CHECK(table->rows[0].logit == 0.0199823976);
  CATCH_CHECK(table->attributes == std::vector<std::string>{"brightness"});
  CATCH_CHECK(table->rows[0].attributes[0] == 0.131357218);
  CATCH_CHECK_FALSE(table->rows[0].parts.has_value());
  const auto parts = ParseScoreTable(Cat(kVersion1,
                                         ",backbone_logit,evidence_logit,self_made_logit,abstained,height\n"
                                         "00,a.mp4,00/a,REAL,1,0,report,held_out,10,2,3,4,1,480\n"));
  CATCH_REQUIRE(parts.ok());
  CATCH_CHECK(parts->rows[0].parts->self_made == 4);
  CATCH_CHECK(parts->rows[0].abstained);
  CATCH_CHECK(parts->rows[0].attributes == std::vector<double>{480});
}

CATCH_TEST_CASE("version 2 is read") {
  const auto golden = ReadWholeFile(SystemFiles(), INTERCEPTOR_GOLDEN "/score_table_v2/held_out-00.csv");
  CATCH_REQUIRE(golden.ok());
  CATCH_CHECK(FormatScoreTable(TwoClips()) == *golden);
}

}  // namespace
}  // namespace interceptor::worker
