#include "worker/store/loader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr size_t kBatchesAhead = 2;  // per thread
constexpr int64_t kChannels = 3;

absl::StatusOr<const ViewTensor*> PictureView(const StoredClip& clip, View view) {
  const ViewTensor* tensor = clip.Find(view);
  if (tensor == nullptr || tensor->shape.empty() || tensor->shape[0] < 1) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, " has no frames in the view ",
                              ToString(view), "; prepare the chunk again");
  }
  const int64_t frames = tensor->shape[0];
  const int64_t side = tensor->shape.size() > 2 ? tensor->shape[2] : 0;
  using Shape = std::vector<int64_t>;
  const bool is_planar =
      tensor->yuv.has_value() && side % 2 == 0 && tensor->shape == Shape{frames, side * 3 / 2, side};
  const bool is_rgb = !tensor->yuv.has_value() && tensor->shape == Shape{frames, side, side, kChannels};
  if (tensor->type != ElementType::kU8 || (!is_planar && !is_rgb)) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, ": the view ", ToString(view),
                              " does not hold square pictures in colour");
  }
  return tensor;
}

// The frame whose time is nearest to `wanted`; the earlier one of two equally near.
int64_t FrameAt(const std::vector<double>& seconds, int64_t frames, double wanted) {
  const auto known = std::min<int64_t>(frames, static_cast<int64_t>(seconds.size()));
  int64_t best = 0;
  for (int64_t i = 1; i < known; ++i) {
    if (std::abs(seconds[i] - wanted) < std::abs(seconds[best] - wanted)) best = i;
  }
  return best;
}

struct ChosenFrame {
  const StoredClip* clip = nullptr;
  int64_t frame = 0;
};

ChosenFrame Choose(const LoaderInput& input, const SampleBatch& batch, size_t place) {
  const Sample& sample = batch.samples[place];
  const StoredClip* clip = (sample.replay ? input.replay : input.base)[sample.clip];
  const int64_t frames = FrameCount(*clip, View::kFaceCrop);
  const auto drawn = std::min(static_cast<int64_t>(sample.moment * static_cast<double>(frames)), frames - 1);
  if (sample.same_time_as < 0) return {clip, drawn};
  const ChosenFrame other = Choose(input, batch, sample.same_time_as);
  const std::vector<double>& seconds = clip->frame_seconds;
  const std::vector<double>& other_seconds = other.clip->frame_seconds;
  if (other.frame < 0 || other.frame >= static_cast<int64_t>(other_seconds.size()) || seconds.empty()) {
    return {clip, drawn};
  }
  return {clip, FrameAt(seconds, frames, other_seconds[other.frame])};
}

absl::StatusOr<FrameBatch> Fill(const LoaderInput& input, int64_t index) {
  const SampleBatch& plan = input.batches[index];
  FrameBatch batch;
  batch.index = index;
  batch.samples = plan.samples;
  for (size_t place = 0; place < plan.samples.size(); ++place) {
    const ChosenFrame chosen = Choose(input, plan, place);
    ICPT_RETURN_IF_ERROR(AppendSample(*chosen.clip, chosen.frame, batch.input));
    std::vector<uint8_t>& rgb = batch.input.face_crop.rgb;
    if (place == 0) rgb.reserve(rgb.size() * plan.samples.size());
    batch.is_fake.push_back(chosen.clip->info.label == Label::kFake ? 1 : 0);
  }
  return batch;
}

}  // namespace

int64_t FrameCount(const StoredClip& clip, View view) {
  const ViewTensor* tensor = clip.Find(view);
  return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape[0];
}

absl::StatusOr<int> PictureSide(const StoredClip& clip, View view) {
  ICPT_ASSIGN_OR_RETURN(const ViewTensor* tensor, PictureView(clip, view));
  return static_cast<int>(tensor->shape[2]);
}

absl::Status CopyPicture(const StoredClip& clip, View view, int64_t frame, uint8_t* rgb) {
  ICPT_ASSIGN_OR_RETURN(const ViewTensor* tensor, PictureView(clip, view));
  if (frame < 0 || frame >= tensor->shape[0]) {
    return InvalidArgument("frame ", frame, " of clip ", clip.info.name, ", which has ", tensor->shape[0]);
  }
  ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, VerifiedBytes(clip, *tensor));
  const size_t picture_bytes = bytes.size() / static_cast<size_t>(tensor->shape[0]);
  const std::string_view picture = bytes.substr(static_cast<size_t>(frame) * picture_bytes, picture_bytes);
  if (tensor->yuv.has_value()) {
    RgbFromPlanar(picture, static_cast<int>(tensor->shape[2]), *tensor->yuv, rgb);
  } else {
    std::memcpy(rgb, picture.data(), picture.size());
  }
  return absl::OkStatus();
}

absl::Status AppendSample(const StoredClip& clip, int64_t frame, SpecialistInput& input) {
  ICPT_ASSIGN_OR_RETURN(const int side, PictureSide(clip, View::kFaceCrop));
  Pictures& pictures = input.face_crop;
  if (input.count == 0) {
    pictures.side = side;
  } else if (side != pictures.side) {
    return FailedPrecondition("clip ", clip.info.chunk, "/", clip.info.name, " is stored at ", side,
                              " pixels beside others at ", pictures.side,
                              "; prepare all chunks with one view_pixels");
  }
  ++input.count;
  const size_t filled = pictures.rgb.size();
  pictures.rgb.resize(filled + static_cast<size_t>(side) * side * kChannels);
  return CopyPicture(clip, View::kFaceCrop, frame, pictures.rgb.data() + filled);
}

std::vector<int64_t> EvenlySpaced(int64_t frames, int count) {
  std::vector<int64_t> chosen;
  const int64_t taken = std::min<int64_t>(frames, count);
  for (int64_t i = 0; i < taken; ++i) chosen.push_back((2 * i + 1) * frames / (2 * taken));
  return chosen;
}

Loader::Loader(LoaderInput input) : input_(std::move(input)), next_(input_.first_batch) {
  const int threads = std::max(1, input_.threads);
  for (int t = 0; t < threads; ++t) queues_.push_back(std::make_unique<Queue>(kBatchesAhead));
  for (int t = 0; t < threads; ++t) {
    workers_.emplace_back([this, t, threads] {
      for (int64_t index = input_.first_batch + t; index < std::ssize(input_.batches); index += threads) {
        if (!queues_[t]->Push(Fill(input_, index))) return;
      }
    });
  }
}

Loader::~Loader() {
  for (auto& queue : queues_) queue->Close();
  for (std::thread& worker : workers_) worker.join();
}

absl::StatusOr<FrameBatch> Loader::Next() {
  if (next_ >= std::ssize(input_.batches)) return absl::OutOfRangeError("no batch is left");
  const auto turn = static_cast<size_t>(next_++ - input_.first_batch) % queues_.size();
  const MonotonicTime begin = SystemClock().Now();
  std::optional<absl::StatusOr<FrameBatch>> batch = queues_[turn]->Pop();
  waited_ += SystemClock().Now() - begin;
  if (!batch.has_value()) return Internal("the loader was closed while it was read");
  return *std::move(batch);
}

}  // namespace interceptor::worker
