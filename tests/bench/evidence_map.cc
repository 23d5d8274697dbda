#include "tests/bench/evidence_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "tests/bench/evidence_clip.h"
#include "worker/media/video_decoder.h"
#include "worker/media/view_builders.h"
#include "worker/models/evidence.h"
#include "worker/models/specialist.h"
#include "worker/store/sample_views.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int kMoments = 4;
constexpr int kCellsEachWay = 15;  // of the face's middle
constexpr double kReach = 1.5;     // sides of the face
constexpr int64_t kOffsetsEachWay = 15;

// NaN becomes null.
using Values = std::vector<std::vector<double>>;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// Frames that are looked at together, and the face's place in them.
struct Look {
  std::vector<int64_t> frames;
  FaceBox face;
};

FaceBox BoxAt(const std::vector<double>& boxes, size_t index) {
  return {boxes[3 * index], boxes[3 * index + 1], boxes[3 * index + 2]};
}

int64_t FrameAt(const std::vector<double>& frame_seconds, double seconds) {
  const auto distance = [seconds](double at) { return std::abs(at - seconds); };
  return std::ranges::min_element(frame_seconds, {}, distance) - frame_seconds.begin();
}

// Bursts, or single frames that show a face; kMoments of them at most.
std::vector<Look> LooksAt(const DecodedClip& decoded, bool bursts, const std::vector<double>& frame_seconds) {
  const auto series = [&](const char* name) {
    const auto found = decoded.series.find(name);
    return found == decoded.series.end() ? std::vector<double>() : found->second;
  };
  const std::vector<double> seconds = bursts ? series("burst_seconds") : decoded.frame_seconds;
  const std::vector<double> boxes = series(bursts ? "burst_boxes" : "face_boxes");
  const size_t together = bursts ? kBurstFrames : 1;
  std::vector<Look> all;
  for (size_t i = 0; 3 * i < boxes.size(); ++i) {
    if (BoxAt(boxes, i).side <= 0) continue;
    Look look = {.frames = {}, .face = BoxAt(boxes, i)};
    for (size_t k = 0; k < together; ++k)
      look.frames.push_back(FrameAt(frame_seconds, seconds[together * i + k]));
    all.push_back(look);
  }
  std::vector<Look> chosen;
  for (const int64_t at : EvenlySpaced(std::ssize(all), kMoments))
    chosen.push_back(all[static_cast<size_t>(at)]);
  return chosen;
}

// Looks at moved faces. The view builders are the product's own. No statistic needs more than the first of the
// specialist's views.
class Mover {
 public:
  Mover(SpecialistName specialist, std::vector<Look> looks, VideoDecoder& video)
      : views_(ViewsOf(specialist, FrontEndMode::kSpecialist)), looks_(std::move(looks)), video_(video) {
    for (const Look& look : looks_) {
      if (look.frames.size() == kBurstFrames) {
        std::ranges::copy(look.frames, selection_.bursts.emplace_back().begin());
      } else {
        selection_.samples.push_back(look.frames.front());
      }
    }
    if (views_.front() == View::kLumaPatches) selection_.full_frames = selection_.samples;
    job_.views = {View::kFullFrame, views_.front()};
  }

  absl::Status Decode() {
    return video_.Decode(selection_.Frames(), [this](const VideoFrame& frame) {
      segment_.frames.push_back(frame);
      return absl::OkStatus();
    });
  }

  // Adds what is seen so many sides of the face away; returns how many samples that are, none where it cannot be seen.
  absl::StatusOr<int> Add(double x, double y, SpecialistInput& input) {
    segment_.faces.clear();
    const cv::Rect picture({0, 0}, video_.UprightSize(segment_.frames.front()));
    for (const Look& look : looks_) {
      const double side = look.face.side;
      const FaceBox moved = {look.face.x + x * side, look.face.y + y * side, side};
      const cv::Rect needed = FaceBox{moved.x, moved.y, NeededSide(side)}.Square();
      if ((needed & picture) != needed) return 0;
      segment_.faces.insert(segment_.faces.end(), look.frames.size(), moved);
    }
    const auto builders = MakeViewBuilders(selection_, job_);
    ICPT_RETURN_IF_ERROR(builders.back()->Add(video_, segment_));
    DecodedClip seen;
    builders.back()->Finish(seen);
    seen.colours = video_.Colours();
    const StoredClip clip = StoredClipOf(seen);
    const bool whole = MomentsOf(clip, views_.front()).size() == looks_.size();
    if (!whole) return 0;
    // One sample of patches shows them of all moments.
    const int samples = views_.front() == View::kLumaPatches ? 1 : static_cast<int>(looks_.size());
    for (int i = 0; i < samples; ++i) ICPT_RETURN_IF_ERROR(AppendSample(clip, views_.first(1), i, input));
    return samples;
  }

 private:
  // What of a moved face must lie in the picture, around its middle: the patch, else what statistics see most of.
  double NeededSide(double face) const {
    return views_.front() == View::kLumaPatches ? kPatchPixels : face / 2;
  }

  const std::span<const View> views_;
  const std::vector<Look> looks_;
  VideoDecoder& video_;
  FrameSelection selection_;
  DecodeJob job_;
  Segment segment_;
};

absl::StatusOr<std::vector<double>> RowOf(SpecialistName specialist, Mover& mover, double y) {
  SpecialistInput input;
  std::vector<int> samples;
  for (int column = -kCellsEachWay; column <= kCellsEachWay; ++column) {
    ICPT_ASSIGN_OR_RETURN(samples.emplace_back(), mover.Add(kReach * column / kCellsEachWay, y, input));
  }
  std::vector<double> row(samples.size(), kNothing);
  if (input.count == 0) return row;
  ICPT_ASSIGN_OR_RETURN(const std::vector<float> statistic, EvidenceStatistic(specialist, input));
  auto next = statistic.begin();
  for (size_t i = 0; i < row.size(); ++i) {
    if (samples[i] == 0) continue;
    row[i] = std::accumulate(next, next + samples[i], 0.0) / samples[i];
    next += samples[i];
  }
  return row;
}

absl::StatusOr<nlohmann::json> MapOfPlaces(SpecialistName specialist, std::string_view bytes,
                                           const DecodedClip& decoded) {
  ICPT_ASSIGN_OR_RETURN(const auto video, VideoDecoder::Open(bytes));
  const bool bursts = ViewsOf(specialist, FrontEndMode::kSpecialist).front() == View::kBurst;
  std::vector<Look> looks = LooksAt(decoded, bursts, video->FrameSeconds());
  if (looks.empty()) return FailedPrecondition("there is no face to look at");
  Mover mover(specialist, std::move(looks), *video);
  ICPT_RETURN_IF_ERROR(mover.Decode());
  Values values;
  for (int row = -kCellsEachWay; row <= kCellsEachWay; ++row) {
    ICPT_ASSIGN_OR_RETURN(values.emplace_back(), RowOf(specialist, mover, kReach * row / kCellsEachWay));
  }
  return nlohmann::json{{"reach", kReach}, {"values", values}};
}

// `clip` with the sound that its log mel spectrum has `offset` mouth frames later; `sound` holds its bytes.
void MoveSound(StoredClip& clip, int64_t offset, std::string& sound) {
  for (ViewTensor& view : clip.views) {
    if (view.view != View::kLogMel) continue;
    const auto frame = std::ssize(view.bytes) / (view.shape[0] * kMouthFrames);
    const auto moved = static_cast<size_t>(std::abs(offset) * frame);
    const std::string silence(moved, '\0');
    sound = offset < 0 ? silence + std::string(view.bytes.substr(0, view.bytes.size() - moved))
                       : std::string(view.bytes.substr(moved)) + silence;
    view.bytes = sound;
  }
}

absl::StatusOr<nlohmann::json> MapOfOffsets(const DecodedClip& decoded) {
  const std::span<const View> views = ViewsOf(SpecialistName::kAV, FrontEndMode::kSpecialist);
  nlohmann::json map = {{"offsets_seconds", nlohmann::json::array()}};
  Values values;
  for (int64_t offset = -kOffsetsEachWay; offset <= kOffsetsEachWay; ++offset) {
    StoredClip clip = StoredClipOf(decoded);
    std::string sound, mouths, sounds;
    const ViewTensor* track = clip.Find(View::kMouthTrack);
    if (track == nullptr) return FailedPrecondition("there is no mouth with sound to look at");
    const int64_t frames = track->shape[0] * kMouthFrames;
    MoveSound(clip, offset, sound);
    SlideMouthWindows(clip, mouths, sounds);
    std::vector<double> row;
    std::vector<double> seconds;
    for (const Moment& moment : MomentsOf(clip, views.front())) {
      const int64_t first = moment.index * kWindowStride + offset;
      seconds.push_back(moment.seconds);
      row.push_back(kNothing);
      if (first < 0 || first + kMouthFrames > frames) continue;
      SpecialistInput input;
      ICPT_RETURN_IF_ERROR(AppendSample(clip, views, std::ssize(row) - 1, input));
      ICPT_ASSIGN_OR_RETURN(const std::vector<float> statistic,
                            EvidenceStatistic(SpecialistName::kAV, input));
      row.back() = statistic[0];
    }
    map["seconds"] = seconds;
    map["offsets_seconds"].push_back(static_cast<double>(offset) * kMouthPeriodSeconds);
    values.push_back(std::move(row));
  }
  map["values"] = values;
  return map;
}

nlohmann::json FacesOf(const DecodedClip& decoded) {
  nlohmann::json faces = nlohmann::json::array();
  const std::vector<double>& boxes = decoded.series.at("face_boxes");
  for (size_t i = 0; i < decoded.frame_seconds.size(); ++i) {
    const FaceBox face = BoxAt(boxes, i);
    if (face.side > 0) faces.push_back({decoded.frame_seconds[i], face.x, face.y, face.side});
  }
  return faces;
}

}  // namespace

absl::StatusOr<nlohmann::json> EvidenceMap(SpecialistName specialist, std::string_view bytes,
                                           const DecodedClip& decoded) {
  ICPT_ASSIGN_OR_RETURN(nlohmann::json map, specialist == SpecialistName::kAV
                                                ? MapOfOffsets(decoded)
                                                : MapOfPlaces(specialist, bytes, decoded));
  map["faces"] = FacesOf(decoded);
  return map;
}

}  // namespace interceptor::worker
