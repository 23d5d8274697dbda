// A drawing in SVG whose contents are placed by data coordinates. Colours are left to the page's style sheet, by class.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace interceptor {

// Data from `low` to `high` lie between the pixels `from` and `to`; outside of them they are drawn at the nearer end.
struct Axis {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 0;

  double At(double value) const;
};

struct SvgPoint {
  double x = 0;
  double y = 0;
};

struct SvgSize {
  int width = 0;
  int height = 0;
};

class SvgDrawing {
 public:
  SvgDrawing(Axis x, Axis y) : x_(x), y_(y) {}

  // Between two data points, a frame or a bar too. `title` is markup that shows when pointed at.
  void Line(std::string_view css_class, SvgPoint a, SvgPoint b);
  void Bar(std::string_view css_class, SvgPoint a, SvgPoint b, std::string_view title = "");
  // `attributes` of the element, with a space before each.
  void Curve(std::string_view css_class, const std::vector<SvgPoint>& points, std::string_view attributes);
  void Dot(std::string_view css_class, SvgPoint at, double radius, std::string_view title = "");

  // `text` is markup. `shift` in pixels from the data point.
  struct Label {
    std::string_view css_class;
    SvgPoint at;
    SvgPoint shift = {};
    std::string text;
    std::string attributes = {};
    double rotate = 0;  // degrees, clockwise
  };
  void Add(const Label& label);

  // The whole element. `label` is markup that says what is shown to those who do not see it.
  std::string Finish(SvgSize size, std::string_view css_class, std::string_view label) const;

 private:
  std::string PlaceOf(SvgPoint point, std::string_view x_name, std::string_view y_name) const;

  Axis x_;
  Axis y_;
  std::string elements_;
};

}  // namespace interceptor
