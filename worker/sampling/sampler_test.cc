// Properties of the sampler over many random class ratios, rather than one worked example.
#include "worker/sampling/sampler.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {
namespace {

constexpr int kFolds = 5;

// Families of one real and some fakes; sometimes the real or all the fakes are missing (quarantined).
std::vector<ClipInfo> DrawClips(const std::string& chunk, RandomKey key, int held_out_fold) {
  std::vector<ClipInfo> clips;
  const uint64_t families = 3 + RandomIndex(key, 0, 40);
  const uint64_t fakes_max = 1 + RandomIndex(key, 1, 6);
  for (uint64_t f = 0; f < families; ++f) {
    const std::string name = Cat(chunk, "/real", f, ".mp4");
    const int fold = FoldOf(name, kFolds);
    if (fold == held_out_fold) continue;
    if (RandomUniform(key, 100 + f) > 0.1) {
      clips.push_back({chunk, Cat("real", f, ".mp4"), name, Label::kReal, fold});
    }
    const uint64_t fakes = RandomIndex(key, 200 + f, fakes_max + 1);
    for (uint64_t i = 0; i < fakes; ++i) {
      clips.push_back({chunk, Cat("fake", f, "-", i, ".mp4"), name, Label::kFake, fold});
    }
  }
  return clips;
}

int64_t Count(const std::vector<ClipInfo>& clips, Label label) {
  return std::count_if(clips.begin(), clips.end(), [&](const ClipInfo& c) { return c.label == label; });
}

struct Case {
  std::vector<ClipInfo> base;
  std::vector<ClipInfo> replay;
  SamplerInput input;
};

Case DrawCase(uint64_t seed) {
  const RandomKey key = MakeRandomKey(seed, "sampler test");
  Case drawn;
  drawn.base = DrawClips("03", MakeRandomKey(seed, "base"), 0);
  for (const char* chunk : {"00", "01", "02"}) {
    for (ClipInfo& clip : DrawClips(chunk, MakeRandomKey(seed, chunk), 0)) drawn.replay.push_back(clip);
  }
  drawn.input = {.held_out_fold = 0,
                 .batch_size = static_cast<int>(2 + 2 * RandomIndex(key, 0, 32)),
                 .replay_share = 0.5 * RandomUniform(key, 1),
                 .specialist = kAllSpecialists[seed % 6],
                 .seed = seed,
                 .chunk = 3,
                 .epoch = static_cast<int>(seed % 4)};
  drawn.input.base = drawn.base;
  drawn.input.replay = drawn.replay;
  return drawn;
}

const ClipInfo& ClipOf(const Case& drawn, const Sample& sample) {
  return sample.replay ? drawn.replay[sample.clip] : drawn.base[sample.clip];
}

bool SameBatches(const std::vector<SampleBatch>& a, const std::vector<SampleBatch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SampleBatch& x, const SampleBatch& y) {
    return std::equal(x.samples.begin(), x.samples.end(), y.samples.begin(), y.samples.end(),
                      [](const Sample& s, const Sample& t) {
                        return s.replay == t.replay && s.clip == t.clip && s.moment == t.moment &&
                               s.same_time_as == t.same_time_as &&
                               s.augmentation.value == t.augmentation.value;
                      });
  });
}

CATCH_TEST_CASE("the larger class comes exactly once an epoch and every batch is half real, half fake") {
  int planned = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Case drawn = DrawCase(seed);
    const auto batches = PlanEpoch(drawn.input);
    const int64_t reals = Count(drawn.base, Label::kReal);
    const int64_t fakes = Count(drawn.base, Label::kFake);
    CATCH_REQUIRE(batches.ok() == (reals > 0 && fakes > 0));
    if (!batches.ok()) continue;
    ++planned;
    CATCH_CHECK(static_cast<int64_t>(batches->size()) ==
                BatchesPerEpoch(reals, fakes, drawn.input.batch_size, drawn.input.replay_share));
    const Label larger = reals > fakes ? Label::kReal : Label::kFake;
    std::map<uint32_t, int> uses;
    int64_t replayed = 0;
    int64_t positions = 0;
    for (const SampleBatch& batch : *batches) {
      CATCH_REQUIRE(batch.samples.size() % 2 == 0);
      CATCH_CHECK(static_cast<int>(batch.samples.size()) <= std::max(2, drawn.input.batch_size));
      for (size_t i = 0; i < batch.samples.size(); i += 2) {
        const Sample& first = batch.samples[i];
        const Sample& second = batch.samples[i + 1];
        CATCH_REQUIRE(ClipOf(drawn, first).label != ClipOf(drawn, second).label);
        CATCH_REQUIRE(first.replay == second.replay);
        positions += 2;
        if (first.replay) {
          replayed += 2;
        } else if (ClipOf(drawn, first).label == larger) {
          ++uses[first.clip];
        }
        if (second.same_time_as >= 0) {
          CATCH_CHECK(batch.paired);
          CATCH_CHECK(second.same_time_as == static_cast<int>(i));
          CATCH_CHECK(ClipOf(drawn, first).family == ClipOf(drawn, second).family);
          CATCH_CHECK(first.augmentation.value == second.augmentation.value);
        }
      }
    }
    CATCH_CHECK(static_cast<int64_t>(uses.size()) == std::max(reals, fakes));
    for (const auto& [clip, count] : uses) CATCH_CHECK(count == 1);
    CATCH_CHECK(2 * replayed <= positions);
  }
  CATCH_CHECK(planned > 250);
}

CATCH_TEST_CASE("the smaller class is cycled evenly") {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Case drawn = DrawCase(seed);
    // Each clip a family of its own: no partner is forced, so uses may differ by one at most.
    for (size_t i = 0; i < drawn.base.size(); ++i) drawn.base[i].family = Cat("03/", i);
    const auto batches = PlanEpoch(drawn.input);
    if (!batches.ok()) continue;
    const Label smaller =
        Count(drawn.base, Label::kReal) > Count(drawn.base, Label::kFake) ? Label::kFake : Label::kReal;
    std::map<uint32_t, int> uses;
    for (uint32_t i = 0; i < drawn.base.size(); ++i) {
      if (drawn.base[i].label == smaller) uses[i] = 0;
    }
    for (const SampleBatch& batch : *batches) {
      for (const Sample& sample : batch.samples) {
        if (!sample.replay && drawn.base[sample.clip].label == smaller) ++uses[sample.clip];
      }
    }
    const auto [least, most] = std::minmax_element(
        uses.begin(), uses.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    CATCH_CHECK(most->second - least->second <= 1);
  }
}

CATCH_TEST_CASE("in every second batch a fake sits beside its own original") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Case drawn = DrawCase(seed);
    const auto batches = PlanEpoch(drawn.input);
    if (!batches.ok()) continue;
    std::set<std::string> with_real;
    for (const ClipInfo& clip : drawn.base) {
      if (clip.label == Label::kReal) with_real.insert(clip.family);
    }
    const bool fakes_lead = Count(drawn.base, Label::kFake) >= Count(drawn.base, Label::kReal);
    for (size_t b = 0; b < batches->size(); ++b) {
      const SampleBatch& batch = (*batches)[b];
      CATCH_CHECK(batch.paired == ((b + drawn.input.epoch) % 2 == 0));
      if (!batch.paired || !fakes_lead) continue;
      for (size_t i = 0; i < batch.samples.size(); i += 2) {
        if (batch.samples[i].replay) continue;
        const bool has_original = with_real.contains(drawn.base[batch.samples[i].clip].family);
        CATCH_CHECK((batch.samples[i + 1].same_time_as >= 0) == has_original);
      }
    }
  }
}

CATCH_TEST_CASE("a plan is a function of its input, and epochs, chunks, seeds and specialists differ") {
  const Case drawn = DrawCase(7);
  const auto plan = *PlanEpoch(drawn.input);
  CATCH_CHECK(SameBatches(plan, *PlanEpoch(drawn.input)));
  SamplerInput other = drawn.input;
  other.epoch += 2;
  CATCH_CHECK_FALSE(SameBatches(plan, *PlanEpoch(other)));
  other = drawn.input;
  other.chunk += 1;
  CATCH_CHECK_FALSE(SameBatches(plan, *PlanEpoch(other)));
  other = drawn.input;
  other.seed += 1;
  CATCH_CHECK_FALSE(SameBatches(plan, *PlanEpoch(other)));
  other = drawn.input;
  other.specialist = SpecialistName::kTM;
  CATCH_CHECK_FALSE(SameBatches(plan, *PlanEpoch(other)));
}

CATCH_TEST_CASE("replay draws every earlier chunk alike") {
  std::map<std::string, int> by_chunk;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Case drawn = DrawCase(11);
    drawn.input.seed = seed;
    drawn.input.batch_size = 32;
    drawn.input.replay_share = 0.5;
    const auto batches = *PlanEpoch(drawn.input);
    for (const SampleBatch& batch : batches) {
      for (size_t i = 0; i < batch.samples.size(); i += 2) {
        if (batch.samples[i].replay) ++by_chunk[drawn.replay[batch.samples[i].clip].chunk];
      }
    }
  }
  CATCH_REQUIRE(by_chunk.size() == 3);
  const int total = by_chunk["00"] + by_chunk["01"] + by_chunk["02"];
  for (const auto& [chunk, count] : by_chunk) CATCH_CHECK(std::abs(count - total / 3) < total / 20);
}

CATCH_TEST_CASE("the first epoch takes the easiest clips first when the pace says so") {
  Case drawn = DrawCase(5);
  std::vector<float> losses(drawn.base.size());
  for (size_t i = 0; i < losses.size(); ++i) losses[i] = static_cast<float>(i);
  drawn.input.losses = losses;
  drawn.input.pace = 0.5;
  drawn.input.epoch = 0;
  drawn.input.batch_size = 2;
  drawn.input.replay_share = 0;
  const auto batches = *PlanEpoch(drawn.input);
  float easy_max = -1;
  float hard_min = std::numeric_limits<float>::infinity();
  for (size_t b = 0; b < batches.size(); ++b) {
    const float loss = losses[batches[b].samples[0].clip];
    if (2 * b < batches.size()) {
      easy_max = std::max(easy_max, loss);
    } else {
      hard_min = std::min(hard_min, loss);
    }
  }
  CATCH_CHECK(easy_max < hard_min);
}

CATCH_TEST_CASE("one class alone cannot be trained on") {
  std::vector<ClipInfo> reals = {{"00", "a.mp4", "00/a.mp4", Label::kReal, 1}};
  SamplerInput input;
  input.base = reals;
  const auto batches = PlanEpoch(input);
  CATCH_REQUIRE(batches.status().code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(batches.status()).find("0 fake") != std::string::npos);
}

CATCH_TEST_CASE("a held-out clip in the training stream ends the program") {
  std::vector<ClipInfo> clips = {{"00", "a.mp4", "00/a.mp4", Label::kReal, 0},
                                 {"00", "b.mp4", "00/a.mp4", Label::kFake, 0}};
  SamplerInput input;
  input.base = clips;
  input.held_out_fold = 0;
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    PlanEpoch(input).status().IgnoreError();
    _exit(0);
  }
  int outcome = 0;
  CATCH_REQUIRE(waitpid(child, &outcome, 0) == child);
  CATCH_REQUIRE(WIFSIGNALED(outcome));
  CATCH_CHECK(WTERMSIG(outcome) == SIGABRT);
}

// The clips of a class whose index is even, or odd.
std::vector<PoolClip> HalfOfClass(const Case& drawn, Label label, bool even) {
  std::vector<PoolClip> clips;
  for (const bool replay : {false, true}) {
    const std::vector<ClipInfo>& infos = replay ? drawn.replay : drawn.base;
    for (uint32_t i = 0; i < infos.size(); ++i) {
      if (infos[i].label == label && (i % 2 == 0) == even) clips.push_back({replay, i});
    }
  }
  return clips;
}

bool Contains(const std::vector<PoolClip>& clips, const Sample& sample) {
  return std::ranges::any_of(
      clips, [&](const PoolClip& clip) { return clip.replay == sample.replay && clip.clip == sample.clip; });
}

CATCH_TEST_CASE(
    "boosts show their clips beside their partners in their share of positions; replay gives way, the base "
    "never") {
  for (const double replay_share : {0.0, 0.2, 0.5}) {
    Case drawn = DrawCase(7);
    const std::vector<Boost> boosts = {{.share = 0.15,
                                        .clips = HalfOfClass(drawn, Label::kReal, true),
                                        .partners = HalfOfClass(drawn, Label::kFake, false)},
                                       {.share = 0.1,
                                        .clips = HalfOfClass(drawn, Label::kFake, true),
                                        .partners = HalfOfClass(drawn, Label::kReal, false)}};
    drawn.input.batch_size = 40;
    drawn.input.replay_share = replay_share;
    drawn.input.boosts = boosts;
    const int64_t reals = Count(drawn.base, Label::kReal);
    const int64_t fakes = Count(drawn.base, Label::kFake);
    const int64_t larger = std::max(reals, fakes);
    const ExtraShares shares = ShareExtra(replay_share, 0.25);
    CATCH_CHECK(shares.all == std::min(0.5, replay_share + 0.25));
    int64_t positions = 0;
    int64_t boosted = 0;
    for (drawn.input.epoch = 0; drawn.input.epoch < 20; ++drawn.input.epoch) {
      const auto batches = PlanEpoch(drawn.input);
      CATCH_REQUIRE(batches.ok());
      const int64_t count = std::ssize(*batches);
      CATCH_CHECK(count == BatchesPerEpoch(reals, fakes, drawn.input.batch_size, shares.all));
      for (int64_t b = 0; b < count; ++b) {
        const std::vector<Sample>& samples = (*batches)[b].samples;
        CATCH_CHECK(std::ssize(samples) <= drawn.input.batch_size);
        positions += std::ssize(samples);
        // The base's pairs come first.
        const int64_t base_pairs = larger * (b + 1) / count - larger * b / count;
        for (size_t i = 2 * base_pairs; i < samples.size(); i += 2) {
          boosted += std::ranges::any_of(boosts, [&](const Boost& boost) {
            return Contains(boost.clips, samples[i]) && Contains(boost.partners, samples[i + 1]);
          });
        }
      }
    }
    const double share = 2.0 * static_cast<double>(boosted) / static_cast<double>(positions);
    CATCH_INFO(share);
    // Some pairs of the replay look like one of a boost.
    CATCH_CHECK(share > 0.2);
    CATCH_CHECK(share < (replay_share == 0 ? 0.26 : 0.36));
  }
}

CATCH_TEST_CASE("over all passes a clip of the larger class is looked at once in each part of its length") {
  constexpr int kPasses = 6;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Case drawn = DrawCase(seed);
    if (Count(drawn.base, Label::kReal) == 0 || Count(drawn.base, Label::kFake) == 0) continue;
    const Label larger =
        Count(drawn.base, Label::kReal) > Count(drawn.base, Label::kFake) ? Label::kReal : Label::kFake;
    drawn.input.passes = kPasses;
    std::map<uint32_t, std::set<int>> parts;
    for (drawn.input.epoch = 0; drawn.input.epoch < kPasses; ++drawn.input.epoch) {
      const auto batches = PlanEpoch(drawn.input);
      CATCH_REQUIRE(batches.ok());
      for (const SampleBatch& batch : *batches) {
        for (size_t i = 0; i < batch.samples.size(); i += 2) {  // the larger class's is the first of a pair
          const Sample& sample = batch.samples[i];
          if (sample.replay || drawn.base[sample.clip].label != larger) continue;
          CATCH_CHECK((sample.moment >= 0 && sample.moment < 1));
          parts[sample.clip].insert(static_cast<int>(sample.moment * kPasses));
        }
      }
    }
    for (const auto& [clip, seen] : parts) CATCH_CHECK(seen.size() == kPasses);
  }
}

}  // namespace
}  // namespace interceptor::worker
