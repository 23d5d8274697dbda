// The picture operations: each plants one artefact in one region of one frame, or works on a whole frame when
// the region is the frame. Frames are CV_8UC3, BGR.
#pragma once

#include <array>
#include <opencv2/core.hpp>

#include "tests/synth/draws.h"
#include "tests/synth/scene.h"

namespace interceptor::synth {

// Where an operation acts in one frame: `weight` (CV_8UC1, 0 to 255) lies over `box`, which is inside the
// frame.
struct Region {
  cv::Rect box;
  cv::Mat weight;
};

Region WholeFrame(cv::Size frame);

// A soft ellipse of `scale` times the face's half axes, cut at the frame's edge.
class RegionShape {
 public:
  RegionShape(const FacePosition& face, double scale, double seam_px);
  Region At(cv::Point centre, cv::Size frame) const;

 private:
  cv::Mat weight_;
};

// The part of `changed` under the region laid over `frame`.
void Blend(cv::Mat& frame, const cv::Mat& changed_box, const Region& region);

// Each channel (B, G, R) times its gain.
void ApplyGain(cv::Mat& image, const std::array<double, 3>& gain);

// BG: the tint whose root mean square over the region's pixels of `frame` is `rms` levels, at most 0.3 in any
// channel's gain: green up, red and blue down.
std::array<double, 3> TintGain(const cv::Mat& frame, const Region& region, double rms);

// RR: reduced by `factor` (area) and enlarged again (cubic), then sharpened: a gain on the fine detail that is
// left makes up for `sharpening` (0 to 1) of the loss.
void Reduce(cv::Mat& frame, const Region& region, double factor, double sharpening);

// CM: luma quantised in 8x8 cosine blocks with the JPEG luma table at `quality`, the block grid at `grid` of
// the frame's own; the loss of fine detail is made up by a gain on what is left of it.
void Recompress(cv::Mat& frame, const Region& region, int quality, cv::Point grid);

// A frame's sensor noise, deviation kNoiseOne, the same for the same key and index. CV_16SC3.
inline constexpr int kNoiseOne = 1024;
cv::Mat NoiseField(cv::Size frame, RandomKey key, int frame_index);

// Adds noise of `sigma` levels, to the whole frame or weighted by the region.
void AddNoise(cv::Mat& frame, const cv::Mat& noise, double sigma);
void AddNoise(cv::Mat& frame, const cv::Mat& noise, double sigma, const Region& region);

// LL in a picture that has its noise already, of deviation `present`: fine detail shrunk, or noise added,
// until the deviation is `factor` times as large.
void ScaleNoise(cv::Mat& frame, const cv::Mat& noise, const Region& region, double present, double factor);

// Deviation of the noise in a picture, levels of 255: the median absolute second difference of luma, which
// edges hardly move (after Immerkaer, "Fast noise variance estimation", CVIU 64, 1996).
double EstimateNoise(const cv::Mat& frame);

// Peak signal to noise ratio over the pixels that differ in any channel, dB; infinite when none do.
double ChangedPixelsPsnr(const cv::Mat& before, const cv::Mat& after);

}  // namespace interceptor::synth
