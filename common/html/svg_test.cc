#include "common/html/svg.h"

#include "tests/support/catch.h"

namespace interceptor {
namespace {

std::string Drawn(const SvgDrawing& drawing) { return drawing.Finish({100, 50}, "plot", "test"); }

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

CATCH_TEST_CASE("data lie where the axes say, and at an end when they are out of range") {
  const Axis axis{.low = -1, .high = 1, .from = 100, .to = 0};
  CATCH_CHECK(axis.At(-1) == 100);
  CATCH_CHECK(axis.At(0.5) == 25);
  CATCH_CHECK(axis.At(7) == 0);
}

CATCH_TEST_CASE("bars have a positive size whichever corners name them, and say more when pointed at") {
  SvgDrawing drawing({.from = 0, .to = 100}, {.from = 50, .to = 0});
  drawing.Bar("fake", {0.5, 0}, {0.25, 0.5}, "<title>7</title>");
  CATCH_CHECK(Contains(Drawn(drawing),
                       "<rect class=\"fake\" x=\"25\" y=\"25\" width=\"25\" height=\"25\">"
                       "<title>7</title></rect>"));
}

CATCH_TEST_CASE("curves, dots and labels are placed by data") {
  SvgDrawing drawing({.from = 0, .to = 100}, {.from = 50, .to = 0});
  drawing.Curve("curve", {{0, 0}, {0.123, 1}}, " data-field=\"roc\"");
  drawing.Dot("dot", {0.5, 0.5}, 3);
  drawing.Add({.css_class = "tick", .at = {1, 0}, .shift = {-2, 3.25}, .text = "1", .rotate = -90});
  const std::string drawn = Drawn(drawing);
  CATCH_CHECK(Contains(drawn, "<polyline class=\"curve\" data-field=\"roc\" points=\"0,50 12.3,0\"/>"));
  CATCH_CHECK(Contains(drawn, "<circle class=\"dot\" cx=\"50\" cy=\"25\" r=\"3\"/>"));
  CATCH_CHECK(Contains(drawn, "x=\"98\" y=\"53.2\" transform=\"rotate(-90 98 53.2)\">1</text>"));
  CATCH_CHECK(drawn.starts_with("<svg class=\"plot\" viewBox=\"0 0 100 50\""));
}

}  // namespace
}  // namespace interceptor
