#include "worker/integrate/report_sections.h"

#include "common/base/status.h"
#include "worker/integrate/plots.h"

namespace interceptor::worker {
namespace {

std::string Missing(const ReportField& object) {
  return Cat("<span class=\"missing\">", TextSpan(object["missing"]), "</span>");
}

// Of an object with `report`; the name is markup.
TableRow FigureRow(const std::string& name, const ReportField& object) {
  const ReportField report = object["report"];
  if (report.is_null()) return {.cells = {name, Missing(object)}};
  const auto figure = [&](std::string_view measure) { return NumberSpan(report[measure]["value"], 3); };
  std::string marks;
  if (report["too_few"].IsTrue()) marks += Mark("too few");
  if (!object["calibrated"].is_null() && !object["calibrated"].IsTrue())
    marks += Cat(" ", Mark("not calibrated"));
  return {.cells = {name, IntervalSpans(report["auc"]), figure("log_loss"), figure("cllr"),
                    figure("cllr_min"), figure("calibration_error"), figure("real_accuracy"),
                    figure("fake_accuracy"), CountSpan(report["reals"]), CountSpan(report["fakes"]),
                    CountSpan(report["families"]), marks}};
}

std::string Figure(const std::string& title, const std::string& content) {
  return Cat("<figure><h3>", title, "</h3>", content, "</figure>");
}

// A figure for each specialist and, first, for the fused detector.
template <typename Plot>
std::string Figures(const ReportField& report, const Plot& plot) {
  const ReportField fusion = report["fusion"];
  std::string figures = Figure("fused", fusion["curves"].is_null() ? Missing(fusion) : plot(fusion));
  const ReportField specialists = report["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField each = specialists[i];
    figures += Figure(TextSpan(each["specialist"]), each["curves"].is_null() ? Missing(each) : plot(each));
  }
  return Cat("<div class=\"plots\">", figures, "</div>");
}

std::string AucCaption(const ReportField& object) {
  return Cat("<figcaption>AUC ", IntervalSpans(object["report"]["auc"]),
             MarkIf(object["report"]["too_few"], "too few"), "</figcaption>");
}

std::string Reliability(const ReportField& object, const std::string& name) {
  if (object["curves"].is_null()) return Figure(name, Missing(object));
  const ReportField bins = object["curves"]["reliability"];
  std::vector<TableRow> rows;
  for (size_t i = 0; i < bins.size(); ++i) {
    const bool is_empty = bins[i]["clips"].Number() == 0;
    rows.push_back({.cells = {is_empty ? "no clips" : NumberSpan(bins[i]["mean_p"], 3),
                              is_empty ? "" : NumberSpan(bins[i]["fake_share"], 3),
                              CountSpan(bins[i]["reals"]), CountSpan(bins[i]["fakes"])}});
  }
  return Figure(name, Cat("<figcaption>ECE ", NumberSpan(object["report"]["calibration_error"]["value"], 3),
                          "</figcaption>", ReliabilityPlot(object["curves"]),
                          "<details><summary>the bins as a table</summary>",
                          Table({"mean P(fake)", "share of fakes", "reals", "fakes"}, rows), "</details>"));
}

void AddItem(std::string& items, const ReportField& name, std::string_view what) {
  items += Cat("<li>", TextSpan(name), ": ", what, "</li>");
}

// What of one specialist is not in the page.
void AddOmissions(std::string& items, const ReportField& each) {
  const ReportField name = each["specialist"];
  if (!each["missing"].is_null()) AddItem(items, name, TextSpan(each["missing"]));
  if (!each["missing_bias"].is_null()) AddItem(items, name, TextSpan(each["missing_bias"]));
  if (!each["calibrated"].is_null() && !each["calibrated"].IsTrue()) {
    const ReportField families = each["calibration_families"];
    AddItem(items, name,
            Cat("not calibrated, its ratio is its logit: calibration families with reals ",
                CountSpan(families["reals"]), ", with fakes ", CountSpan(families["fakes"]),
                ", and 30 of each are needed"));
  }
  const ReportField abstained = each["report"]["abstained"];
  if (!abstained.is_null() && abstained.Number() > 0) {
    AddItem(items, name,
            Cat("abstained from ", CountSpan(abstained), " clips of the report half; their ratio is zero"));
  }
}

}  // namespace

std::string BiasCounts(const ReportField& specialists, std::string_view count) {
  std::string counts;
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField each = specialists[i]["bias_calibrated"][count];
    if (each.is_null() || each.Number() == 0) continue;
    counts += Cat(counts.empty() ? "" : ", ", TextSpan(specialists[i]["specialist"]), " ", CountSpan(each));
  }
  return counts;
}

std::string FigureTable(const ReportField& report) {
  std::vector<TableRow> rows;
  const ReportField specialists = report["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    rows.push_back(FigureRow(TextSpan(specialists[i]["specialist"]), specialists[i]));
  }
  const ReportField absent = report["absent"];
  for (size_t i = 0; i < absent.size(); ++i) {
    rows.push_back(
        {.cells = {TextSpan(absent[i]["specialist"]),
                   Cat("<span class=\"missing\">absent: ", TextSpan(absent[i]["reason"]), "</span>")}});
  }
  rows.push_back(FigureRow("fused", report["fusion"]));
  rows.back().css_class = "fused";
  return Cat(
      "<h2>Figures</h2><p class=\"note\">Of calibrated ratios, report half. Log loss in nats, Cllr in bits: "
      "the less the better. A clip is called fake where its ratio is not below zero.</p>",
      Table({"detector", "AUC", "log loss", "Cllr", "Cllr<sub>min</sub>", "ECE", "real accuracy",
             "fake accuracy", "reals", "fakes", "families", ""},
            rows));
}

std::string RocSection(const ReportField& report) {
  const auto plot = [&](const ReportField& each) {
    const bool is_fused = each["specialist"].is_null();
    const ReportField reference = is_fused ? each["none"] : report["fusion"]["curves"];
    return AucCaption(each) + RocPlot(each["curves"], reference);
  };
  return Cat(
      "<h2>ROC curves</h2><p class=\"note\">Report half. Beneath each specialist's curve, in grey, the "
      "fused detector's.</p>",
      Figures(report, plot));
}

std::string ReliabilitySection(const ReportField& report) {
  const ReportField fusion = report["fusion"];
  std::string figures = Reliability(fusion, "fused");
  if (!fusion["best"].is_null()) {
    figures +=
        Reliability(fusion["best"], Cat(TextSpan(fusion["best"]["specialist"]), ", the best specialist"));
  }
  return Cat(
      "<h2>Reliability</h2><p class=\"note\">Report half, fifteen bins of equal width in P(fake) at even "
      "odds. On the dashed line P(fake) comes true. Hollow: a bin of under 30 clips.</p><div class=\"plots "
      "wide\">",
      figures, "</div>");
}

std::string HistogramSection(const ReportField& report) {
  return Cat(
      "<h2>Scores</h2><p class=\"note\">Calibrated ratios of the report half: the share of its class in "
      "each bin, fakes upwards and reals downwards. Above zero a clip is called fake. The outermost bins "
      "hold what lies further out, too.</p>",
      Figures(report, [](const ReportField& each) { return HistogramPlot(each["curves"]); }));
}

std::string LeftOutSection(const ReportField& report) {
  std::string items;
  const ReportField absent = report["absent"];
  for (size_t i = 0; i < absent.size(); ++i) {
    AddItem(items, absent[i]["specialist"], Cat("absent: ", TextSpan(absent[i]["reason"])));
  }
  const ReportField fusion = report["fusion"];
  if (!fusion["missing"].is_null()) items += Cat("<li>fused: ", TextSpan(fusion["missing"]), "</li>");
  const ReportField left_out = fusion["left_out"];
  for (size_t i = 0; i < left_out.size(); ++i) {
    AddItem(items, left_out[i]["specialist"],
            Cat("left out of the fusion: ", TextSpan(left_out[i]["reason"])));
  }
  const ReportField specialists = report["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) AddOmissions(items, specialists[i]);
  if (const std::string counts = BiasCounts(specialists, "too_few_slices"); !counts.empty()) {
    items += Cat("<li>Slices with too few families to be compared: ", counts, "</li>");
  }
  return Cat("<h2>Left out</h2><ul>", items,
             "<li>The fused detector's bias by slice is not measured.</li><li>Look-ahead and validation "
             "scores, and clips that were trained on, are no part of this page.</li></ul>");
}

}  // namespace interceptor::worker
