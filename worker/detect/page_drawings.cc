#include "worker/detect/page_drawings.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/number_text.h"
#include "common/base/status.h"
#include "common/html/svg.h"

namespace interceptor::worker {
namespace {

constexpr double kTicks = 5;
constexpr double kTrackPixels = 220;

std::string Title(const ReportField& field, int decimals, Sign sign) {
  return Cat("<title", field.Attributes(), ">", RoundedText(field.Number(), decimals, sign), "</title>");
}

// 1, 2 or 5 times a power of ten, so that about kTicks of them make up `length`.
double TickStep(double length) {
  const double power = std::pow(10, std::floor(std::log10(length / kTicks)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power * kTicks >= length) return factor * power;
  }
  return 10 * power;
}

void SecondTicks(SvgDrawing& drawing, double last, double bottom) {
  const double step = TickStep(last);
  for (int i = 0; i * step <= last; ++i) {
    const std::string text = absl::StrFormat("%.4g", i * step);
    drawing.Line("grid", {i * step, bottom}, {i * step, -bottom});
    drawing.Add({.css_class = "tick mid", .at = {i * step, bottom}, .shift = {0, 15}, .text = text});
  }
  drawing.Add({.css_class = "axis end", .at = {last, bottom}, .shift = {0, 29}, .text = "seconds"});
}

void LogitTicks(SvgDrawing& drawing, double largest, double last) {
  for (const double logit : {-largest, 0.0, largest}) {
    drawing.Line(logit == 0 ? "base" : "grid", {0, logit}, {last, logit});
    drawing.Add({.css_class = "tick end",
                 .at = {0, logit},
                 .shift = {-6, 4},
                 .text = absl::StrFormat(logit == 0 ? "%.0f" : "%+.3g", logit)});
  }
  drawing.Add({.css_class = "end fakes", .at = {last, largest}, .shift = {0, -5}, .text = "towards fake"});
  drawing.Add({.css_class = "reals", .at = {0, -largest}, .shift = {0, 29}, .text = "towards real"});
}

double AtLeast(const ReportField& field, double least) {
  return field.is_null() ? least : std::max(least, std::abs(field.Number()));
}

void Threshold(SvgDrawing& drawing, const ReportField& threshold, double end, std::string_view css_class) {
  if (threshold.is_null()) return;
  const double at = threshold.Number();
  drawing.Bar(css_class, {at, 0}, {end, 1}, Title(threshold, 2, Sign::kAlways));
}

}  // namespace

std::string RatioDrawing(const ReportField& judged) {
  const ReportField thresholds = judged["thresholds"];
  const ReportField interval = judged["log10_lr_interval"];
  double end = 0.5;
  for (const ReportField& each : {judged["log10_lr_bound"], thresholds["fake_above_log10_lr"],
                                  thresholds["real_below_log10_lr"], interval[size_t{0}], interval[1]}) {
    end = AtLeast(each, end);
  }
  end *= 1.1;
  SvgDrawing drawing({.low = -end, .high = end, .from = 8, .to = 352}, {.from = 58, .to = 20});
  Threshold(drawing, thresholds["real_below_log10_lr"], -end, "real-zone");
  Threshold(drawing, thresholds["fake_above_log10_lr"], end, "fake-zone");
  drawing.Line("base", {-end, 0}, {end, 0});
  drawing.Line("grid", {0, 0}, {0, 1});
  const double step = TickStep(2 * end);
  for (int i = static_cast<int>(-end / step); i * step <= end; ++i) {
    const std::string text = i == 0 ? "0" : absl::StrFormat("%+.3g", i * step);
    drawing.Add({.css_class = "tick mid", .at = {i * step, 0}, .shift = {0, 15}, .text = text});
  }
  drawing.Add({.css_class = "reals", .at = {-end, 1}, .shift = {0, -6}, .text = "REAL"});
  drawing.Add({.css_class = "end fakes", .at = {end, 1}, .shift = {0, -6}, .text = "FAKE"});
  drawing.Line("interval", {interval[size_t{0}].Number(), 0.5}, {interval[1].Number(), 0.5});
  const ReportField ratio = judged["log10_lr"];
  drawing.Dot("dot", {ratio.Number(), 0.5}, 5, Title(ratio, 2, Sign::kAlways));
  return drawing.Finish({360, 80}, "plot", "the likelihood ratio between real and fake");
}

double LastSecond(const ReportField& judged) {
  double last = AtLeast(judged["quality"]["duration_s"], 0.1);
  const ReportField specialists = judged["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField moments = specialists[i]["moments"];
    for (size_t k = 0; k < moments.size(); ++k) last = AtLeast(moments[k]["seconds"], last);
  }
  return last;
}

double LargestLogit(const ReportField& judged) {
  double largest = 1;
  const ReportField specialists = judged["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField moments = specialists[i]["moments"];
    for (size_t k = 0; k < moments.size(); ++k) largest = AtLeast(moments[k]["logit"], largest);
  }
  return std::ceil(largest);
}

std::string Timeline(const ReportField& judged, const ReportField& specialist) {
  const double last = LastSecond(judged);
  const double largest = LargestLogit(judged);
  SvgDrawing drawing({.low = 0, .high = last, .from = 34, .to = 350},
                     {.low = -largest, .high = largest, .from = 116, .to = 18});
  SecondTicks(drawing, last, -largest);
  LogitTicks(drawing, largest, last);
  const ReportField without_face = judged["clip"]["seconds_without_face"];
  for (size_t i = 0; i < without_face.size(); ++i) {
    const double second = without_face[i].Number();
    drawing.Line("no-face", {second, -largest}, {second, -0.9 * largest});
  }
  const ReportField moments = specialist["moments"];
  for (size_t i = 0; i < moments.size(); ++i) {
    const ReportField logit = moments[i]["logit"];
    if (moments[i]["seconds"].is_null() || logit.is_null()) continue;
    const SvgPoint at = {moments[i]["seconds"].Number(), logit.Number()};
    const std::string_view css_class = at.y > 0 ? "fake" : "real";
    drawing.Line(Cat("stem ", css_class), {at.x, 0}, at);
    drawing.Dot(css_class, at, 4, Title(logit, 2, Sign::kAlways));
  }
  return drawing.Finish({360, 148}, "plot", "logit of each moment over seconds");
}

std::string FaceTrackDrawing(const ReportField& judged) {
  const double width = AtLeast(judged["quality"]["width"], 1);
  const double height = AtLeast(judged["quality"]["height"], 1);
  const double scale = kTrackPixels / std::max(width, height);
  const SvgSize size = {static_cast<int>(width * scale) + 2, static_cast<int>(height * scale) + 2};
  SvgDrawing drawing({.low = 0, .high = width, .from = 1, .to = size.width - 1.0},
                     {.low = 0, .high = height, .from = 1, .to = size.height - 1.0});
  drawing.Bar("picture", {0, 0}, {width, height});
  const ReportField frames = judged["faces"][size_t{0}]["frames"];
  std::vector<SvgPoint> middles;
  for (size_t i = 0; i < frames.size(); ++i) {
    const SvgPoint middle = {frames[i]["x"].Number(), frames[i]["y"].Number()};
    const double half = frames[i]["side"].Number() / 2;
    drawing.Bar("box", {middle.x - half, middle.y - half}, {middle.x + half, middle.y + half});
    middles.push_back(middle);
  }
  drawing.Curve("curve", middles, "");
  if (!middles.empty()) {
    drawing.Dot("hollow", middles.front(), 4);
    drawing.Dot("dot", middles.back(), 4);
  }
  return drawing.Finish(size, "track", "where the face is in the picture, frame by frame");
}

}  // namespace interceptor::worker
