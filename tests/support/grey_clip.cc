#include "tests/support/grey_clip.h"

extern "C" {
#include <libavutil/log.h>
}

#include <opencv2/imgproc.hpp>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/synth/encode.h"

namespace interceptor::worker {
namespace {

// Brighter and darker blocks around the middle, others in each scene but scene 0, which has none.
void DrawScene(int scene, cv::Mat& picture) {
  constexpr int kBlock = 16;
  if (scene == 0) return;
  const RandomKey key = MakeRandomKey(static_cast<uint64_t>(scene), "scene");
  uint64_t draw = 0;
  for (int y = 0; y < picture.rows; y += kBlock) {
    for (int x = 0; x < picture.cols; x += kBlock) {
      const bool is_middle = y == picture.rows / 2 - kBlock || y == picture.rows / 2;
      if (is_middle && std::abs(x + kBlock / 2 - picture.cols / 2) < kBlock) continue;
      const int shift = static_cast<int>(RandomBits(key, draw++) % 3) - 1;
      picture(cv::Rect(x, y, kBlock, kBlock)) += cv::Scalar::all(40 * shift);
    }
  }
}

}  // namespace

int GreyLevel(int frame, int first_level) { return (first_level + 5 * frame) % 200; }

std::string GreyClip(int frames, int first_level, int rotation_degrees, int scene, bool mirrored) {
  av_log_set_level(AV_LOG_ERROR);
  std::vector<cv::Mat> pictures;
  for (int k = 0; k < frames; ++k) {
    cv::Mat picture(64, 96, CV_8UC3, cv::Scalar::all(GreyLevel(k, first_level)));
    DrawScene(scene, picture);
    picture(cv::Rect(0, 0, 16, 16)).setTo(cv::Scalar(0, 0, 200));
    pictures.push_back(picture);
  }
  synth::EncodeSettings settings;
  settings.rotation_degrees = rotation_degrees;
  settings.mirrored = mirrored;
  settings.crf = 12;
  auto bytes = synth::EncodeMp4(pictures, {}, settings);
  CATCH_INFO(Message(bytes.status()));
  CATCH_REQUIRE(bytes.ok());
  return *std::move(bytes);
}

}  // namespace interceptor::worker
