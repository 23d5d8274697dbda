#include "worker/integrate/plots.h"

#include <algorithm>
#include <vector>

#include "common/base/number_text.h"
#include "common/base/status.h"
#include "common/html/svg.h"
#include "worker/integrate/score_curves.h"

namespace interceptor::worker {
namespace {

// Under that many clips a bin's share says little; it is drawn hollow.
constexpr int kClipsOfSolidDot = 30;

std::vector<SvgPoint> PointsOf(const ReportField& roc) {
  std::vector<SvgPoint> points;
  for (size_t i = 0; i < roc.size(); ++i) points.push_back({roc[i][size_t{0}].Number(), roc[i][1].Number()});
  return points;
}

void Tick(SvgDrawing& drawing, double value, SvgPoint at, SvgPoint shift, bool vertical) {
  drawing.Add(
      {.css_class = vertical ? "tick end" : "tick mid", .at = at, .shift = shift, .text = NumberText(value)});
}

// A square of shares with its diagonal and ticks.
void ShareFrame(SvgDrawing& drawing, std::string_view x_title, std::string_view y_title) {
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    drawing.Line("grid", {share, 0}, {share, 1});
    drawing.Line("grid", {0, share}, {1, share});
  }
  drawing.Line("diagonal", {0, 0}, {1, 1});
  for (const double share : {0.0, 0.5, 1.0}) {
    Tick(drawing, share, {share, 0}, {0, 13}, false);
    Tick(drawing, share, {0, share}, {-5, 4}, true);
  }
  drawing.Add({.css_class = "axis mid", .at = {0.5, 0}, .shift = {0, 27}, .text = std::string(x_title)});
  drawing.Add({.css_class = "axis mid",
               .at = {0, 0.5},
               .shift = {-28, 0},
               .text = std::string(y_title),
               .rotate = -90});
}

std::string CountTitle(const ReportField& count, std::string_view what) {
  return Cat("<title", count.Attributes(), ">", RoundedText(count.Number(), 0), " ", what, "</title>");
}

}  // namespace

std::string RocPlot(const ReportField& curves, const ReportField& reference) {
  SvgDrawing drawing({.from = 42, .to = 232}, {.from = 198, .to = 8});
  ShareFrame(drawing, "reals called fake", "fakes called fake");
  const ReportField below = reference["roc"];
  if (!below.is_null()) drawing.Curve("reference", PointsOf(below), below.Attributes());
  drawing.Curve("curve", PointsOf(curves["roc"]), curves["roc"].Attributes());
  return drawing.Finish({240, 232}, "plot", "ROC curve");
}

std::string ReliabilityPlot(const ReportField& curves) {
  const ReportField bins = curves["reliability"];
  SvgDrawing drawing({.from = 42, .to = 312}, {.from = 278, .to = 8});
  ShareFrame(drawing, "mean P(fake) of the bin", "share of fakes");
  double most = 1;
  for (size_t i = 0; i < bins.size(); ++i) {
    const double clips = bins[i]["fakes"].Number() + bins[i]["reals"].Number();
    most = std::max(most, clips);
    if (clips == 0) continue;
    const ReportField share = bins[i]["fake_share"];
    const std::string title =
        Cat("<title", share.Attributes(), ">", RoundedText(share.Number(), 3), "</title>");
    drawing.Dot(clips < kClipsOfSolidDot ? "hollow" : "dot", {bins[i]["mean_p"].Number(), share.Number()},
                4.5, title);
  }
  // The counts stand below the square.
  SvgDrawing counts({.low = 0, .high = static_cast<double>(bins.size()), .from = 42, .to = 312},
                    {.low = 0, .high = most, .from = 90, .to = 40});
  for (size_t i = 0; i < bins.size(); ++i) {
    const ReportField reals = bins[i]["reals"];
    const ReportField fakes = bins[i]["fakes"];
    const auto left = static_cast<double>(i);
    const double all = reals.Number() + fakes.Number();
    counts.Bar("real", {left + 0.1, 0}, {left + 0.9, reals.Number()}, CountTitle(reals, "reals"));
    counts.Bar("fake", {left + 0.1, reals.Number()}, {left + 0.9, all}, CountTitle(fakes, "fakes"));
    const ReportField clips = bins[i]["clips"];
    counts.Add({.css_class = "count",
                .at = {left + 0.5, all},
                .shift = {3.5, -4},
                .text = RoundedText(clips.Number(), 0),
                .attributes = clips.Attributes(),
                .rotate = -90});
  }
  counts.Line("base", {0, 0}, {static_cast<double>(bins.size()), 0});
  const double middle = static_cast<double>(bins.size()) / 2;
  counts.Add(
      {.css_class = "axis mid", .at = {middle, 0}, .shift = {0, 16}, .text = "clips in each bin of P(fake)"});
  counts.Add({.css_class = "axis reals", .at = {0, 0}, .shift = {0, 16}, .text = "reals"});
  counts.Add({.css_class = "axis end fakes", .at = {2 * middle, 0}, .shift = {0, 16}, .text = "fakes"});
  return Cat(drawing.Finish({320, 312}, "plot", "reliability diagram"),
             counts.Finish({320, 112}, "plot", "clips in each bin"));
}

std::string HistogramPlot(const ReportField& curves) {
  const ReportField bins = curves["histogram"];
  double fakes = 0;
  double reals = 0;
  for (size_t i = 0; i < bins.size(); ++i) {
    fakes += bins[i]["fakes"].Number();
    reals += bins[i]["reals"].Number();
  }
  double most = 0;
  for (size_t i = 0; i < bins.size(); ++i) {
    most = std::max({most, bins[i]["fakes"].Number() / fakes, bins[i]["reals"].Number() / reals});
  }
  SvgDrawing drawing({.low = -kHistogramLimit, .high = kHistogramLimit, .from = 8, .to = 252},
                     {.low = -most, .high = most, .from = 160, .to = 8});
  drawing.Line("diagonal", {0, -most}, {0, most});
  const double width = 2 * kHistogramLimit / kHistogramBins;
  for (size_t i = 0; i < bins.size(); ++i) {
    const double left = bins[i]["from"].Number() + width * 0.06;
    const double right = left + width * 0.88;
    drawing.Bar("fake", {left, 0}, {right, bins[i]["fakes"].Number() / fakes},
                CountTitle(bins[i]["fakes"], "fakes"));
    drawing.Bar("real", {left, 0}, {right, -bins[i]["reals"].Number() / reals},
                CountTitle(bins[i]["reals"], "reals"));
  }
  drawing.Line("base", {-kHistogramLimit, 0}, {kHistogramLimit, 0});
  drawing.Add({.css_class = "axis fakes", .at = {-kHistogramLimit, most}, .shift = {2, 10}, .text = "fakes"});
  drawing.Add(
      {.css_class = "axis end reals", .at = {kHistogramLimit, -most}, .shift = {-2, -4}, .text = "reals"});
  for (int decade = -2; decade <= 2; ++decade) {
    Tick(drawing, decade, {static_cast<double>(decade), -most}, {0, 13}, false);
  }
  drawing.Add(
      {.css_class = "axis mid", .at = {0, -most}, .shift = {0, 27}, .text = "log10 of the likelihood ratio"});
  return drawing.Finish({260, 192}, "plot", "score histogram");
}

std::string IntervalPlot(const ReportField& interval, double limit) {
  const auto [estimate, low, high] = FieldsOf(interval);
  SvgDrawing drawing({.low = -limit, .high = limit, .from = 4, .to = 92}, {.from = 14, .to = 0});
  drawing.Line("diagonal", {0, 0}, {0, 1});
  drawing.Line("interval", {low.Number(), 0.5}, {high.Number(), 0.5});
  drawing.Dot("dot", {estimate.Number(), 0.5}, 3);
  return drawing.Finish({96, 14}, "forest", "the same as a picture");
}

}  // namespace interceptor::worker
