#include "common/html/svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

// Tenths of a pixel, without a needless zero.
std::string Pixels(double value) {
  std::string text = absl::StrFormat("%.1f", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string Titled(std::string_view element, std::string_view name, std::string_view title) {
  return title.empty() ? Cat(element, "/>") : Cat(element, ">", title, "</", name, ">");
}

}  // namespace

double Axis::At(double value) const {
  const double share = std::clamp((value - low) / (high - low), 0.0, 1.0);
  return from + share * (to - from);
}

std::string SvgDrawing::PlaceOf(SvgPoint point, std::string_view x_name, std::string_view y_name) const {
  return Cat(" ", x_name, "=\"", Pixels(x_.At(point.x)), "\" ", y_name, "=\"", Pixels(y_.At(point.y)), "\"");
}

void SvgDrawing::Line(std::string_view css_class, SvgPoint a, SvgPoint b) {
  elements_ += Cat("<line class=\"", css_class, "\"", PlaceOf(a, "x1", "y1"), PlaceOf(b, "x2", "y2"), "/>");
}

void SvgDrawing::Bar(std::string_view css_class, SvgPoint a, SvgPoint b, std::string_view title) {
  const auto [left, right] = std::minmax({x_.At(a.x), x_.At(b.x)});
  const auto [top, bottom] = std::minmax({y_.At(a.y), y_.At(b.y)});
  elements_ += Titled(Cat("<rect class=\"", css_class, "\" x=\"", Pixels(left), "\" y=\"", Pixels(top),
                          "\" width=\"", Pixels(right - left), "\" height=\"", Pixels(bottom - top), "\""),
                      "rect", title);
}

void SvgDrawing::Curve(std::string_view css_class, const std::vector<SvgPoint>& points,
                       std::string_view attributes) {
  elements_ += Cat("<polyline class=\"", css_class, "\"", attributes, " points=\"");
  for (const SvgPoint& point : points) {
    elements_ +=
        Cat(&point == &points.front() ? "" : " ", Pixels(x_.At(point.x)), ",", Pixels(y_.At(point.y)));
  }
  elements_ += "\"/>";
}

void SvgDrawing::Dot(std::string_view css_class, SvgPoint at, double radius, std::string_view title) {
  elements_ +=
      Titled(Cat("<circle class=\"", css_class, "\"", PlaceOf(at, "cx", "cy"), " r=\"", Pixels(radius), "\""),
             "circle", title);
}

void SvgDrawing::Add(const Label& label) {
  const std::string x = Pixels(x_.At(label.at.x) + label.shift.x);
  const std::string y = Pixels(y_.At(label.at.y) + label.shift.y);
  elements_ += Cat("<text class=\"", label.css_class, "\"", label.attributes, " x=\"", x, "\" y=\"", y, "\"");
  if (label.rotate != 0)
    elements_ += Cat(" transform=\"rotate(", Pixels(label.rotate), " ", x, " ", y, ")\"");
  elements_ += Cat(">", label.text, "</text>");
}

std::string SvgDrawing::Finish(SvgSize size, std::string_view css_class, std::string_view label) const {
  return Cat("<svg class=\"", css_class, "\" viewBox=\"0 0 ", size.width, " ", size.height, "\" width=\"",
             size.width, "\" height=\"", size.height, "\" role=\"img\" aria-label=\"", label, "\">",
             elements_, "</svg>");
}

}  // namespace interceptor
