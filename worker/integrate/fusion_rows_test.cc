#include "worker/integrate/fusion_rows.h"

#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"

namespace interceptor::worker {
namespace {

constexpr auto kBG = SpecialistName::kBG;
constexpr auto kAV = SpecialistName::kAV;

CATCH_TEST_CASE("rows are joined clip by clip; one that is missing or abstained is not there") {
  SpecialistTables tables = DrawSpecialists(1, Half::kCalibrate, 2, {{kAV, 1}, {kBG, 1}});
  std::reverse(tables[kAV].rows.begin(), tables[kAV].rows.end());
  const std::string missing = tables[kAV].rows[0].clip.name;
  const std::string abstained = tables[kBG].rows[2].clip.name;
  tables[kAV].rows.erase(tables[kAV].rows.begin());
  tables[kBG].rows[2].abstained = true;
  const auto joined = JoinRows(RowsOf(tables));
  CATCH_REQUIRE(joined.ok());
  CATCH_REQUIRE(joined->size() == 6);
  for (const JoinedClip& clip : *joined) {
    CATCH_REQUIRE(clip.rows.size() == 2);
    CATCH_CHECK((clip.rows[0] == nullptr) == (clip.clip->name == abstained));
    CATCH_CHECK((clip.rows[1] == nullptr) == (clip.clip->name == missing));
    for (const ScoreRow* row : clip.rows) CATCH_CHECK((!row || row->clip.name == clip.clip->name));
  }
}

CATCH_TEST_CASE("tables that do not speak of the same clips are refused by the clip's name") {
  const SpecialistTables good = DrawSpecialists(1, Half::kCalibrate, 2, {{kAV, 1}, {kBG, 1}});
  const auto refusal = [&](const auto& change) {
    SpecialistTables tables = good;
    change(tables[kAV].rows);
    const absl::Status status = JoinRows(RowsOf(tables)).status();
    CATCH_CHECK(absl::IsInvalidArgument(status));
    CATCH_CHECK(Message(status).find("clip 00/" + good.at(kAV).rows[4].clip.name) != std::string::npos);
    return Message(status);
  };
  using Rows = std::vector<ScoreRow>;
  CATCH_CHECK(refusal([](Rows& rows) {
                rows[4].clip.label = Label::kReal;
              }).find("label FAKE in the table of BG and REAL in that of AV") != std::string::npos);
  CATCH_CHECK(refusal([](Rows& rows) { rows[4].clip.family = "00/other"; }).find("family") !=
              std::string::npos);
  CATCH_CHECK(refusal([](Rows& rows) { rows.push_back(rows[4]); }).find("two rows of AV") !=
              std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
