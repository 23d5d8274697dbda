#include <malloc.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tests/support/catch.h"
#include "tests/synth/decode.h"
#include "tests/synth/encode.h"

namespace interceptor::synth {
namespace {

// Red above, blue below: upright is seen at once.
std::vector<cv::Mat> TwoColours(int count) {
  std::vector<cv::Mat> frames;
  for (int k = 0; k < count; ++k) {
    cv::Mat frame(64, 96, CV_8UC3, cv::Scalar(40, 40, 200));
    frame(cv::Rect(0, 32, 96, 32)).setTo(cv::Scalar(200, 40, 40));
    cv::circle(frame, {10 + 2 * k, 32}, 6, {255, 255, 255}, cv::FILLED);
    frames.push_back(frame);
  }
  return frames;
}

std::vector<float> Tone(int count) {
  std::vector<float> samples;
  for (int i = 0; i < count; ++i) samples.push_back(0.3F * static_cast<float>(std::sin(i * 0.06)));
  return samples;
}

CATCH_TEST_CASE("an encoded clip decodes to the same upright pictures, whatever its display matrix says") {
  for (int degrees : {0, 90, 180, 270}) {
    CATCH_INFO(degrees);
    EncodeSettings settings;
    settings.rotation_degrees = degrees;
    const auto bytes = EncodeMp4(TwoColours(12), Tone(20000), settings);
    CATCH_REQUIRE(bytes.ok());
    const auto clip = DecodeMp4(*bytes);
    CATCH_REQUIRE(clip.ok());
    CATCH_CHECK(clip->frames.size() == 12);
    CATCH_CHECK(clip->rotation_degrees == degrees);
    CATCH_CHECK(std::abs(clip->frames_per_second - 25) < 1e-6);
    CATCH_REQUIRE(clip->frames[0].size() == cv::Size(96, 64));
    CATCH_CHECK(cv::mean(clip->frames[5](cv::Rect(0, 0, 96, 24)))[2] > 150);
    CATCH_CHECK(cv::mean(clip->frames[5](cv::Rect(0, 40, 96, 24)))[0] > 150);
    CATCH_CHECK(clip->mean_qp > 5);
    CATCH_CHECK(clip->sound_rate == 48000);
  }
}

CATCH_TEST_CASE("a clip's bytes do not depend on what the heap held before") {
  cv::RNG random(4);
  std::vector<cv::Mat> frames;
  for (int k = 0; k < 25; ++k) {
    cv::Mat frame(116, 140, CV_8UC3);
    random.fill(frame, cv::RNG::NORMAL, 110, 14);
    cv::rectangle(frame, cv::Rect(4 * k, 20, 40, 50), {40, 90, 210}, cv::FILLED);
    cv::circle(frame, {120 - 3 * k, 80}, 25, {200, 160, 30}, cv::FILLED);
    frames.push_back(frame);
  }
  std::string bytes[2];
  for (int i = 0; i < 2; ++i) {
    mallopt(M_PERTURB, i == 0 ? 85 : 170);
    bytes[i] = *EncodeMp4(frames, {}, {});
    mallopt(M_PERTURB, 0);
  }
  CATCH_CHECK(bytes[0] == bytes[1]);
}

CATCH_TEST_CASE("the index can stand before the media data") {
  EncodeSettings settings;
  const auto last = EncodeMp4(TwoColours(6), Tone(12000), settings);
  settings.index_first = true;
  const auto first = EncodeMp4(TwoColours(6), Tone(12000), settings);
  CATCH_REQUIRE(last.ok());
  CATCH_REQUIRE(first.ok());
  CATCH_CHECK(last->find("moov") > last->find("mdat"));
  CATCH_CHECK(first->find("moov") < first->find("mdat"));
  CATCH_CHECK(first->size() == last->size());
  const auto a = DecodeMp4(*first), b = DecodeMp4(*last);
  CATCH_REQUIRE(a.ok());
  CATCH_REQUIRE(b.ok());
  CATCH_REQUIRE(a->frames.size() == 6);
  CATCH_CHECK(cv::norm(a->frames[5], b->frames[5], cv::NORM_INF) == 0);
  CATCH_CHECK(a->sound == b->sound);
}

CATCH_TEST_CASE("a coarser quality setting means fewer bytes and a larger mean QP") {
  EncodeSettings settings;
  settings.crf = 18;
  const auto fine = EncodeMp4(TwoColours(10), {}, settings);
  settings.crf = 30;
  const auto coarse = EncodeMp4(TwoColours(10), {}, settings);
  CATCH_REQUIRE(fine.ok());
  CATCH_REQUIRE(coarse.ok());
  CATCH_CHECK(coarse->size() < fine->size());
  CATCH_CHECK(DecodeMp4(*coarse)->mean_qp > DecodeMp4(*fine)->mean_qp + 5);
  CATCH_CHECK(DecodeMp4(*coarse)->sound.empty());
}

CATCH_TEST_CASE("what is no clip is refused with a reason") {
  CATCH_CHECK(DecodeMp4("not a film").status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK(EncodeMp4({}, {}, {}).status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(EncodeMp4({cv::Mat(31, 33, CV_8UC3)}, {}, {}).status().code() ==
              absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace interceptor::synth
