#include "worker/store/planar.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/enum_names.h"

namespace interceptor::worker {
namespace {

constexpr std::pair<ColourMatrix, std::string_view> kNames[] = {{ColourMatrix::kBt601, "bt601"},
                                                                {ColourMatrix::kBt709, "bt709"},
                                                                {ColourMatrix::kFcc, "fcc"},
                                                                {ColourMatrix::kSmpte240m, "smpte240m"},
                                                                {ColourMatrix::kBt2020, "bt2020"}};

struct LumaWeights {
  double red = 0;
  double blue = 0;
};
constexpr LumaWeights kWeights[] = {
    {0.299, 0.114}, {0.2126, 0.0722}, {0.30, 0.11}, {0.212, 0.087}, {0.2627, 0.0593}};  // by ColourMatrix

constexpr int kShift = 14;

// H.273, section 8.3, equations 38 to 40 solved for red, green and blue; fixed point with kShift bits.
struct Coefficients {
  int luma_zero;
  int luma;
  int red_of_cr;
  int green_of_cb;
  int green_of_cr;
  int blue_of_cb;

  explicit Coefficients(const YuvColours& colours) {
    const LumaWeights weights = kWeights[static_cast<size_t>(colours.matrix)];
    const double green = 1 - weights.red - weights.blue;
    const double chroma = colours.full_range ? 1.0 : 255.0 / 224;
    const auto fixed = [](double value) { return static_cast<int>(std::lround(value * (1 << kShift))); };
    luma_zero = colours.full_range ? 0 : 16;
    luma = fixed(colours.full_range ? 1.0 : 255.0 / 219);
    red_of_cr = fixed(2 * (1 - weights.red) * chroma);
    blue_of_cb = fixed(2 * (1 - weights.blue) * chroma);
    green_of_cr = fixed(-2 * (1 - weights.red) * weights.red / green * chroma);
    green_of_cb = fixed(-2 * (1 - weights.blue) * weights.blue / green * chroma);
  }
};

uint8_t Clamp(int value) { return static_cast<uint8_t>(std::clamp(value >> kShift, 0, 255)); }

// One row of chroma at full width, eight times its value around zero: the row's own samples weigh three times
// the nearer neighbour row's.
void SpreadRow(const uint8_t* plane, int half, int row, std::vector<int>& spread) {
  const int own = row / 2;
  const int other = std::clamp(row % 2 == 0 ? own - 1 : own + 1, 0, half - 1);
  const uint8_t* near = plane + static_cast<ptrdiff_t>(own) * half;
  const uint8_t* far = plane + static_cast<ptrdiff_t>(other) * half;
  const auto at = [&](int x) { return 3 * near[x] + far[x] - 4 * 128; };
  for (int x = 0; x < half; ++x) {
    const int here = at(x);
    spread[static_cast<size_t>(2 * x)] = 2 * here;
    spread[static_cast<size_t>(2 * x) + 1] = here + at(std::min(x + 1, half - 1));
  }
}

}  // namespace

std::string_view ToString(ColourMatrix matrix) { return NameOf(kNames, matrix); }

std::optional<ColourMatrix> ParseColourMatrix(std::string_view text) { return ValueNamed(kNames, text); }

void RgbFromPlanar(std::string_view planar, int side, const YuvColours& colours, uint8_t* rgb) {
  const Coefficients c(colours);
  const int half = side / 2;
  const auto* y = reinterpret_cast<const uint8_t*>(planar.data());
  const uint8_t* cb = y + static_cast<ptrdiff_t>(side) * side;
  const uint8_t* cr = cb + static_cast<ptrdiff_t>(half) * half;
  std::vector<int> blue(static_cast<size_t>(side));
  std::vector<int> red(static_cast<size_t>(side));
  constexpr int kRound = 1 << (kShift - 1);
  for (int row = 0; row < side; ++row) {
    SpreadRow(cb, half, row, blue);
    SpreadRow(cr, half, row, red);
    for (int x = 0; x < side; ++x) {
      const int luma = c.luma * (*y++ - c.luma_zero) + kRound;
      const int b = blue[static_cast<size_t>(x)];
      const int r = red[static_cast<size_t>(x)];
      *rgb++ = Clamp(luma + c.red_of_cr * r / 8);
      *rgb++ = Clamp(luma + (c.green_of_cb * b + c.green_of_cr * r) / 8);
      *rgb++ = Clamp(luma + c.blue_of_cb * b / 8);
    }
  }
}

}  // namespace interceptor::worker
