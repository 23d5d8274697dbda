#include "worker/store/loader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

constexpr size_t kBatchesAhead = 2;  // per thread

// Room for `samples` of the size of the first, so that a batch is not copied while it grows.
void ReserveRest(SpecialistInput& input, size_t samples) {
  for (std::vector<uint8_t>* bytes :
       {&input.face_crop.rgb, &input.full_frame.rgb, &input.patches.luma, &input.patches.quantisers}) {
    bytes->reserve(bytes->size() * samples);
  }
}

struct ChosenMoment {
  const StoredClip* clip = nullptr;
  int64_t position = 0;  // in MomentsOf the first view
  double seconds = 0;
};

ChosenMoment Choose(const LoaderInput& input, const SampleBatch& batch, size_t place) {
  const Sample& sample = batch.samples[place];
  const StoredClip* clip = (sample.replay ? input.replay : input.base)[sample.clip];
  const std::vector<Moment> moments = MomentsOf(*clip, input.views.front());
  if (moments.empty()) return {clip, 0, 0};
  const auto count = std::ssize(moments);
  auto position = std::min(static_cast<int64_t>(sample.moment * static_cast<double>(count)), count - 1);
  if (sample.same_time_as >= 0) {
    const int64_t nearest = NearestMoment(moments, Choose(input, batch, sample.same_time_as).seconds);
    if (nearest >= 0) position = nearest;
  }
  return {clip, position, moments[position].seconds};
}

absl::StatusOr<FrameBatch> Fill(const LoaderInput& input, int64_t index) {
  const SampleBatch& plan = input.batches[index];
  FrameBatch batch;
  batch.index = index;
  batch.samples = plan.samples;
  for (size_t place = 0; place < plan.samples.size(); ++place) {
    const ChosenMoment chosen = Choose(input, plan, place);
    ICPT_RETURN_IF_ERROR(AppendSample(*chosen.clip, input.views, chosen.position, batch.input));
    if (place == 0) ReserveRest(batch.input, plan.samples.size());
    batch.is_fake.push_back(chosen.clip->info.label == Label::kFake ? 1 : 0);
  }
  return batch;
}

}  // namespace

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
