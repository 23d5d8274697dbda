// What the decoder says of a picture besides its colours: luma in its own pixels, quantisers, the picture's
// type. Areas are in coded pixels, before turning. Pure.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

struct AVFrame;

namespace interceptor::worker {

// Luma as decoded, the upper eight bits where it has more; `area` lies inside the picture. Empty for a format
// without a luma plane.
cv::Mat CodedLuma(const AVFrame& picture, const cv::Rect& area);

// The mean luma of each `block` x `block` pixels, of what is there at the right and lower edge. Empty as
// above, and for blocks of over 257 pixels.
cv::Mat BlockMeans(const AVFrame& picture, int block);

// The quantiser of each macroblock of `area`, whose edges are multiples of 16, row by row; 255 where the
// decoder does not tell.
std::vector<uint8_t> Quantisers(const AVFrame& picture, const cv::Rect& area);

enum class PictureType { kUnknown, kIntra, kPredicted, kBidirectional };
PictureType TypeOf(const AVFrame& picture);

}  // namespace interceptor::worker
