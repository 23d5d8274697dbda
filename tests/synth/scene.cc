#include "tests/synth/scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace interceptor::synth {
namespace {

constexpr int kOversampling = 2;
constexpr int kMouthSteps = 8;
constexpr int kMargin = 12;  // background around the frame, for camera shake

cv::Scalar Scale(const cv::Scalar& colour, double gain) {
  return {std::min(255.0, colour[0] * gain), std::min(255.0, colour[1] * gain),
          std::min(255.0, colour[2] * gain)};
}

cv::Scalar Mix(const cv::Scalar& a, const cv::Scalar& b, double share_of_b) {
  return a * (1 - share_of_b) + b * share_of_b;
}

void FillEllipse(cv::Mat& image, double x, double y, double half_width, double half_height,
                 const cv::Scalar& colour) {
  constexpr int kShift = 4, kOne = 1 << kShift;
  cv::ellipse(image, cv::Point(cvRound(x * kOne), cvRound(y * kOne)),
              cv::Size(std::max(1, cvRound(half_width * kOne)), std::max(1, cvRound(half_height * kOne))), 0,
              0, 360, colour, cv::FILLED, cv::LINE_AA, kShift);
}

// Muted, as walls and clothes mostly are.
cv::Scalar AnyColour(Draws& draws, double low, double high) {
  const double grey = draws.Uniform(low, high);
  const cv::Scalar vivid(draws.Uniform(low, high), draws.Uniform(low, high), draws.Uniform(low, high));
  return Mix(cv::Scalar::all(grey), vivid, draws.Uniform(0.0, 0.45));
}

// Mean 1, deviation `strength`: a fine grain and a coarser one.
cv::Mat Texture(Draws& draws, cv::Size size, double strength) {
  cv::RNG random(draws.Bits());
  cv::Mat fine(size, CV_32F), coarse(cv::Size(size.width / 5 + 2, size.height / 5 + 2), CV_32F), wide;
  random.fill(fine, cv::RNG::NORMAL, 0, strength);
  random.fill(coarse, cv::RNG::NORMAL, 1, strength);
  cv::GaussianBlur(fine, fine, {3, 3}, 0.8);
  cv::resize(coarse, wide, size, 0, 0, cv::INTER_CUBIC);
  return wide + 1.6 * fine;
}

void MultiplyInPlace(cv::Mat& image, const cv::Mat& gain) {
  cv::Mat wide, gain3;
  const cv::Mat channels[3] = {gain, gain, gain};
  cv::merge(channels, 3, gain3);
  image.convertTo(wide, CV_32FC3);
  cv::multiply(wide, gain3, wide);
  wide.convertTo(image, CV_8UC3);
}

// A face on a sheet, as posters show it: skin that moves with nothing.
void DrawPoster(Draws& draws, cv::Mat& wall) {
  const double width = wall.cols * draws.Uniform(0.14, 0.2), height = width * draws.Uniform(1.1, 1.5);
  const double left = draws.Chance(0.5) ? wall.cols * 0.03 : wall.cols * 0.97 - width;
  const double top = wall.rows * draws.Uniform(0.05, 0.4);
  const cv::Rect sheet(cvRound(left), cvRound(top), cvRound(width), cvRound(height));
  cv::rectangle(wall, sheet, AnyColour(draws, 60, 230), cv::FILLED);
  cv::Mat patch = wall(sheet & cv::Rect(0, 0, wall.cols, wall.rows));
  const cv::Scalar skin = Mix({95, 125, 170}, {165, 190, 230}, draws.Uniform(0, 1));
  FillEllipse(patch, patch.cols * 0.5, patch.rows * 0.55, patch.cols * 0.3, patch.rows * 0.33, skin);
  FillEllipse(patch, patch.cols * 0.5, patch.rows * 0.27, patch.cols * 0.31, patch.rows * 0.16, {30, 30, 40});
  cv::GaussianBlur(patch, patch, {7, 7}, draws.Uniform(0.8, 2.0));
}

cv::Mat DrawWall(Draws& draws, cv::Size size) {
  cv::Mat corners(2, 2, CV_8UC3), wall;
  for (int i = 0; i < 4; ++i) {
    const cv::Scalar colour = AnyColour(draws, 50, 200);
    corners.at<cv::Vec3b>(i / 2, i % 2) = cv::Vec3b(
        static_cast<uchar>(colour[0]), static_cast<uchar>(colour[1]), static_cast<uchar>(colour[2]));
  }
  cv::resize(corners, wall, size, 0, 0, cv::INTER_LINEAR);
  const int things = draws.Integer(4, 12);
  for (int i = 0; i < things; ++i) {
    const double x = draws.Uniform(0, size.width), y = draws.Uniform(0, size.height);
    const double w = draws.Uniform(8, 60), h = draws.Uniform(8, 60);
    const cv::Scalar colour = AnyColour(draws, 30, 220);
    if (draws.Chance(0.5)) {
      cv::rectangle(wall, cv::Rect2d(x - w / 2, y - h / 2, w, h), colour, cv::FILLED);
    } else {
      FillEllipse(wall, x, y, w / 2, h / 2, colour);
    }
  }
  MultiplyInPlace(wall, Texture(draws, size, draws.Uniform(0.01, 0.06)));
  cv::GaussianBlur(wall, wall, {0, 0}, draws.Uniform(0.6, 3.0));
  if (draws.Chance(0.3)) DrawPoster(draws, wall);
  return wall;
}

// One person: looks drawn once, then rendered as a sprite per mouth opening and eyelid.
class Head {
 public:
  Head(Draws& draws, double half_width, double half_height)
      : a_(half_width * kOversampling), b_(half_height * kOversampling) {
    const cv::Scalar pale(172, 196, 232), tan(110, 150, 200), deep(58, 82, 124);
    const double tone = draws.Uniform(0, 1);
    skin_ = tone < 0.6 ? Mix(pale, tan, tone / 0.6) : Mix(tan, deep, (tone - 0.6) / 0.4);
    for (int c = 0; c < 3; ++c) skin_[c] *= draws.Uniform(0.97, 1.03);
    hair_ = Mix({18, 20, 26}, {60, 90, 130}, draws.Uniform(0, 1));
    eye_ = Mix({20, 22, 26}, {110, 80, 50}, draws.Uniform(0, 0.7));
    lip_ = Mix(Scale(skin_, 0.7), {70, 60, 150}, draws.Uniform(0.3, 0.8));
    brow_ = draws.Uniform(0.045, 0.075);
    eye_gap_ = draws.Uniform(0.38, 0.44);
    side_light_ = draws.Sign() * draws.Uniform(0.0, 0.16);
    size_ = cv::Size(cvRound(a_ * 2.6) / 2 * 2, cvRound(b_ * 2.8) / 2 * 2);
    texture_ = Texture(draws, size_, 0.01 * std::exp(draws.Uniform(0, std::log(7.0))));
    softness_ = draws.Chance(0.65) ? draws.Uniform(0.008, 0.05) : 0;
    alpha_ = cv::Mat::zeros(size_, CV_8UC1);
    const double x = size_.width / 2.0, y = size_.height / 2.0;
    for (double side : {-1.0, 1.0}) FillEllipse(alpha_, x + side * 1.02 * a_, y, 0.13 * a_, 0.2 * b_, 255);
    FillEllipse(alpha_, x, y - 0.2 * b_, 1.12 * a_, 1.04 * b_, 255);
    FillEllipse(alpha_, x, y, a_, b_, 255);
    cv::resize(alpha_, alpha_, size_ / kOversampling, 0, 0, cv::INTER_AREA);
    for (int column = 0; column < texture_.cols; ++column) {
      texture_.col(column) *= 1 + side_light_ * (column - x) / a_;
    }
  }

  const cv::Scalar& skin() const { return skin_; }
  double half_width() const { return a_ / kOversampling; }
  double half_height() const { return b_ / kOversampling; }

  void PasteOn(cv::Mat& frame, cv::Point centre, int mouth_step, bool blink) {
    cv::Mat& sprite = sprites_[{mouth_step, blink}];
    if (sprite.empty()) sprite = Render(static_cast<double>(mouth_step) / (kMouthSteps - 1), blink);
    const cv::Rect whole(centre - cv::Point(sprite.cols / 2, sprite.rows / 2), sprite.size());
    const cv::Rect seen = whole & cv::Rect(0, 0, frame.cols, frame.rows);
    for (int row = 0; row < seen.height; ++row) {
      const int sprite_row = seen.y - whole.y + row, sprite_column = seen.x - whole.x;
      const uchar* from = sprite.ptr<uchar>(sprite_row) + 3 * sprite_column;
      const uchar* alpha = alpha_.ptr<uchar>(sprite_row) + sprite_column;
      uchar* to = frame.ptr<uchar>(seen.y + row) + 3 * seen.x;
      for (int i = 0; i < seen.width * 3; ++i) {
        to[i] = static_cast<uchar>((to[i] * (255 - alpha[i / 3]) + from[i] * alpha[i / 3] + 127) / 255);
      }
    }
  }

 private:
  cv::Mat Render(double mouth, bool blink) const {
    const double x = size_.width / 2.0, y = size_.height / 2.0;
    cv::Mat image(size_, CV_8UC3, hair_);
    for (double side : {-1.0, 1.0}) {
      FillEllipse(image, x + side * 1.02 * a_, y, 0.13 * a_, 0.2 * b_, Scale(skin_, 0.9));
    }
    FillEllipse(image, x, y, a_, b_, skin_);
    FillEllipse(image, x, y - 0.3 * b_, 0.55 * a_, 0.2 * b_, Scale(skin_, 1.06));
    FillEllipse(image, x, y + 0.83 * b_, 0.5 * a_, 0.12 * b_, Scale(skin_, 0.9));
    for (double side : {-1.0, 1.0}) {
      FillEllipse(image, x + side * 0.48 * a_, y + 0.2 * b_, 0.26 * a_, 0.16 * b_, Scale(skin_, 1.07));
      FillEllipse(image, x + side * eye_gap_ * a_, y - 0.13 * b_, 0.31 * a_, 0.17 * b_, Scale(skin_, 0.74));
    }
    FillEllipse(image, x, y - 0.98 * b_, 1.05 * a_, 0.42 * b_, hair_);
    cv::GaussianBlur(image, image, {0, 0}, 0.045 * a_);
    DrawFeatures(image, x, y, mouth, blink);
    MultiplyInPlace(image, texture_);
    if (softness_ > 0) cv::GaussianBlur(image, image, {0, 0}, softness_ * a_);
    cv::resize(image, image, size_ / kOversampling, 0, 0, cv::INTER_AREA);
    return image;
  }

  void DrawFeatures(cv::Mat& image, double x, double y, double mouth, bool blink) const {
    FillEllipse(image, x, y + 0.05 * b_, 0.07 * a_, 0.2 * b_, Scale(skin_, 1.1));
    FillEllipse(image, x, y + 0.25 * b_, 0.17 * a_, 0.045 * b_, Scale(skin_, 0.7));
    for (double side : {-1.0, 1.0}) {
      const double eye_x = x + side * eye_gap_ * a_, eye_y = y - 0.11 * b_;
      FillEllipse(image, eye_x, y - 0.3 * b_, 0.27 * a_, brow_ * b_, hair_);
      FillEllipse(image, x + side * 0.08 * a_, y + 0.26 * b_, 0.04 * a_, 0.025 * b_, Scale(skin_, 0.35));
      if (blink) {
        FillEllipse(image, eye_x, eye_y + 0.02 * b_, 0.2 * a_, 0.025 * b_, Scale(skin_, 0.4));
        continue;
      }
      FillEllipse(image, eye_x, eye_y, 0.21 * a_, 0.085 * b_, Scale(skin_, 0.4));
      FillEllipse(image, eye_x, eye_y + 0.01 * b_, 0.19 * a_, 0.065 * b_, {205, 210, 212});
      FillEllipse(image, eye_x, eye_y, 0.09 * a_, 0.07 * b_, eye_);
    }
    FillEllipse(image, x, y + 0.53 * b_, 0.36 * a_, (0.06 + 0.11 * mouth) * b_, lip_);
    FillEllipse(image, x, y + 0.53 * b_, 0.28 * a_, (0.012 + 0.1 * mouth) * b_, {28, 22, 50});
  }

  double a_, b_;  // in sprite pixels before reduction
  cv::Scalar skin_, hair_, eye_, lip_;
  double brow_, eye_gap_, side_light_;
  // Of the whole head, as of smooth skin or a face out of focus: deviation as a share of the half width. So
  // how much detail a face has tells nothing by itself.
  double softness_;
  cv::Size size_;
  cv::Mat texture_, alpha_;
  std::map<std::pair<int, bool>, cv::Mat> sprites_;
};

// Head positions: a slow ellipse whose speed is 1-4 pixels a frame.
std::vector<cv::Point> DrawPath(Draws& draws, const SceneShape& shape, cv::Point2d middle) {
  const double speed = draws.Uniform(1.2, 3.2), radius = draws.Uniform(0.03, 0.055) * shape.width;
  const double step = speed / radius, flat = draws.Uniform(0.4, 0.8);
  const double phase = draws.Uniform(0, 2 * std::numbers::pi), tilt = draws.Uniform(0, 2 * std::numbers::pi);
  std::vector<cv::Point> path;
  for (int k = 0; k < shape.frames; ++k) {
    path.emplace_back(cvRound(middle.x + radius * std::cos(phase + step * k)),
                      cvRound(middle.y + flat * radius * std::sin(phase + step * k + tilt)));
  }
  return path;
}

// Light, colour cast and flicker of one frame, as one table per channel.
cv::Mat LightTable(const std::array<double, 3>& gain) {
  cv::Mat table(1, 256, CV_8UC3);
  for (int level = 0; level < 256; ++level) {
    for (int c = 0; c < 3; ++c) {
      table.at<cv::Vec3b>(0, level)[c] = cv::saturate_cast<uchar>(level * gain[c]);
    }
  }
  return table;
}

}  // namespace

Take DrawTake(Draws draws, const SceneShape& shape) {
  const double clip_s = shape.frames / shape.frames_per_second;
  Take take;
  take.shape = shape;
  take.noise_sigma = shape.dark ? draws.Uniform(4.0, 8.0) : draws.Uniform(1.0, 4.0);
  const auto speech = std::make_shared<Speech>(Draws(draws.Bits(), "speech"), clip_s + 2 * kSpeechMargin_s);
  take.sound = speech;
  take.sound_begin_s = kSpeechMargin_s;
  const int short_side = std::min(shape.width, shape.height);
  const double half_height = short_side * draws.Uniform(0.25, 0.29);
  Head head(draws, half_height * draws.Uniform(0.74, 0.82), half_height);
  const cv::Mat wall = DrawWall(draws, {shape.width + 2 * kMargin, shape.height + 2 * kMargin});
  const cv::Scalar cloth = AnyColour(draws, 30, 200);
  const cv::Point2d middle(shape.width * draws.Uniform(0.44, 0.56), shape.height * draws.Uniform(0.44, 0.5));
  const std::vector<cv::Point> path = DrawPath(draws, shape, middle);
  const double light = shape.dark ? draws.Uniform(0.4, 0.62) : draws.Uniform(0.8, 1.08);
  const std::array<double, 3> cast = {draws.Uniform(0.94, 1.06), draws.Uniform(0.95, 1.05),
                                      draws.Uniform(0.94, 1.06)};
  const double shake = draws.Chance(0.85) ? draws.Uniform(0.5, 2.5) : 0;
  const double flicker = draws.Chance(0.3) ? draws.Uniform(0.005, 0.025) : 0;
  const double defocus = draws.Chance(0.4) ? draws.Uniform(0.4, 1.2) : 0;
  const int blink_every = draws.Integer(25, 60);
  for (int k = 0; k < shape.frames; ++k) {
    const cv::Point jolt(cvRound(std::clamp(shake * draws.Normal(), -5.0, 5.0)),
                         cvRound(std::clamp(shake * draws.Normal(), -5.0, 5.0)));
    cv::Mat frame = wall(cv::Rect(kMargin - jolt.x, kMargin - jolt.y, shape.width, shape.height)).clone();
    const cv::Point centre = path[k] + jolt;
    const double a = head.half_width(), b = head.half_height();
    const double body_x = (centre.x + middle.x) / 2, body_y = (centre.y + middle.y) / 2;
    FillEllipse(frame, body_x, body_y + 2.35 * b, 2.2 * a, 1.15 * b, cloth);
    FillEllipse(frame, body_x, body_y + 1.0 * b, 0.52 * a, 0.62 * b, Scale(head.skin(), 0.88));
    const double open = speech->Envelope(take.sound_begin_s + k / shape.frames_per_second);
    head.PasteOn(frame, centre, cvRound(open * (kMouthSteps - 1)), k % blink_every < 3);
    if (defocus > 0) cv::GaussianBlur(frame, frame, {0, 0}, defocus);
    const double lamp = light * (1 + flicker * draws.Normal());
    cv::LUT(frame, LightTable({cast[0] * lamp, cast[1] * lamp, cast[2] * lamp}), frame);
    take.frames.push_back(frame);
    take.faces.push_back({.centre = centre, .half_width = a, .half_height = b});
  }
  return take;
}

}  // namespace interceptor::synth
