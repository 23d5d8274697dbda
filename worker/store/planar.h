// Pictures as they are stored: planar YUV 4:2:0 with the matrix and range of their clip, half the bytes of
// RGB. A square picture of even side S is S rows of luma, S/2 x S/2 of Cb and S/2 x S/2 of Cr, one after the
// other. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace interceptor::worker {

// ITU-T H.273, table 4.
enum class ColourMatrix { kBt601, kBt709, kFcc, kSmpte240m, kBt2020 };

std::string_view ToString(ColourMatrix matrix);  // "bt601", "bt709", ...
std::optional<ColourMatrix> ParseColourMatrix(std::string_view text);

struct YuvColours {
  ColourMatrix matrix = ColourMatrix::kBt601;
  bool full_range = false;  // luma 0 to 255 rather than 16 to 235
  friend bool operator==(const YuvColours&, const YuvColours&) = default;
};

constexpr int64_t PlanarBytes(int64_t side) { return side * side * 3 / 2; }

// `planar` holds PlanarBytes(side) bytes; `rgb` gets [side, side, 3]. Chroma lies left in its pair of columns
// and in the middle of its pair of rows, and is interpolated linearly between.
void RgbFromPlanar(std::string_view planar, int side, const YuvColours& colours, uint8_t* rgb);

}  // namespace interceptor::worker
