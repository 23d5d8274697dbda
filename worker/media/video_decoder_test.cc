#include "worker/media/video_decoder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/grey_clip.h"
#include "tests/synth/encode.h"
#include "worker/media/clip_decoder.h"
#include "worker/media/demuxer.h"
#include "worker/media/face_detector.h"
#include "worker/media/view_extractor.h"

namespace interceptor::worker {
namespace {

struct Taken {
  std::vector<int64_t> indices;
  std::vector<double> seconds;
  std::vector<cv::Mat> pictures;
};

cv::Mat Rgb(const YuvPicture& picture) {
  const int side = std::max(picture.y.cols, picture.y.rows);
  std::string planar;
  for (const auto& [plane, room] :
       {std::pair(picture.y, side), std::pair(picture.cb, side / 2), std::pair(picture.cr, side / 2)}) {
    cv::Mat square(room, room, CV_8UC1, cv::Scalar(128));
    plane.copyTo(square(cv::Rect({0, 0}, plane.size())));
    planar.append(reinterpret_cast<const char*>(square.data), square.total());
  }
  cv::Mat rgb(side, side, CV_8UC3);
  RgbFromPlanar(planar, side, picture.colours, rgb.data);
  return rgb(cv::Rect({0, 0}, picture.y.size())).clone();
}

absl::StatusOr<Taken> Take(std::string_view bytes, std::vector<int64_t> indices) {
  ICPT_ASSIGN_OR_RETURN(const auto video, VideoDecoder::Open(bytes));
  if (indices.empty()) {
    indices.resize(static_cast<size_t>(video->info().frames));
    std::iota(indices.begin(), indices.end(), 0);
  }
  Taken taken;
  ICPT_RETURN_IF_ERROR(video->Decode(indices, [&](const VideoFrame& frame) -> absl::Status {
    const cv::Size size = video->UprightSize(frame);
    ICPT_ASSIGN_OR_RETURN(const YuvPicture picture, video->Yuv(frame, cv::Rect({0, 0}, size), size));
    taken.indices.push_back(frame.index);
    taken.seconds.push_back(frame.seconds);
    taken.pictures.push_back(Rgb(picture));
    return absl::OkStatus();
  }));
  return taken;
}

// Whether the middle of the picture has the grey level of that frame, after H.264 and two conversions.
bool ShowsFrame(const cv::Mat& picture, int64_t frame, int first_level = 40) {
  const cv::Vec3b pixel = picture.at<cv::Vec3b>(picture.rows / 2, picture.cols / 2);
  const int level = GreyLevel(static_cast<int>(frame), first_level);
  return std::abs(pixel[0] - level) <= 2 && std::abs(pixel[1] - level) <= 2 &&
         std::abs(pixel[2] - level) <= 2;
}

CATCH_TEST_CASE("frames are the ones asked for, by time, though the stream holds them in another order") {
  const std::string clip = GreyClip(30);
  const auto video = VideoDecoder::Open(clip);
  CATCH_REQUIRE(video.ok());
  CATCH_CHECK((*video)->info().frames == 30);
  CATCH_CHECK((*video)->info().frame_rate == Approx(25));
  CATCH_CHECK((*video)->info().duration_seconds == Approx(1.2));
  const auto taken = Take(clip, {0, 1, 2, 3, 7, 11, 12, 28, 29});
  CATCH_INFO(Message(taken.status()));
  CATCH_REQUIRE(taken.ok());
  CATCH_CHECK(taken->indices == std::vector<int64_t>{0, 1, 2, 3, 7, 11, 12, 28, 29});
  for (size_t i = 0; i < taken->indices.size(); ++i) {
    CATCH_CHECK(ShowsFrame(taken->pictures[i], taken->indices[i]));
    CATCH_CHECK(taken->seconds[i] == Approx(static_cast<double>(taken->indices[i]) / 25).margin(1e-6));
  }
}

CATCH_TEST_CASE("leaving out what nothing refers to changes no frame that is kept") {
  const std::string clip = GreyClip(30);
  const auto all = Take(clip, {});
  CATCH_REQUIRE(all.ok());
  CATCH_REQUIRE(all->pictures.size() == 30);
  for (int64_t offset = 0; offset < 5; ++offset) {
    std::vector<int64_t> some;
    for (int64_t k = offset; k < 30; k += 5) some.push_back(k);
    const auto taken = Take(clip, some);
    CATCH_REQUIRE(taken.ok());
    for (size_t i = 0; i < some.size(); ++i) {
      const cv::Mat& whole = all->pictures[static_cast<size_t>(some[i])];
      CATCH_CHECK(cv::norm(whole, taken->pictures[i], cv::NORM_INF) == 0);
    }
  }
}

CATCH_TEST_CASE("frames decoded on the way are seen in passing, each once and as itself") {
  const std::string bytes = GreyClip(24);
  const auto video = VideoDecoder::Open(bytes);
  CATCH_REQUIRE(video.ok());
  std::vector<int64_t> seen;
  std::vector<int64_t> passed;
  const auto look = [&](const VideoFrame& frame, std::vector<int64_t>& list) {
    const auto luma = (*video)->Shrunk(frame, 64, false);
    CATCH_REQUIRE(luma.ok());
    CATCH_CHECK(std::abs(luma->at<uint8_t>(luma->rows / 2, luma->cols / 2) -
                         GreyLevel(static_cast<int>(frame.index))) <= 6);
    seen.push_back(frame.index);
    list.push_back(frame.index);
  };
  std::vector<int64_t> wanted;
  CATCH_REQUIRE((*video)
                    ->Decode(
                        std::vector<int64_t>{7, 20},
                        [&](const VideoFrame& frame) {
                          look(frame, wanted);
                          return absl::OkStatus();
                        },
                        [&](const VideoFrame& frame) { look(frame, passed); })
                    .ok());
  CATCH_CHECK(wanted == std::vector<int64_t>{7, 20});
  CATCH_CHECK(passed.size() >= 4);
  CATCH_CHECK(std::adjacent_find(seen.begin(), seen.end(), std::greater_equal<>()) == seen.end());
}

CATCH_TEST_CASE("the nearest frame that others refer to is known") {
  const auto video = VideoDecoder::Open(GreyClip(30));
  CATCH_REQUIRE(video.ok());
  std::set<int64_t> references;
  for (int64_t k = 0; k < 30; ++k) references.insert((*video)->NearestReference(k));
  // Of B frames in a pyramid some are referred to.
  CATCH_CHECK(references.contains(0));
  CATCH_CHECK(references.size() > 5);
  CATCH_CHECK(references.size() < 30);
  for (const int64_t k : references) CATCH_CHECK((*video)->NearestReference(k) == k);
}

CATCH_TEST_CASE("pictures of other levels are another shot, a patch that moves is not") {
  cv::Mat room(48, 48, CV_8UC1, cv::Scalar(60));
  cv::Mat moved = room.clone();
  room(cv::Rect(4, 4, 12, 12)).setTo(cv::Scalar::all(200));
  moved(cv::Rect(30, 20, 12, 12)).setTo(cv::Scalar::all(200));
  CATCH_CHECK_FALSE(IsShotBoundary(room, moved));
  CATCH_CHECK(IsShotBoundary(room, cv::Mat(48, 48, CV_8UC1, cv::Scalar(130))));
}

// Finds a face in the middle of every picture, and counts.
class CountingDetector final : public FaceDetector {
 public:
  Input input() const override { return {.side_max = 480, .in_colour = false}; }
  std::optional<FaceBox> Find(const cv::Mat& luma, const std::optional<FaceBox>& /*expected*/) override {
    ++searches;
    return FaceBox{luma.cols / 2.0, luma.rows / 2.0, luma.rows / 2.0};
  }

  int searches = 0;
};

CATCH_TEST_CASE("a shot ends where frames are missing") {
  cv::Mat picture(64, 96, CV_8UC3, cv::Scalar::all(120));
  picture(cv::Rect(40, 20, 20, 20)).setTo(cv::Scalar::all(60));
  const auto bytes = synth::EncodeMp4(std::vector<cv::Mat>(20, picture), {}, {});
  CATCH_REQUIRE(bytes.ok());
  const DecodeJob job{.frames = 20, .view_pixels = 32, .face_detection_stride = 1};
  const auto searches = [&](const std::vector<int64_t>& after_gaps) {
    const auto video = VideoDecoder::Open(*bytes);
    CATCH_REQUIRE(video.ok());
    FrameSelection selection;
    selection.samples = {1, 5, 9, 13, 17};
    selection.full_frames = selection.samples;
    selection.after_gaps = after_gaps;
    CountingDetector detector;
    ViewExtractor extractor(**video, selection, job, detector);
    const absl::Status status =
        (*video)->Decode(selection.samples, [&](const VideoFrame& frame) -> absl::Status {
          ICPT_ASSIGN_OR_RETURN(const LumaThumbnail thumbnail, MakeLumaThumbnail(**video, frame));
          return extractor.Add(frame, thumbnail);
        });
    CATCH_REQUIRE(status.ok());
    CATCH_REQUIRE(extractor.Finish().ok());
    return detector.searches;
  };
  CATCH_CHECK(searches({}) == 3);
  CATCH_CHECK(searches({11}) == 5);  // three frames before the gap, two after it
  CATCH_CHECK(searches({18}) == 3);
}

CATCH_TEST_CASE("a packet is left out only when all its slices are marked as never referred to") {
  const uint8_t extradata[] = {1, 100, 0, 30, 0xff, 0xe0, 0};
  const H264PacketFilter filter(true, extradata, sizeof(extradata));
  const uint8_t unreferred[] = {0, 0, 0, 2, 0x01, 0};
  const uint8_t referred[] = {0, 0, 0, 2, 0x41, 0};
  const uint8_t mixed[] = {0, 0, 0, 2, 0x01, 0, 0, 0, 0, 2, 0x41, 0};
  const uint8_t parameters[] = {0, 0, 0, 2, 0x06, 0};
  const uint8_t cut[] = {0, 0, 0, 9, 0x01, 0};
  CATCH_CHECK(filter.IsNonReference(unreferred, sizeof(unreferred)));
  CATCH_CHECK_FALSE(filter.IsNonReference(referred, sizeof(referred)));
  CATCH_CHECK_FALSE(filter.IsNonReference(mixed, sizeof(mixed)));
  CATCH_CHECK_FALSE(filter.IsNonReference(parameters, sizeof(parameters)));
  CATCH_CHECK_FALSE(filter.IsNonReference(cut, sizeof(cut)));
  CATCH_CHECK_FALSE(H264PacketFilter(false, extradata, sizeof(extradata)).IsNonReference(unreferred, 6));
  CATCH_CHECK_FALSE(H264PacketFilter(true, nullptr, 0).IsNonReference(unreferred, 6));
}

CATCH_TEST_CASE("pictures come upright and in their colours") {
  for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const int degrees = turn % 4 * 90;
    const bool mirrored = turn >= 4;
    const auto taken = Take(GreyClip(3, 40, degrees, 0, mirrored), {1});
    CATCH_INFO(degrees << " degrees, mirrored " << mirrored << ": " << Message(taken.status()));
    CATCH_REQUIRE(taken.ok());
    const cv::Mat& picture = taken->pictures[0];
    CATCH_CHECK(picture.size() == cv::Size(96, 64));
    CATCH_CHECK(ShowsFrame(picture, 1));
    const cv::Vec3b red = picture.at<cv::Vec3b>(6, 6);
    CATCH_CHECK(std::abs(red[0] - 200) < 12);
    CATCH_CHECK(red[1] < 15);
    CATCH_CHECK(red[2] < 15);
  }
}

CATCH_TEST_CASE("an area of the upright picture is found in the stored one, however it is turned") {
  for (const int turn : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const std::string bytes = GreyClip(2, 40, turn % 4 * 90, 0, turn >= 4);
    const auto video = VideoDecoder::Open(bytes);
    CATCH_REQUIRE(video.ok());
    CATCH_INFO("turn " << turn);
    CATCH_REQUIRE((*video)
                      ->Decode(std::vector<int64_t>{0},
                               [&](const VideoFrame& frame) -> absl::Status {
                                 // The red corner alone, which no other part of the picture has.
                                 ICPT_ASSIGN_OR_RETURN(
                                     const YuvPicture corner,
                                     (*video)->Yuv(frame, cv::Rect(2, 2, 12, 12), {12, 12}));
                                 CATCH_CHECK(cv::mean(corner.cr)[0] > 180);
                                 return absl::OkStatus();
                               })
                      .ok());
  }
}

CATCH_TEST_CASE("what is no video, or has no frames, is refused") {
  CATCH_CHECK(VideoDecoder::Open("").status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK(VideoDecoder::Open("this is no video at all").status().code() == absl::StatusCode::kDataLoss);
  // A playlist would make other demuxers fetch what it names.
  CATCH_CHECK_FALSE(VideoDecoder::Open("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n").ok());
  CATCH_CHECK_FALSE(VideoDecoder::Open("ffconcat version 1.0\nfile /etc/passwd\n").ok());
}

CATCH_TEST_CASE("a clip that is cut is an error, unless only what no frame needs was cut off") {
  const std::string clip = GreyClip(30);
  int refused = 0;
  for (size_t size = 0; size < clip.size(); size += 97) {
    const auto taken = Take(clip.substr(0, size), {});
    CATCH_INFO("cut to " << size << " of " << clip.size());
    if (!taken.ok()) {
      ++refused;
      CATCH_REQUIRE(taken.status().code() == absl::StatusCode::kDataLoss);
      continue;
    }
    CATCH_REQUIRE(taken->pictures.size() == 30);
    for (int64_t k = 0; k < 30; ++k) CATCH_REQUIRE(ShowsFrame(taken->pictures[static_cast<size_t>(k)], k));
  }
  CATCH_CHECK(refused > 15);
}

CATCH_TEST_CASE("damaged bytes anywhere end in an error or in whole pictures, never in nothing") {
  const std::string clip = GreyClip(30);
  int refused = 0;
  for (size_t at = 0; at < clip.size(); at += 13) {
    std::string bad = clip;
    for (size_t i = at; i < std::min(at + 6, bad.size()); ++i) bad[i] = static_cast<char>(~bad[i]);
    const auto taken = Take(bad, {});
    if (!taken.ok()) {
      ++refused;
      continue;
    }
    CATCH_REQUIRE_FALSE(taken->pictures.empty());
    for (const cv::Mat& picture : taken->pictures) CATCH_REQUIRE_FALSE(picture.empty());
  }
  CATCH_CHECK(refused > 20);
}

CATCH_TEST_CASE("a clip becomes its two views with times and attributes") {
  auto detector = FaceDetector::Load(INTERCEPTOR_CASCADE);
  CATCH_REQUIRE(detector.ok());
  const std::string bytes = GreyClip(20);
  const auto clip =
      DecodeClip(bytes, {.frames = 5, .view_pixels = 48, .face_detection_stride = 10}, **detector);
  CATCH_INFO(Message(clip.status()));
  CATCH_REQUIRE(clip.ok());
  // Smaller than a patch, silent, and without a face.
  CATCH_REQUIRE(clip->views.size() == 2);
  CATCH_CHECK(clip->views[0].view == View::kFullFrame);
  CATCH_CHECK(clip->views[1].view == View::kFaceCrop);
  for (const DecodedView& view : clip->views) {
    CATCH_CHECK(view.shape == std::vector<int64_t>{5, 72, 48});
    CATCH_CHECK(view.bytes.size() == size_t{5} * 72 * 48);
  }
  CATCH_CHECK(clip->colours == YuvColours{ColourMatrix::kBt601, false});
  CATCH_REQUIRE(clip->frame_seconds.size() == 5);
  for (int k = 0; k < 5; ++k) {
    const int64_t frame = 2 + 4 * k;
    CATCH_CHECK(clip->frame_seconds[static_cast<size_t>(k)] == Approx(static_cast<double>(frame) / 25));
    // The middle of the full frame.
    const size_t at = (static_cast<size_t>(k) * 72 + 24) * 48 + 24;
    const double level = (static_cast<uint8_t>(clip->views[0].bytes[at]) - 16) * 255.0 / 219;
    CATCH_CHECK(std::abs(level - GreyLevel(static_cast<int>(frame))) <= 2);
  }
  const auto& attributes = clip->attributes;
  CATCH_CHECK(attributes.at("width") == 96);
  CATCH_CHECK(attributes.at("height") == 64);
  CATCH_CHECK(attributes.at("frame_rate") == Approx(25));
  CATCH_CHECK(attributes.at("duration_s") == Approx(0.8));
  CATCH_CHECK(attributes.at("face_share") == 0);
  CATCH_CHECK(attributes.at("face_pixels") == 0);
  CATCH_CHECK(attributes.at("bits_per_pixel") > 0);
  // Frames 2, 6, 10, 14 and 18 have a mean level of 90; a twenty-fourth of the picture is the red patch.
  CATCH_CHECK(std::abs(attributes.at("brightness") - 90.0 / 255) < 0.02);
}

}  // namespace
}  // namespace interceptor::worker
