// A hash of what a picture shows, little changed by scaling and compression: the signs, against their median,
// of the 63 lowest cosine coefficients of a picture of 32 x 32 (Zauner, "Implementation and benchmarking of
// perceptual image hash functions", 2010, section 3.2). Pure.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>

namespace interceptor::worker {

// `luma` without letterbox. Nothing for a picture that shows next to nothing: all of those are alike.
std::optional<uint64_t> HashPicture(const cv::Mat& luma);

}  // namespace interceptor::worker
