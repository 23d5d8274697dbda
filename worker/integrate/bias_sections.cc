// The sections of a report's page on bias and slices.
#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/integrate/plots.h"
#include "worker/integrate/report_sections.h"

namespace interceptor::worker {
namespace {

// A difference with its interval, or why there is none.
std::string GapSpans(const ReportField& gap) {
  return gap["too_few"].IsTrue() ? Mark("too few") : IntervalSpans(gap, Sign::kAlways);
}

// The overall gap, measured however few families there are.
std::string OverallGapSpans(const ReportField& gap) {
  return Cat(IntervalSpans(gap, Sign::kAlways), MarkIf(gap["too_few"], "too few"));
}

// The largest end of a gap of any slice, so that all are drawn to one scale.
double LargestGap(const ReportField& specialists) {
  double largest = 0.1;
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField slices = specialists[i]["bias_calibrated"]["slices"];
    for (size_t s = 0; s < slices.size(); ++s) {
      for (const char* kind : {"false_positive", "false_negative"}) {
        const ReportField gap = slices[s][kind];
        if (gap["too_few"].IsTrue()) continue;
        largest = std::max({largest, std::abs(gap["low"].Number()), std::abs(gap["high"].Number())});
      }
    }
  }
  return largest;
}

TableRow SliceRow(const ReportField& slice, double limit) {
  const auto plot = [&](const char* kind) {
    return slice[kind]["too_few"].IsTrue() ? std::string() : IntervalPlot(slice[kind], limit);
  };
  const bool has_classes = slice["reals"].Number() > 0 && slice["fakes"].Number() > 0;
  return {
      .cells = {
          Cat(TextSpan(slice["attribute"]), " ", TextSpan(slice["slice"]), MarkIf(slice["alarm"], "alarm")),
          GapSpans(slice["false_positive"]), plot("false_positive"), GapSpans(slice["false_negative"]),
          plot("false_negative"), has_classes ? NumberSpan(slice["auc"], 3) : "one class",
          CountSpan(slice["reals"]), CountSpan(slice["fakes"])}};
}

std::string Flags(const ReportField& bias) {
  std::string flags;
  if (bias["collapsed"].IsTrue()) flags += Mark("collapsed");
  if (bias["one_class"].IsTrue()) flags += Cat(flags.empty() ? "" : " ", Mark("one class"));
  return flags;
}

std::vector<std::string> BiasCells(const ReportField& bias, std::string_view when) {
  const bool is_compared = bias["compared_slices"].Number() > 0;
  return {std::string(when),
          OverallGapSpans(bias["real_fake"]),
          NumberSpan(bias["called_fake"], 3),
          NumberSpan(bias["spread"], 3),
          is_compared ? CountSpan(bias["alarms"]) : Mark("too few"),
          Flags(bias)};
}

}  // namespace

std::string SliceSection(const ReportField& report) {
  const ReportField specialists = report["specialists"];
  const double limit = LargestGap(specialists);
  std::string tables;
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField bias = specialists[i]["bias_calibrated"];
    const std::string name = TextSpan(specialists[i]["specialist"]);
    if (bias.is_null()) {
      tables += Cat("<p>", name, ": <span class=\"missing\">", TextSpan(specialists[i]["missing_bias"]),
                    "</span></p>");
      continue;
    }
    std::vector<TableRow> rows;
    for (size_t s = 0; s < bias["slices"].size(); ++s) rows.push_back(SliceRow(bias["slices"][s], limit));
    const bool has_alarm = bias["alarms"].Number() > 0;
    tables +=
        Cat("<details", has_alarm ? " open" : "", "><summary>", name,
            has_alarm ? Cat(" ", Mark("alarm")) : "", "</summary>",
            Table({"slice", "reals called fake", "", "fakes called real", "", "AUC", "reals", "fakes"}, rows),
            "</details>");
  }
  return Cat(
      "<h2>Slices</h2><p class=\"note\">Calibrated ratios, calibrate half. How much larger a share of the "
      "slice's clips is called wrongly than in the attribute's other slices. <em>Alarm</em>: more often, at "
      "a false discovery rate of 5 % over all slices; its p-values stand in the report's JSON.</p>",
      tables);
}

std::string BiasSection(const ReportField& report) {
  std::vector<TableRow> rows;
  const ReportField specialists = report["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField each = specialists[i];
    const std::string name = TextSpan(each["specialist"]);
    if (each["bias"].is_null()) {
      rows.push_back(
          {.cells = {name, Cat("<span class=\"missing\">", TextSpan(each["missing_bias"]), "</span>")}});
      continue;
    }
    for (const char* when : {"before", "after"}) {
      rows.push_back(
          {.cells = BiasCells(each[when == std::string_view("before") ? "bias" : "bias_calibrated"], when)});
      rows.back().cells.insert(rows.back().cells.begin(), name);
    }
  }
  return Cat(
      "<h2>Bias before and after calibration</h2><p class=\"note\">Calibrate half. Spread: between the "
      "quantiles of P(fake) at 5 % and 95 %.</p>",
      Table({"specialist", "calibration", "accuracy on reals - on fakes", "share called fake", "spread",
             "slices in alarm", ""},
            rows));
}

}  // namespace interceptor::worker
