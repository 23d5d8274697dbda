#include "worker/media/face_follower.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kTemplatePixels = 24;
// How far a face moves from one decoded frame to the next, of its side.
constexpr double kReach = 0.35;
constexpr double kLikenessMin = 0.5;
constexpr double kLikenessSure = 0.8;
// A detection that is further off than this, of the face's side, contradicts the path.
constexpr double kFarOff = 0.5;
constexpr int kSmoothedReach = 2;

// `square` of the sketch, its side scaled to `pixels`; what lies outside is taken from the edge.
cv::Mat CutSquare(const Sketch& sketch, const FaceBox& square, int pixels) {
  const double step_x = square.side * sketch.scale_x / pixels;
  const double step_y = square.side * sketch.scale_y / pixels;
  const double left = (square.x - square.side / 2) * sketch.scale_x;
  const double top = (square.y - square.side / 2) * sketch.scale_y;
  // From a pixel of the cut to one of the sketch; pixels have their middle at halves.
  const cv::Matx23d from_cut(step_x, 0, left + step_x / 2 - 0.5,  //
                             0, step_y, top + step_y / 2 - 0.5);
  cv::Mat cut;
  cv::warpAffine(sketch.luma, cut, from_cut, {pixels, pixels}, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REPLICATE);
  return cut;
}

// Where between its neighbours, -0.5 to 0.5, a parabola through three values has its top.
double Top(double before, double here, double after) {
  const double bend = before - 2 * here + after;
  return bend >= 0 ? 0 : std::clamp((before - after) / (2 * bend), -0.5, 0.5);
}

// The mean place over frames beside each other; sides stay.
std::vector<std::optional<FaceBox>> Smoothed(const std::vector<std::optional<FaceBox>>& boxes) {
  std::vector<std::optional<FaceBox>> smoothed = boxes;
  const auto count = static_cast<int>(boxes.size());
  for (int i = 0; i < count; ++i) {
    // As many on either side, so that an even motion stays as it is.
    const int reach = std::min({kSmoothedReach, i, count - 1 - i});
    const auto begin = boxes.begin() + i - reach;
    if (std::find(begin, begin + 2 * reach + 1, std::nullopt) != begin + 2 * reach + 1) continue;
    double x = 0;
    double y = 0;
    for (int k = i - reach; k <= i + reach; ++k) {
      x += boxes[k]->x;
      y += boxes[k]->y;
    }
    smoothed[i]->x = x / (2 * reach + 1);
    smoothed[i]->y = y / (2 * reach + 1);
  }
  return smoothed;
}

}  // namespace

void FaceFollower::Learn(const Sketch& sketch) { template_ = CutSquare(sketch, *face_, kTemplatePixels); }

void FaceFollower::Move(const Sketch& sketch) {
  // As many pixels on either side, so that the middle is a place of its own.
  const int pixels = kTemplatePixels + 2 * static_cast<int>(std::lround(kTemplatePixels * kReach));
  const double room = face_->side * pixels / kTemplatePixels;
  const cv::Mat around = CutSquare(sketch, {face_->x, face_->y, room}, pixels);
  cv::Mat likeness;
  cv::matchTemplate(around, template_, likeness, cv::TM_CCOEFF_NORMED);
  cv::Point at;
  cv::minMaxLoc(likeness, nullptr, &likeness_, nullptr, &at);
  // Where all is alike, nothing has moved.
  const cv::Point rest(likeness.cols / 2, likeness.rows / 2);
  if (likeness.at<float>(rest) >= likeness_) at = rest;
  // Of a face that is turned away or hidden the last place is the best guess.
  if (!(likeness_ >= kLikenessMin)) return;
  const auto value = [&likeness](int x, int y) {
    return likeness.at<float>(std::clamp(y, 0, likeness.rows - 1), std::clamp(x, 0, likeness.cols - 1));
  };
  const double x = at.x + Top(value(at.x - 1, at.y), value(at.x, at.y), value(at.x + 1, at.y));
  const double y = at.y + Top(value(at.x, at.y - 1), value(at.x, at.y), value(at.x, at.y + 1));
  const double middle = (likeness.cols - 1) / 2.0;
  face_->x += (x - middle) * room / pixels;
  face_->y += (y - middle) * room / pixels;
}

bool FaceFollower::Believes(const FaceBox& found) {
  if (!face_.has_value()) return true;
  const bool is_near = std::hypot(found.x - face_->x, found.y - face_->y) <= kFarOff * face_->side;
  if (is_near || likeness_ < kLikenessSure || is_doubted_) {
    is_doubted_ = false;
    return true;
  }
  is_doubted_ = true;
  return false;
}

double FaceFollower::SideWith(double found) {
  sides_.push_back(found);
  if (sides_.size() > 3) sides_.pop_front();
  std::vector<double> sorted(sides_.begin(), sides_.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

absl::StatusOr<std::vector<std::optional<FaceBox>>> FaceFollower::Follow(std::span<const Sketch> sketches,
                                                                         std::span<const size_t> searched,
                                                                         const Detect& detect) {
  std::vector<std::optional<FaceBox>> boxes(sketches.size());
  size_t settled = 0;  // frames before this one have their place
  size_t seen = 0;     // the frame after the last one in which it looks like itself
  for (size_t i = 0; i < sketches.size(); ++i) {
    if (face_.has_value()) Move(sketches[i]);
    boxes[i] = face_;
    const bool is_sure = face_.has_value() && likeness_ >= kLikenessSure;
    if (is_sure) seen = i + 1;
    const bool is_enough = is_sure && searches_ >= kSearchesPerShot;
    if (is_enough || !std::binary_search(searched.begin(), searched.end(), i)) continue;
    ++searches_;
    ICPT_ASSIGN_OR_RETURN(const std::optional<FaceBox> found, detect(i, face_));
    if (!found.has_value() && face_.has_value() && likeness_ < kLikenessMin) {
      // It is gone: what was guessed since it was seen last is no face.
      for (size_t k = std::max(seen, settled); k <= i; ++k) boxes[k].reset();
      face_.reset();
      sides_.clear();
      is_doubted_ = false;
      settled = i + 1;
    }
    if (!found.has_value() || !Believes(*found)) continue;
    const bool is_first = !face_.has_value();
    const FaceBox target{found->x, found->y, SideWith(found->side)};
    const FaceBox off =
        is_first ? FaceBox{} : FaceBox{target.x - face_->x, target.y - face_->y, target.side - face_->side};
    face_ = target;
    boxes[i] = target;
    Learn(sketches[i]);
    // The way back to where nothing was known, or the way since the last detection, bent to meet this one.
    for (size_t k = i; is_first && k-- > settled;) {
      Move(sketches[k]);
      boxes[k] = face_;
    }
    for (size_t k = settled; !is_first && k < i; ++k) {
      const double share = static_cast<double>(k - settled + 1) / static_cast<double>(i - settled + 1);
      boxes[k] = {boxes[k]->x + share * off.x, boxes[k]->y + share * off.y,
                  boxes[k]->side + share * off.side};
    }
    face_ = target;
    settled = i + 1;
  }
  return Smoothed(boxes);
}

}  // namespace interceptor::worker
