#include "worker/engine/validation.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string>

#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {
namespace {

// Families of one real and three fakes.
class HeldOut {
 public:
  explicit HeldOut(int families, const std::string& chunk = "00") {
    for (int i = 0; i < 4 * families; ++i) {
      StoredClip& clip = clips_.emplace_back();
      clip.info = {.chunk = chunk,
                   .name = Cat(i, ".mp4"),
                   .family = FamilyName(chunk, Cat(i / 4, ".mp4")),
                   .label = i % 4 == 0 ? Label::kReal : Label::kFake};
      order_.push_back(clips_.size() - 1);
    }
  }
  ClipList list() const {
    ClipList list;
    for (const size_t i : order_) list.Add(clips_[i]);
    return list;
  }
  void Shuffle() {
    const std::vector<uint32_t> order = RandomPermutation(MakeRandomKey(1, "order"), clips_.size());
    order_.assign(order.begin(), order.end());
  }

 private:
  std::deque<StoredClip> clips_;
  std::vector<size_t> order_;
};

std::set<std::string> NamesOf(const ClipList& list) {
  std::set<std::string> names;
  for (const ClipInfo& clip : list.infos) names.insert(Cat(clip.chunk, "/", clip.name));
  return names;
}

int64_t CountOf(const ClipList& list, Label label) {
  return std::ranges::count(list.infos, label, &ClipInfo::label);
}

CATCH_TEST_CASE(
    "the sample is bounded, of both classes alike, of the calibration half, and the same in any order") {
  HeldOut held_out(400);
  const ClipList sample = ValidationSample(held_out.list());
  CATCH_CHECK(CountOf(sample, Label::kReal) == kValidationClipsPerClass);
  CATCH_CHECK(CountOf(sample, Label::kFake) == kValidationClipsPerClass);
  for (const ClipInfo& clip : sample.infos) CATCH_CHECK(HalfOf(clip.family) == Half::kCalibrate);
  for (size_t i = 0; i < sample.infos.size(); ++i)
    CATCH_CHECK(sample.clips[i]->info.name == sample.infos[i].name);
  held_out.Shuffle();
  CATCH_CHECK(NamesOf(ValidationSample(held_out.list())) == NamesOf(sample));
}

CATCH_TEST_CASE("where there are fewer clips all of them are taken") {
  const ClipList few = HeldOut(20).list();
  const int64_t calibrate = std::ranges::count_if(
      few.infos, [](const ClipInfo& clip) { return HalfOf(clip.family) == Half::kCalibrate; });
  CATCH_CHECK(std::ssize(ValidationSample(few).infos) == calibrate);
  CATCH_CHECK(ValidationSample({}).infos.empty());
}

CATCH_TEST_CASE("a chunk that comes later leaves a part of the sample, and adds only what is its own") {
  const ClipList first = HeldOut(400, "00").list();
  const ClipList second = HeldOut(400, "01").list();
  ClipList both = second;
  both.clips.insert(both.clips.end(), first.clips.begin(), first.clips.end());
  both.infos.insert(both.infos.end(), first.infos.begin(), first.infos.end());
  const std::set<std::string> before = NamesOf(ValidationSample(first));
  int kept = 0;
  for (const std::string& name : NamesOf(ValidationSample(both))) {
    if (!name.starts_with("00/")) continue;
    CATCH_CHECK(before.contains(name));
    ++kept;
  }
  CATCH_CHECK(kept > 50);
}

// A run whose clips' logits are `strength` towards their class, give or take a little.
class Run {
 public:
  explicit Run(int families = 200) : held_out_(families), sample_(ValidationSample(held_out_.list())) {}

  Evaluation Validate(double strength) { return Validate(strength, sample_); }
  Evaluation Validate(double strength, const ClipList& sample) {
    std::vector<ClipLogits> logits;
    for (size_t i = 0; i < sample.infos.size(); ++i) {
      // The clips differ far more from each other than two validations do.
      const double level =
          2 * RandomNormal(MakeRandomKey(1, sample.infos[i].chunk + sample.infos[i].name), 0);
      const double noise = 0.01 * RandomNormal(MakeRandomKey(evaluation_.step, "noise"), i);
      const double sign = sample.infos[i].label == Label::kFake ? 1 : -1;
      logits.push_back({.fused = level + sign * (strength + noise)});
    }
    evaluation_.step += 10;
    evaluation_.rise_low = evaluation_.rise_high = 0;
    CATCH_REQUIRE(CompareWithBest(sample, logits, 7, state, evaluation_).ok());
    return evaluation_;
  }

  ValidationState state;

 private:
  HeldOut held_out_;
  ClipList sample_;
  Evaluation evaluation_;
};

CATCH_TEST_CASE("twice in a row beyond the paired interval above the best is overfitting") {
  Run run;
  CATCH_CHECK(run.Validate(1.0).best_step == 10);
  const Evaluation better = run.Validate(1.5);
  CATCH_CHECK(better.best_step == 20);
  CATCH_CHECK(better.rise_high < 0);
  CATCH_CHECK(better.worse_in_a_row == 0);
  // Far less than the clips differ: only the pairs tell.
  const Evaluation worse = run.Validate(1.4);
  CATCH_CHECK(worse.best_step == 20);
  CATCH_CHECK(worse.rise_low > 0);
  CATCH_CHECK(worse.log_loss_high - worse.log_loss_low > 5 * worse.rise_high);
  CATCH_CHECK(worse.worse_in_a_row == 1);
  CATCH_CHECK_FALSE(ShowsOverfitting(worse));
  CATCH_CHECK(ShowsOverfitting(run.Validate(1.4)));
  CATCH_CHECK(run.Validate(1.3).worse_in_a_row == 3);
  CATCH_CHECK(run.state.best_step == 20);
  CATCH_CHECK(run.Validate(1.6).worse_in_a_row == 0);
  CATCH_CHECK(run.state.best_step == 60);
  CATCH_CHECK(run.Validate(1.5).worse_in_a_row == 1);
  // Within the noise, on either side.
  CATCH_CHECK(run.Validate(1.6).worse_in_a_row == 0);
  CATCH_CHECK_FALSE(ShowsOverfitting(run.Validate(1.5)));
}

CATCH_TEST_CASE("a new chunk's clips are compared once they have been seen at the best step") {
  Run run;
  const ClipList first = ValidationSample(HeldOut(200, "00").list());
  run.Validate(1.5, first);
  const HeldOut other(200, "01");
  ClipList mixed = ValidationSample(other.list());
  mixed.clips.insert(mixed.clips.end(), first.clips.begin(), first.clips.begin() + 150);
  mixed.infos.insert(mixed.infos.end(), first.infos.begin(), first.infos.begin() + 150);
  const Evaluation worse = run.Validate(1.2, mixed);
  CATCH_CHECK(worse.worse_in_a_row == 1);
  CATCH_CHECK(worse.best_step == 10);
  CATCH_CHECK(run.state.best_losses.size() == first.infos.size());
  // Nothing in common: this one is the best so far.
  const Evaluation anew = run.Validate(1.0, ValidationSample(other.list()));
  CATCH_CHECK(anew.best_step == 30);
  CATCH_CHECK(anew.worse_in_a_row == 0);
  CATCH_CHECK(anew.rise_high == 0);
}

}  // namespace
}  // namespace interceptor::worker
