#include "worker/integrate/report_page.h"

#include "common/base/status.h"
#include "common/html/html.h"
#include "worker/integrate/report_sections.h"
#include "worker/integrate/report_style.h"

namespace interceptor::worker {
namespace {

constexpr char kHowItIsMeasured[] =
    "<p class=\"note\">Calibration and fusion are fitted on one half of the held-out families, the "
    "calibrate half. Figures, curves and the fusion's proof are of the other, the report half; bias and its "
    "slices are of the calibrate half. Classes weigh alike. Brackets are 95 % intervals, bootstrap over "
    "families; <em>too few</em> marks those of under 30 families of a class, which are not to be relied "
    "on.</p>";

std::string Tile(std::string_view what, std::string_view value) {
  return Cat("<div class=\"tile\"><div class=\"what\">", what, "</div><div class=\"value\">", value,
             "</div></div>");
}

// What the paired interval of the difference in log loss says.
std::string Verdict(const ReportField& change) {
  const auto [estimate, low, high] = FieldsOf(change);
  if (change["too_few"].IsTrue()) return Mark("too few");
  if (high.Number() < 0) return "better";
  return low.Number() > 0 ? Mark("worse") : "no difference shown";
}

std::string FusedTiles(const ReportField& fusion) {
  const ReportField measures = fusion["report"];
  if (measures.is_null()) return Tile("fused detector", Cat("not measured: ", TextSpan(fusion["missing"])));
  const ReportField change = fusion["log_loss_change"];
  return Cat(Tile("AUC of the fused detector",
                  Cat(IntervalSpans(measures["auc"]), MarkIf(measures["too_few"], "too few"))),
             Tile(Cat("its log loss against ", TextSpan(fusion["best"]["specialist"]),
                      " alone, the best specialist"),
                  Cat(IntervalSpans(change, Sign::kAlways), " ", Verdict(change))),
             Tile("clips of the report half",
                  Cat(CountSpan(measures["reals"]), " reals, ", CountSpan(measures["fakes"]), " fakes, ",
                      CountSpan(measures["families"]), " families")));
}

std::string AlarmTile(const ReportField& specialists) {
  const std::string alarms = BiasCounts(specialists, "alarms");
  const bool is_measured = !BiasCounts(specialists, "compared_slices").empty();
  const std::string none = is_measured ? "none" : Mark("too few");
  return Tile("slices in alarm after calibration", alarms.empty() ? none : alarms);
}

std::string Names(const ReportField& specialists) {
  std::string names;
  for (size_t i = 0; i < specialists.size(); ++i) {
    names += Cat(i == 0 ? "" : ", ", TextSpan(specialists[i]["specialist"]));
  }
  return names;
}

std::string Absent(const ReportField& absent) {
  std::string text;
  for (size_t i = 0; i < absent.size(); ++i) {
    text += Cat(i == 0 ? " Absent: " : "; ", TextSpan(absent[i]["specialist"]), " (",
                TextSpan(absent[i]["reason"]), ")");
  }
  return text.empty() ? text : Cat(text, ".");
}

std::string Head(const ReportField& report) {
  const std::string chunk = TextSpan(report["chunk_name"]);
  return Cat("<h1>Round ", chunk, "</h1><p>What the specialists ", Names(report["specialists"]),
             " and their fusion say, after chunk ", chunk,
             ", of held-out clips, which nothing was trained on.", Absent(report["absent"]),
             "</p><div class=\"tiles\">", FusedTiles(report["fusion"]), AlarmTile(report["specialists"]),
             "</div>", kHowItIsMeasured);
}

}  // namespace

std::string ReportPage(const nlohmann::json& report) {
  const ReportField all(report);
  return Cat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>Round ",
      EscapeHtml(all["chunk_name"].Text()), "</title><style>", kReportStyle, "</style></head><body><main>\n",
      Head(all), "\n", FigureTable(all), "\n", RocSection(all), "\n", ReliabilitySection(all), "\n",
      HistogramSection(all), "\n", SliceSection(all), "\n", BiasSection(all), "\n", FusionSection(all), "\n",
      LeftOutSection(all), "\n</main></body></html>\n");
}

}  // namespace interceptor::worker
