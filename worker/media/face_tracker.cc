#include "worker/media/face_tracker.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "worker/media/frame_selection.h"

namespace interceptor::worker {
namespace {

constexpr int kTemplatePixels = 24;
// How far a face moves from one decoded frame to the next, of its side.
constexpr double kReach = 0.35;
constexpr double kSimilarityMin = 0.5;
constexpr double kSimilaritySure = 0.8;
// A detection farther from the path than this, of the face's side, contradicts it.
constexpr double kOutlierDistance = 0.5;
constexpr int kSmoothingRadius = 2;

// `square` of the thumbnail, its side scaled to `pixels`; what lies outside is taken from the edge.
cv::Mat CropSquare(const LumaThumbnail& thumbnail, const FaceBox& square, int pixels) {
  const double step_x = square.side * thumbnail.scale_x / pixels;
  const double step_y = square.side * thumbnail.scale_y / pixels;
  const double left = (square.x - square.side / 2) * thumbnail.scale_x;
  const double top = (square.y - square.side / 2) * thumbnail.scale_y;
  // From a pixel of the crop to one of the thumbnail; pixels have their middle at halves.
  const cv::Matx23d from_crop(step_x, 0, left + step_x / 2 - 0.5,  //
                              0, step_y, top + step_y / 2 - 0.5);
  cv::Mat crop;
  cv::warpAffine(thumbnail.luma, crop, from_crop, {pixels, pixels}, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REPLICATE);
  return crop;
}

// Where a parabola through three neighbouring values has its peak, -0.5 to 0.5.
double PeakOffset(double before, double here, double after) {
  const double curvature = before - 2 * here + after;
  return curvature >= 0 ? 0 : std::clamp((before - after) / (2 * curvature), -0.5, 0.5);
}

// Moving average of the places; sides stay.
std::vector<std::optional<FaceBox>> Smoothed(const std::vector<std::optional<FaceBox>>& boxes) {
  std::vector<std::optional<FaceBox>> smoothed = boxes;
  const auto count = static_cast<int>(boxes.size());
  for (int i = 0; i < count; ++i) {
    // As many on either side, so that uniform motion is unchanged.
    const int radius = std::min({kSmoothingRadius, i, count - 1 - i});
    const auto begin = boxes.begin() + i - radius;
    if (std::find(begin, begin + 2 * radius + 1, std::nullopt) != begin + 2 * radius + 1) continue;
    double x = 0;
    double y = 0;
    for (int k = i - radius; k <= i + radius; ++k) {
      x += boxes[k]->x;
      y += boxes[k]->y;
    }
    smoothed[i]->x = x / (2 * radius + 1);
    smoothed[i]->y = y / (2 * radius + 1);
  }
  return smoothed;
}

}  // namespace

void FaceTracker::MatchTemplate(const LumaThumbnail& thumbnail) {
  // As many pixels on either side, so that the middle is one of the places tried.
  const int pixels = kTemplatePixels + 2 * static_cast<int>(std::lround(kTemplatePixels * kReach));
  const double room = face_->side * pixels / kTemplatePixels;
  const cv::Mat around = CropSquare(thumbnail, {face_->x, face_->y, room}, pixels);
  cv::Mat similarity;
  cv::matchTemplate(around, template_, similarity, cv::TM_CCOEFF_NORMED);
  cv::Point at;
  cv::minMaxLoc(similarity, nullptr, &similarity_, nullptr, &at);
  // In a uniform area nothing has moved.
  const cv::Point unmoved(similarity.cols / 2, similarity.rows / 2);
  if (similarity.at<float>(unmoved) >= similarity_) at = unmoved;
  // A face that is turned away or hidden is best guessed to stay.
  if (!(similarity_ >= kSimilarityMin)) return;
  const auto value = [&similarity](int x, int y) {
    return similarity.at<float>(std::clamp(y, 0, similarity.rows - 1), std::clamp(x, 0, similarity.cols - 1));
  };
  const double x = at.x + PeakOffset(value(at.x - 1, at.y), value(at.x, at.y), value(at.x + 1, at.y));
  const double y = at.y + PeakOffset(value(at.x, at.y - 1), value(at.x, at.y), value(at.x, at.y + 1));
  const double middle = (similarity.cols - 1) / 2.0;
  face_->x += (x - middle) * room / pixels;
  face_->y += (y - middle) * room / pixels;
}

bool FaceTracker::IsPlausible(const FaceBox& found) {
  if (!face_.has_value()) return true;
  const bool is_near = std::hypot(found.x - face_->x, found.y - face_->y) <= kOutlierDistance * face_->side;
  if (is_near || similarity_ < kSimilaritySure || has_rejected_) {
    has_rejected_ = false;
    return true;
  }
  has_rejected_ = true;
  return false;
}

double FaceTracker::MedianSide(double found) {
  sides_.push_back(found);
  if (sides_.size() > 3) sides_.pop_front();
  return Median({sides_.begin(), sides_.end()});
}

absl::StatusOr<std::vector<std::optional<FaceBox>>> FaceTracker::Track(
    std::span<const LumaThumbnail> thumbnails, std::span<const size_t> detect_on, const Detect& detect) {
  std::vector<std::optional<FaceBox>> boxes(thumbnails.size());
  size_t final_end = 0;  // frames before this one keep their boxes
  size_t seen = 0;       // the frame after the last one of high similarity
  for (size_t i = 0; i < thumbnails.size(); ++i) {
    if (face_.has_value()) MatchTemplate(thumbnails[i]);
    boxes[i] = face_;
    const bool is_sure = face_.has_value() && similarity_ >= kSimilaritySure;
    if (is_sure) seen = i + 1;
    const bool is_enough = is_sure && detections_ >= kDetectionsPerShot;
    if (is_enough || !std::ranges::binary_search(detect_on, i)) continue;
    ++detections_;
    ICPT_ASSIGN_OR_RETURN(const std::optional<FaceBox> found, detect(i, face_));
    if (!found.has_value() && face_.has_value() && similarity_ < kSimilarityMin) {
      // It is gone: what was guessed since it was last seen is no face.
      for (size_t k = std::max(seen, final_end); k <= i; ++k) boxes[k].reset();
      face_.reset();
      sides_.clear();
      has_rejected_ = false;
      final_end = i + 1;
    }
    if (!found.has_value() || !IsPlausible(*found)) continue;
    const bool is_first = !face_.has_value();
    const FaceBox target{found->x, found->y, MedianSide(found->side)};
    const FaceBox off =
        is_first ? FaceBox{} : FaceBox{target.x - face_->x, target.y - face_->y, target.side - face_->side};
    face_ = target;
    boxes[i] = target;
    template_ = CropSquare(thumbnails[i], target, kTemplatePixels);
    // After the first detection the frames before it are tracked backwards, after another one the path since
    // the last is corrected linearly.
    for (size_t k = i; is_first && k-- > final_end;) {
      MatchTemplate(thumbnails[k]);
      boxes[k] = face_;
    }
    for (size_t k = final_end; !is_first && k < i; ++k) {
      const double share = static_cast<double>(k - final_end + 1) / static_cast<double>(i - final_end + 1);
      boxes[k] = {boxes[k]->x + share * off.x, boxes[k]->y + share * off.y,
                  boxes[k]->side + share * off.side};
    }
    face_ = target;
    final_end = i + 1;
  }
  return Smoothed(boxes);
}

}  // namespace interceptor::worker
