// The section of a report's page on the fusion: its weights and what each specialist adds.
#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/integrate/plots.h"
#include "worker/integrate/report_sections.h"

namespace interceptor::worker {
namespace {

constexpr const char* kDifferences[] = {"added", "added_where_it_speaks", "lost_without_it"};

double LargestDifference(const ReportField& proof) {
  double largest = 0.02;
  for (size_t i = 0; i < proof.size(); ++i) {
    for (const char* kind : kDifferences) {
      if (proof[i][kind].is_null()) continue;
      const auto [estimate, low, high] = FieldsOf(proof[i][kind]);
      largest = std::max({largest, std::abs(low.Number()), std::abs(high.Number())});
    }
  }
  return largest;
}

std::string DifferenceSpans(const ReportField& difference) {
  if (difference.is_null()) return "<span class=\"missing\">-</span>";
  return Cat(IntervalSpans(difference, Sign::kAlways), MarkIf(difference["too_few"], "too few"));
}

std::string ProofTable(const ReportField& proof) {
  const double limit = LargestDifference(proof);
  std::vector<TableRow> rows;
  for (size_t i = 0; i < proof.size(); ++i) {
    const ReportField line = proof[i];
    TableRow row{.cells = {TextSpan(line["specialist"]), CountSpan(line["clips"])}};
    for (const char* kind : kDifferences) {
      row.cells.push_back(DifferenceSpans(line[kind]));
      if (kind == std::string_view("added_where_it_speaks")) continue;
      row.cells.push_back(line[kind].is_null() ? "" : IntervalPlot(line[kind], limit));
    }
    rows.push_back(std::move(row));
  }
  return Table({"specialist", "clips it speaks on", "AUC(BG + X) - AUC(BG)", "", "where X speaks",
                "AUC(all) - AUC(all but X)", ""},
               rows);
}

std::string WeightTable(const ReportField& weights) {
  const ReportField specialists = weights["specialists"];
  std::vector<TableRow> rows;
  for (size_t i = 0; i < specialists.size(); ++i) {
    rows.push_back(
        {.cells = {TextSpan(specialists[i]["specialist"]), NumberSpan(specialists[i]["weight"], 3)}});
  }
  rows.push_back({.cells = {"constant", NumberSpan(weights["bias"], 3, Sign::kAlways)}});
  return Table({"specialist", "weight"}, rows);
}

}  // namespace

std::string FusionSection(const ReportField& report) {
  const ReportField fusion = report["fusion"];
  const std::string title = "<h2>Fusion</h2>";
  if (fusion["weights"].is_null()) {
    return Cat(title, "<p class=\"missing\">not fused: ", TextSpan(fusion["missing"]), "</p>");
  }
  const ReportField proof = fusion["proof"];
  return Cat(title,
             "<p class=\"note\">What each specialist X adds, on the report half: with BG against BG alone, "
             "and all against all but X, paired. Weights are those of the calibrated ratios where all of "
             "them speak, fitted on the calibrate half with a pull to equal ones; its strength in families: ",
             CountSpan(fusion["weights"]["pull"]), ".</p>",
             proof.size() == 0 ? Cat("<p class=\"missing\">", TextSpan(fusion["missing"]), "</p>")
                               : ProofTable(proof),
             "<div class=\"narrow\">", WeightTable(fusion["weights"]), "</div>");
}

}  // namespace interceptor::worker
