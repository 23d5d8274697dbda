#include "worker/store/sample_views.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/status.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kChannels = 3;
constexpr double kUnknownTime = std::numeric_limits<double>::quiet_NaN();
using Shape = std::vector<int64_t>;

bool IsPicture(View view) { return view == View::kFaceCrop || view == View::kFullFrame; }

int64_t CountOf(const StoredClip& clip, View view) {
  const ViewTensor* tensor = clip.Find(view);
  return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape[0];
}

std::span<const double> SeriesOf(const StoredClip& clip, const char* name) {
  const auto found = clip.series.find(name);
  return found == clip.series.end() ? std::span<const double>() : std::span<const double>(found->second);
}

double At(std::span<const double> values, int64_t index) {
  return index < std::ssize(values) ? values[index] : kUnknownTime;
}

absl::StatusOr<const ViewTensor*> PictureView(const StoredClip& clip, View view) {
  const ViewTensor* tensor = clip.Find(view);
  if (tensor == nullptr || tensor->shape.empty() || tensor->shape[0] < 1) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, " has no frames in the view ",
                              ToString(view), "; prepare the chunk again");
  }
  const int64_t frames = tensor->shape[0];
  const int64_t side = tensor->shape.size() > 2 ? tensor->shape[2] : 0;
  const bool is_planar =
      tensor->yuv.has_value() && side % 2 == 0 && tensor->shape == Shape{frames, side * 3 / 2, side};
  const bool is_rgb = !tensor->yuv.has_value() && tensor->shape == Shape{frames, side, side, kChannels};
  if (tensor->type != ElementType::kU8 || (!is_planar && !is_rgb)) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, ": the view ", ToString(view),
                              " does not hold square pictures in colour");
  }
  return tensor;
}

// The bytes of one element of the first dimension.
absl::StatusOr<std::string_view> ElementOf(const StoredClip& clip, const ViewTensor& tensor, int64_t index) {
  if (index < 0 || index >= tensor.shape[0]) {
    return InvalidArgument("frame ", index, " of clip ", clip.info.name, ", which has ", tensor.shape[0]);
  }
  ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, VerifiedBytes(clip, tensor));
  const size_t size = bytes.size() / static_cast<size_t>(tensor.shape[0]);
  return bytes.substr(static_cast<size_t>(index) * size, size);
}

absl::Status AppendPicture(const StoredClip& clip, View view, int64_t frame, bool first, Pictures& pictures) {
  ICPT_ASSIGN_OR_RETURN(const int side, PictureSide(clip, view));
  if (first) {
    pictures.side = side;
  } else if (side != pictures.side) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, " is stored at ", side,
                              " pixels beside others at ", pictures.side,
                              "; prepare all chunks with one view_pixels");
  }
  const size_t filled = pictures.rgb.size();
  pictures.rgb.resize(filled + static_cast<size_t>(side) * side * kChannels);
  return CopyPicture(clip, view, frame, pictures.rgb.data() + filled);
}

// The first places of one frame of a view [frames, kPatchPlaces, side, side]: those that are compared.
absl::Status AppendPlaces(const StoredClip& clip, View view, int64_t frame, int side,
                          std::vector<uint8_t>& out) {
  const ViewTensor* tensor = clip.Find(view);
  if (tensor == nullptr || tensor->type != ElementType::kU8 ||
      tensor->shape != Shape{CountOf(clip, view), kPatchPlaces, side, side}) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, ": the view ", ToString(view),
                              " is missing or of another shape; prepare the chunk again");
  }
  ICPT_ASSIGN_OR_RETURN(const std::string_view places, ElementOf(clip, *tensor, frame));
  const std::string_view compared = places.substr(0, places.size() / kPatchPlaces * kComparedPlaces);
  out.insert(out.end(), compared.begin(), compared.end());
  return absl::OkStatus();
}

// Frames spread evenly over the clip, from the one at `position` on: what an operation left stands in all.
absl::Status AppendPatches(const StoredClip& clip, View view, std::span<const Moment> moments,
                           int64_t position, PatchPairs& patches) {
  const int side = view == View::kLumaPatches ? kPatchPixels : kPatchBlocks;
  std::vector<uint8_t>& out = view == View::kLumaPatches ? patches.luma : patches.quantisers;
  const auto count = std::ssize(moments);
  for (int64_t k = 0; k < kPatchFrames; ++k) {
    const int64_t at = (position + k * count / kPatchFrames) % count;
    ICPT_RETURN_IF_ERROR(AppendPlaces(clip, view, moments[at].index, side, out));
  }
  return absl::OkStatus();
}

// A whole element, whose shape is `shape`, as values of type T.
template <typename T>
absl::Status AppendElement(const StoredClip& clip, View view, int64_t index, const Shape& shape,
                           std::vector<T>& out) {
  const ViewTensor* tensor = clip.Find(view);
  Shape expected = shape;
  expected.insert(expected.begin(), CountOf(clip, view));
  const ElementType type = sizeof(T) == 1 ? ElementType::kU8 : ElementType::kF32;
  if (tensor == nullptr || tensor->type != type || tensor->shape != expected) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, ": the view ", ToString(view),
                              " is missing or of another shape; prepare the chunk again");
  }
  ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, ElementOf(clip, *tensor, index));
  const size_t filled = out.size();
  out.resize(filled + bytes.size() / sizeof(T));
  std::memcpy(out.data() + filled, bytes.data(), bytes.size());
  return absl::OkStatus();
}

// The luma planes of a burst's planar pictures.
absl::Status AppendBurst(const StoredClip& clip, int64_t index, Bursts& bursts) {
  std::vector<uint8_t> planar;
  ICPT_RETURN_IF_ERROR(
      AppendElement(clip, View::kBurst, index, {kBurstFrames, kBurstPixels * 3 / 2, kBurstPixels}, planar));
  const size_t picture = planar.size() / kBurstFrames;
  for (size_t frame = 0; frame < kBurstFrames; ++frame) {
    const auto begin = planar.begin() + static_cast<int64_t>(frame * picture);
    bursts.luma.insert(bursts.luma.end(), begin, begin + int64_t{kBurstPixels} * kBurstPixels);
  }
  return absl::OkStatus();
}

// Adds one sample's worth to a view that is no picture.
absl::Status AppendEvidence(const StoredClip& clip, View view, std::span<const Moment> moments,
                            int64_t position, SpecialistInput& input) {
  const int64_t index = moments[position].index;
  switch (view) {
    case View::kLumaPatches:
    case View::kCodecFacts:
      return AppendPatches(clip, view, moments, position, input.patches);
    case View::kMouthTrack:
      return AppendElement(clip, view, index, {kMouthFrames, kMouthPixels, kMouthPixels},
                           input.windows.mouth);
    case View::kLogMel:
      return AppendElement(clip, view, index, {kMelColumns, kMelBands}, input.windows.log_mel);
    case View::kBurst:
      return AppendBurst(clip, index, input.bursts);
    default:
      return Internal("no specialist looks at the view ", ToString(view));
  }
}

// The same of a clip that lacks the view.
void AppendNothing(View view, SpecialistInput& input) {
  const auto zeros = [](auto& values, size_t count) { values.resize(values.size() + count); };
  constexpr size_t kPlaces = size_t{kPatchFrames} * kComparedPlaces;
  if (view == View::kLumaPatches) zeros(input.patches.luma, kPlaces * kPatchPixels * kPatchPixels);
  if (view == View::kCodecFacts) {
    input.patches.quantisers.insert(input.patches.quantisers.end(), kPlaces * kPatchBlocks * kPatchBlocks,
                                    255);
  }
  if (view == View::kMouthTrack)
    zeros(input.windows.mouth, size_t{kMouthFrames} * kMouthPixels * kMouthPixels);
  if (view == View::kLogMel) zeros(input.windows.log_mel, size_t{kMelColumns} * kMelBands);
  if (view == View::kBurst) zeros(input.bursts.luma, size_t{kBurstFrames} * kBurstPixels * kBurstPixels);
}

// Whether the element shows what its view is for.
bool ShowsSomething(const StoredClip& clip, View view, int64_t index) {
  if (view == View::kLumaPatches) {
    const std::span<const double> places = SeriesOf(clip, "patch_places");
    const auto x_of = [&](int place) { return At(places, 2 * (index * kPatchPlaces + place)); };
    return x_of(0) >= 0 && x_of(1) >= 0;
  }
  if (view == View::kMouthTrack) {
    const std::span<const double> sides = SeriesOf(clip, "mouth_sides");
    int64_t shown = 0;
    for (int64_t i = 0; i < kMouthFrames; ++i)
      shown += At(sides, index * kMouthFrames + i) >= kMouthSideMin ? 1 : 0;
    return 4 * shown >= 3 * kMouthFrames;
  }
  return true;
}

double SecondsOf(const StoredClip& clip, View view, int64_t index) {
  switch (view) {
    case View::kFaceCrop:
      return At(clip.frame_seconds, index);
    case View::kMouthTrack:
      return At(SeriesOf(clip, "mouth_seconds"), index);
    case View::kBurst:
      return At(SeriesOf(clip, "burst_seconds"), index * kBurstFrames + kBurstFrames / 2);
    default:
      return At(SeriesOf(clip, "full_frame_seconds"), index);
  }
}

}  // namespace

std::vector<Moment> MomentsOf(const StoredClip& clip, View view) {
  std::vector<Moment> moments;
  for (int64_t i = 0; i < CountOf(clip, view); ++i) {
    if (ShowsSomething(clip, view, i)) moments.push_back({i, SecondsOf(clip, view, i)});
  }
  return moments;
}

int64_t NearestMoment(std::span<const Moment> moments, double seconds) {
  int64_t best = -1;
  for (int64_t i = 0; i < std::ssize(moments); ++i) {
    const double distance = std::abs(moments[i].seconds - seconds);
    if (std::isnan(distance)) continue;
    if (best < 0 || distance < std::abs(moments[best].seconds - seconds)) best = i;
  }
  return best;
}

absl::StatusOr<int> PictureSide(const StoredClip& clip, View view) {
  ICPT_ASSIGN_OR_RETURN(const ViewTensor* tensor, PictureView(clip, view));
  return static_cast<int>(tensor->shape[2]);
}

absl::Status CopyPicture(const StoredClip& clip, View view, int64_t frame, uint8_t* rgb) {
  ICPT_ASSIGN_OR_RETURN(const ViewTensor* tensor, PictureView(clip, view));
  ICPT_ASSIGN_OR_RETURN(const std::string_view picture, ElementOf(clip, *tensor, frame));
  if (tensor->yuv.has_value()) {
    RgbFromPlanar(picture, static_cast<int>(tensor->shape[2]), *tensor->yuv, rgb);
  } else {
    std::memcpy(rgb, picture.data(), picture.size());
  }
  return absl::OkStatus();
}

absl::Status AppendSample(const StoredClip& clip, std::span<const View> views, int64_t position,
                          SpecialistInput& input) {
  const std::vector<Moment> moments = MomentsOf(clip, views.front());
  const bool usable = !moments.empty() || IsPicture(views.front());
  const bool first = input.count == 0;
  for (const View view : views) {
    if (!IsPicture(view)) {
      if (moments.empty()) {
        AppendNothing(view, input);
      } else {
        ICPT_RETURN_IF_ERROR(AppendEvidence(clip, view, moments, position, input));
      }
      continue;
    }
    int64_t frame = moments.empty() ? 0 : moments[position].index;
    if (view != views.front() && !moments.empty()) {
      frame = std::max(int64_t{0}, NearestMoment(MomentsOf(clip, view), moments[position].seconds));
    }
    Pictures& pictures = view == View::kFaceCrop ? input.face_crop : input.full_frame;
    ICPT_RETURN_IF_ERROR(AppendPicture(clip, view, frame, first, pictures));
  }
  ++input.count;
  input.usable.push_back(usable ? 1 : 0);
  return absl::OkStatus();
}

SpecialistInput SelectSamples(const SpecialistInput& input, std::span<const size_t> places) {
  SpecialistInput out = {.count = static_cast<int>(places.size())};
  out.face_crop.side = input.face_crop.side;
  out.full_frame.side = input.full_frame.side;
  const auto select = [&](const auto& from, auto& to) {
    const size_t size = from.size() / static_cast<size_t>(input.count);
    to.reserve(size * places.size());
    for (const size_t place : places) {
      const auto begin = from.begin() + static_cast<int64_t>(place * size);
      to.insert(to.end(), begin, begin + static_cast<int64_t>(size));
    }
  };
  select(input.usable, out.usable);
  select(input.face_crop.rgb, out.face_crop.rgb);
  select(input.full_frame.rgb, out.full_frame.rgb);
  select(input.patches.luma, out.patches.luma);
  select(input.patches.quantisers, out.patches.quantisers);
  select(input.windows.mouth, out.windows.mouth);
  select(input.windows.log_mel, out.windows.log_mel);
  select(input.bursts.luma, out.bursts.luma);
  return out;
}

std::vector<int64_t> EvenlySpaced(int64_t moments, int count) {
  std::vector<int64_t> chosen;
  const int64_t taken = std::min<int64_t>(moments, count);
  for (int64_t i = 0; i < taken; ++i) chosen.push_back((2 * i + 1) * moments / (2 * taken));
  return chosen;
}

}  // namespace interceptor::worker
