#include "worker/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "worker/sampling/curriculum.h"

namespace interceptor::worker {
namespace {

using Clips = std::vector<uint32_t>;

RandomKey Key(const SamplerInput& input, std::string_view purpose,
              std::initializer_list<uint64_t> more = {}) {
  const RandomKey epoch =
      MakeRandomKey(input.seed, purpose,
                    {static_cast<uint64_t>(input.specialist), static_cast<uint64_t>(input.chunk),
                     static_cast<uint64_t>(input.epoch)});
  return MakeRandomKey(epoch.value, purpose, more);
}

Clips OfClass(std::span<const ClipInfo> clips, Label label) {
  Clips result;
  for (uint32_t i = 0; i < clips.size(); ++i) {
    if (clips[i].label == label) result.push_back(i);
  }
  return result;
}

// Hands out the smaller class: always one of the least used so far, ties broken by a random rank.
class EvenCycle {
 public:
  EvenCycle(const SamplerInput& input, const Clips& clips) {
    const std::vector<uint32_t> ranks =
        RandomPermutation(Key(input, "partner"), static_cast<uint32_t>(clips.size()));
    for (size_t i = 0; i < clips.size(); ++i) {
      rank_[clips[i]] = ranks[i];
      queue_.insert({0, ranks[i], clips[i]});
      by_family_[input.base[clips[i]].family].push_back(clips[i]);
    }
  }

  uint32_t TakeLeastUsed() { return Use(std::get<2>(*queue_.begin())); }

  // The least used of one family; nothing when the family has none.
  std::optional<uint32_t> TakeOfFamily(const std::string& family) {
    const auto found = by_family_.find(family);
    if (found == by_family_.end()) return std::nullopt;
    const Clips& own = found->second;
    return Use(*std::ranges::min_element(
        own, {}, [this](uint32_t clip) { return std::pair(uses_[clip], rank_[clip]); }));
  }

 private:
  uint32_t Use(uint32_t clip) {
    queue_.erase({uses_[clip], rank_[clip], clip});
    queue_.insert({++uses_[clip], rank_[clip], clip});
    return clip;
  }

  std::map<uint32_t, int> uses_;
  std::map<uint32_t, uint32_t> rank_;
  std::set<std::tuple<int, uint32_t, uint32_t>> queue_;
  std::map<std::string, Clips> by_family_;
};

// The kept training families of earlier chunks, as a tree to draw from: chunk, then family, then clip.
class ReplayPool {
 public:
  explicit ReplayPool(std::span<const ClipInfo> clips) {
    std::map<std::string, std::map<std::string, Family>> chunks;
    for (uint32_t i = 0; i < clips.size(); ++i) {
      Family& family = chunks[clips[i].chunk][clips[i].family];
      (clips[i].label == Label::kReal ? family.reals : family.fakes).push_back(i);
    }
    for (auto& [name, families] : chunks) {
      Chunk chunk;
      for (auto& [family_name, family] : families) {
        if (!family.fakes.empty()) chunk.with_fakes.push_back(family);
        if (!family.reals.empty()) chunk.with_reals.push_back(family);
      }
      // A chunk that kept one class only cannot give pairs.
      if (!chunk.with_fakes.empty() && !chunk.with_reals.empty()) chunks_.push_back(std::move(chunk));
    }
  }

  bool empty() const { return chunks_.empty(); }

  struct Pair {
    uint32_t fake = 0;
    uint32_t real = 0;
    bool same_family = false;
  };

  Pair Draw(RandomKey key, bool paired) const {
    const Family& family = Pick(Pick(chunks_, key, 0).with_fakes, key, 1);
    const uint32_t fake = Pick(family.fakes, key, 2);
    if (paired && !family.reals.empty()) return {fake, Pick(family.reals, key, 3), true};
    return {fake, Pick(Pick(Pick(chunks_, key, 4).with_reals, key, 5).reals, key, 6), false};
  }

 private:
  struct Family {
    Clips reals;
    Clips fakes;
  };
  struct Chunk {
    std::vector<Family> with_fakes;
    std::vector<Family> with_reals;
  };

  template <typename T>
  static const T& Pick(const std::vector<T>& from, RandomKey key, uint64_t counter) {
    return from[RandomIndex(key, counter, from.size())];
  }

  std::vector<Chunk> chunks_;
};

// How many pairs of one part of the extra stream are due when so much of the base stream has been shown.
class Due {
 public:
  Due(double share, double extra_share) : per_base_(share / (1.0 - extra_share)) {}

  int64_t Take(int64_t base_shown, int64_t room) {
    const auto due = static_cast<int64_t>(std::floor(per_base_ * static_cast<double>(base_shown) + 1e-9));
    const int64_t pairs = std::clamp(due - taken_, int64_t{0}, room);
    taken_ += pairs;
    return pairs;
  }

 private:
  double per_base_ = 0;
  int64_t taken_ = 0;
};

struct Shape {
  int64_t base_pairs_max = 1;  // in one batch
  int64_t batches = 1;
};

Shape EpochShape(int64_t larger, int batch_size, double extra_share) {
  const int64_t pairs = std::max(1, batch_size / 2);
  Shape shape;
  shape.base_pairs_max = std::max(
      int64_t{1}, static_cast<int64_t>(std::floor(static_cast<double>(pairs) * (1.0 - extra_share) + 1e-9)));
  shape.batches = (larger + shape.base_pairs_max - 1) / shape.base_pairs_max;
  return shape;
}

void CheckNothingHeldOut(std::span<const ClipInfo> clips, int held_out_fold) {
  for (const ClipInfo& clip : clips) {
    ICPT_CHECK(clip.fold != held_out_fold)
        << "clip " << clip.chunk << "/" << clip.name << " is held out and must not be trained on";
  }
}

// `place` in [0, 1) of the part of the clip that is its turn.
double MomentInTurn(const SamplerInput& input, const Sample& sample, double place) {
  if (sample.replay || input.passes <= 1) return place;
  const RandomKey turns = MakeRandomKey(
      input.seed, "turns",
      {static_cast<uint64_t>(input.specialist), static_cast<uint64_t>(input.chunk), sample.clip});
  const auto parts = static_cast<uint32_t>(input.passes);
  const uint32_t part = RandomPermutation(turns, parts)[static_cast<uint32_t>(input.epoch) % parts];
  return (part + place) / parts;
}

// Appends two samples; the second follows the first's time and augmentation when `together`.
void AddPair(const SamplerInput& input, SampleBatch& batch, Sample first, Sample second, bool together,
             uint64_t batch_index) {
  const uint64_t place = batch.samples.size();
  const RandomKey moments = Key(input, "moment", {batch_index, place});
  first.moment = MomentInTurn(input, first, RandomUniform(moments, 0));
  first.augmentation = Key(input, "augmentation", {batch_index, place});
  second.moment = RandomUniform(moments, 1);
  second.augmentation = Key(input, "augmentation", {batch_index, place + 1});
  if (together) {
    second.moment = first.moment;
    second.same_time_as = static_cast<int>(place);
    second.augmentation = first.augmentation;
  }
  batch.samples.push_back(first);
  batch.samples.push_back(second);
}

// The extra stream: fills up each batch behind its base pairs.
class ExtraStream {
 public:
  ExtraStream(const SamplerInput& input, const ExtraShares& shares)
      : input_(input), replay_(input.replay), replay_due_(shares.replay, shares.all) {
    for (const Boost& boost : input.boosts) boosts_due_.emplace_back(boost.share, shares.all);
  }

  // `base_shown`: clips of the larger class so far, those of this batch included.
  void Fill(SampleBatch& batch, int64_t batch_index, int64_t base_shown) {
    const auto b = static_cast<uint64_t>(batch_index);
    const auto room = [&] {
      return std::max(int64_t{0}, (input_.batch_size - std::ssize(batch.samples)) / 2);
    };
    for (size_t i = 0; i < boosts_due_.size(); ++i) {
      const Boost& boost = input_.boosts[i];
      const int64_t pairs = boosts_due_[i].Take(base_shown, room());
      for (int64_t k = 0; k < pairs; ++k) {
        const RandomKey key = Key(input_, "boost", {b, i, static_cast<uint64_t>(k)});
        const PoolClip clip = boost.clips[RandomIndex(key, 0, boost.clips.size())];
        const PoolClip partner = boost.partners[RandomIndex(key, 1, boost.partners.size())];
        AddPair(input_, batch, {.replay = clip.replay, .clip = clip.clip},
                {.replay = partner.replay, .clip = partner.clip}, false, b);
      }
    }
    if (replay_.empty()) return;
    const int64_t pairs = replay_due_.Take(base_shown, room());
    for (int64_t k = 0; k < pairs; ++k) {
      const auto pair = replay_.Draw(Key(input_, "replay", {b, static_cast<uint64_t>(k)}), batch.paired);
      AddPair(input_, batch, {.replay = true, .clip = pair.fake}, {.replay = true, .clip = pair.real},
              pair.same_family, b);
    }
  }

 private:
  const SamplerInput& input_;
  const ReplayPool replay_;
  Due replay_due_;
  std::vector<Due> boosts_due_;
};

}  // namespace

std::vector<float> SampleWeights(std::span<const Sample> samples, std::span<const float> clip_weights) {
  if (clip_weights.empty()) return {};
  std::vector<float> weights;
  for (const Sample& sample : samples) weights.push_back(sample.replay ? 1.0f : clip_weights[sample.clip]);
  return weights;
}

ExtraShares ShareExtra(double replay_share, double boost_share) {
  const double all = std::min(std::max(replay_share, kExtraShareMax), replay_share + boost_share);
  return {.replay = all - boost_share, .all = all};
}

int64_t BatchesPerEpoch(int64_t reals, int64_t fakes, int batch_size, double extra_share) {
  return EpochShape(std::max(reals, fakes), batch_size, extra_share).batches;
}

absl::StatusOr<std::vector<SampleBatch>> PlanEpoch(const SamplerInput& input) {
  CheckNothingHeldOut(input.base, input.held_out_fold);
  CheckNothingHeldOut(input.replay, input.held_out_fold);
  const Clips reals = OfClass(input.base, Label::kReal);
  const Clips fakes = OfClass(input.base, Label::kFake);
  if (reals.empty() || fakes.empty()) {
    return FailedPrecondition("chunk ", input.chunk, " has ", reals.size(), " real and ", fakes.size(),
                              " fake training clips; both classes are needed");
  }
  const Clips& larger = reals.size() > fakes.size() ? reals : fakes;
  EvenCycle smaller(input, reals.size() > fakes.size() ? fakes : reals);

  Clips order;
  for (const uint32_t i : RandomPermutation(Key(input, "order"), static_cast<uint32_t>(larger.size()))) {
    order.push_back(larger[i]);
  }
  if (input.epoch == 0) order = EasiestFirst(order, input.losses, input.pace);

  const auto count = static_cast<int64_t>(order.size());
  double boost_share = 0;
  for (const Boost& boost : input.boosts) boost_share += boost.share;
  const ExtraShares shares = ShareExtra(input.replay_share, boost_share);
  const Shape shape = EpochShape(count, input.batch_size, shares.all);
  ExtraStream extra(input, shares);
  std::vector<SampleBatch> batches(shape.batches);
  for (int64_t b = 0; b < shape.batches; ++b) {
    SampleBatch& batch = batches[b];
    batch.paired = (b + input.epoch) % 2 == 0;
    const int64_t begin = count * b / shape.batches;
    const int64_t end = count * (b + 1) / shape.batches;
    for (int64_t i = begin; i < end; ++i) {
      std::optional<uint32_t> own;
      if (batch.paired) own = smaller.TakeOfFamily(input.base[order[i]].family);
      const uint32_t partner = own.has_value() ? *own : smaller.TakeLeastUsed();
      AddPair(input, batch, {.clip = order[i]}, {.clip = partner}, own.has_value(), b);
    }
    extra.Fill(batch, b, end);
  }
  return batches;
}

}  // namespace interceptor::worker
