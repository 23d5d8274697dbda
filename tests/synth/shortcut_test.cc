// No plain measure of a file may tell a fake from its own original, and the audit would notice if one did.
// Clips are small and short: the measures do not need more, and 400 pairs must be made and decoded.
#include <filesystem>
#include <iostream>

#include "common/base/ids.h"
#include "tests/support/catch.h"
#include "tests/synth/audit.h"
#include "tests/synth/make.h"

namespace interceptor::synth {
namespace {

AuditReport AuditOf(int families, double planted_crf_tell) {
  const auto folder = std::filesystem::temp_directory_path() / ("shortcut-" + interceptor::NewId());
  MakeOptions options;
  options.out = folder.string();
  options.chunks = 10;
  options.families = families / 10;
  options.seed = 20;
  options.recipe.fakes_max = 1;
  options.recipe.width = 128;
  options.recipe.height = 96;
  options.recipe.frames_min = options.recipe.frames_max = 14;
  options.recipe.planted_crf_tell = planted_crf_tell;
  const absl::Status made = Make(options);
  CATCH_INFO(made);
  CATCH_REQUIRE(made.ok());
  const auto report = Audit(options.out, options.threads);
  std::filesystem::remove_all(folder);
  CATCH_REQUIRE(report.ok());
  for (const MeasureRow& row : report->rows) {
    std::cout << row.measure << ": fake has more in " << 100 * row.fake_more << " % of " << row.pairs
              << " pairs, " << row.ties << " ties\n";
  }
  return *report;
}

CATCH_TEST_CASE("400 pairs show no shortcut beyond 42-58 %") {
  const AuditReport report = AuditOf(400, 0);
  CATCH_CHECK(report.pairs == 400);
  CATCH_CHECK(report.Outside(0.08).empty());
  for (const MeasureRow& row : report.rows) CATCH_CHECK(row.auc <= 0.6);
}

CATCH_TEST_CASE("fakes encoded coarser than their originals are found out") {
  const std::vector<std::string> outside = AuditOf(60, 2).Outside(0.08);
  CATCH_CHECK(std::find(outside.begin(), outside.end(), "bitrate") != outside.end());
  CATCH_CHECK(std::find(outside.begin(), outside.end(), "mean QP") != outside.end());
}

CATCH_TEST_CASE("1000 pairs show no shortcut beyond 45-55 %", "[.][long]") {
  const AuditReport report = AuditOf(1000, 0);
  CATCH_CHECK(report.pairs == 1000);
  CATCH_CHECK(report.Outside(0.05).empty());
}

}  // namespace
}  // namespace interceptor::synth
