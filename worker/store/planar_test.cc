#include "worker/store/planar.h"

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

struct Colour {
  int red;
  int green;
  int blue;
};

// A picture of one colour, from its Y'CbCr code.
std::vector<uint8_t> Shown(int y, int cb, int cr, const YuvColours& colours, int side = 4) {
  std::string planar(static_cast<size_t>(side * side), static_cast<char>(y));
  planar.append(static_cast<size_t>(side * side / 4), static_cast<char>(cb));
  planar.append(static_cast<size_t>(side * side / 4), static_cast<char>(cr));
  std::vector<uint8_t> rgb(static_cast<size_t>(side * side * 3));
  RgbFromPlanar(planar, side, colours, rgb.data());
  return rgb;
}

void CheckColour(const std::vector<uint8_t>& rgb, const Colour& expected) {
  CATCH_INFO(int{rgb[0]} << " " << int{rgb[1]} << " " << int{rgb[2]});
  for (size_t i = 0; i < rgb.size(); i += 3) {
    CATCH_CHECK(std::abs(rgb[i] - expected.red) <= 1);
    CATCH_CHECK(std::abs(rgb[i + 1] - expected.green) <= 1);
    CATCH_CHECK(std::abs(rgb[i + 2] - expected.blue) <= 1);
  }
}

CATCH_TEST_CASE("colour bars have the codes that the standards print") {
  const YuvColours bt601{ColourMatrix::kBt601, false};
  const YuvColours bt709{ColourMatrix::kBt709, false};
  CheckColour(Shown(16, 128, 128, bt601), {0, 0, 0});
  CheckColour(Shown(235, 128, 128, bt709), {255, 255, 255});
  CheckColour(Shown(81, 90, 240, bt601), {255, 0, 0});
  CheckColour(Shown(145, 54, 34, bt601), {0, 255, 0});
  CheckColour(Shown(41, 240, 110, bt601), {0, 0, 255});
  CheckColour(Shown(63, 102, 240, bt709), {255, 0, 0});
  CheckColour(Shown(173, 42, 26, bt709), {0, 255, 0});
  CheckColour(Shown(32, 240, 118, bt709), {0, 0, 255});
  CheckColour(Shown(76, 85, 255, {ColourMatrix::kBt601, true}), {254, 0, 0});
  CheckColour(Shown(77, 128, 128, {ColourMatrix::kBt2020, true}), {77, 77, 77});
}

CATCH_TEST_CASE("between two columns of chroma the colour changes evenly") {
  constexpr int kSide = 8;
  std::string planar(kSide * kSide, static_cast<char>(128));
  for (int row = 0; row < kSide / 2; ++row) {
    for (int x = 0; x < kSide / 2; ++x) planar += static_cast<char>(128 + 16 * x);
  }
  planar.append(kSide * kSide / 4, static_cast<char>(128));
  std::vector<uint8_t> rgb(kSide * kSide * 3);
  RgbFromPlanar(planar, kSide, {ColourMatrix::kBt601, true}, rgb.data());
  for (int x = 0; x + 1 < kSide; ++x) {
    const double blue = 128 + 1.772 * 8 * x;
    CATCH_CHECK(std::abs(rgb[static_cast<size_t>(x * 3 + 2)] - std::min(255.0, blue)) <= 1);
  }
}

CATCH_TEST_CASE("every matrix has a name that is read back") {
  for (const ColourMatrix matrix : {ColourMatrix::kBt601, ColourMatrix::kBt709, ColourMatrix::kFcc,
                                    ColourMatrix::kSmpte240m, ColourMatrix::kBt2020}) {
    CATCH_CHECK(ParseColourMatrix(ToString(matrix)) == matrix);
  }
  CATCH_CHECK_FALSE(ParseColourMatrix("bt999").has_value());
}

}  // namespace
}  // namespace interceptor::worker
