#include "worker/integrate/fusion_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/stats/calibration.h"
#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"

namespace interceptor::worker {
namespace {

constexpr auto kBG = SpecialistName::kBG;
constexpr auto kAV = SpecialistName::kAV;
constexpr auto kCM = SpecialistName::kCM;
constexpr auto kRR = SpecialistName::kRR;
constexpr auto kLL = SpecialistName::kLL;
constexpr auto kTM = SpecialistName::kTM;

Fusion Fit(const SpecialistTables& tables) {
  const auto fusion = FitFusion(ToFitOn(tables), {.seed = 1, .replicates = 500});
  CATCH_INFO(fusion.status().ToString());
  CATCH_REQUIRE(fusion.ok());
  return *fusion;
}

struct FreshClip {
  ClipMember member;
  std::vector<std::optional<double>> ratios;
};

std::vector<FreshClip> FreshClips(const Fusion& fusion, const SpecialistTables& tables) {
  SpecialistRows rows;
  for (const FusedSpecialist& each : fusion.specialists)
    rows[each.specialist] = tables.at(each.specialist).rows;
  const auto joined = JoinRows(rows);
  CATCH_REQUIRE(joined.ok());
  std::vector<FreshClip> clips;
  for (const JoinedClip& clip : *joined) {
    clips.push_back({{clip.clip->family, clip.clip->label == Label::kFake}, fusion.Ratios(clip.rows)});
  }
  return clips;
}

// Fused as if the specialists outside `subset` were missing.
double Fused(const Fusion& fusion, Subset subset, const FreshClip& clip) {
  std::vector<std::optional<double>> ratios = clip.ratios;
  for (size_t i = 0; i < ratios.size(); ++i) {
    if ((subset >> i & 1) == 0) ratios[i].reset();
  }
  return fusion.LogRatio(ratios);
}

double LogLoss(const Fusion& fusion, Subset subset, const std::vector<FreshClip>& clips) {
  std::vector<ScoredLabel> scores;
  for (const FreshClip& clip : clips) scores.push_back({Fused(fusion, subset, clip), clip.member.fake});
  return *BalancedLogLoss(scores);
}

double MemberLogLoss(size_t member, const std::vector<FreshClip>& clips) {
  std::vector<ScoredLabel> scores;
  for (const FreshClip& clip : clips) scores.push_back({clip.ratios[member].value_or(0), clip.member.fake});
  return *BalancedLogLoss(scores);
}

// BG and AV know something, CM is BG with noise, TM knows nothing.
SpecialistTables SomeUseful(uint64_t seed, Half half, int families) {
  SpecialistTables tables = DrawSpecialists(seed, half, families, {{kBG, 2}, {kAV, 1.5}, {kTM, 0}});
  CopyWithNoise(tables, kBG, kCM, 1, seed);
  return tables;
}

CATCH_TEST_CASE("who adds nothing weighs next to nothing, who has collapsed is left out, with the reason") {
  const Fusion fusion = Fit(SomeUseful(1, Half::kCalibrate, 500));
  CATCH_CHECK(fusion.calibrated);
  CATCH_REQUIRE(fusion.specialists.size() == 3);
  CATCH_CHECK(fusion.specialists[2].specialist == kCM);
  CATCH_REQUIRE(fusion.left_out.size() == 1);
  CATCH_CHECK(fusion.left_out[0].specialist == kTM);
  CATCH_CHECK(fusion.left_out[0].reason.find("collapsed: its AUC on calibration families may be .5") == 0);
  const std::vector<double>& weights = fusion.weights.Of(0b111).weights;
  CATCH_CHECK(std::abs(weights[0] - 1) < 0.25);
  CATCH_CHECK(std::abs(weights[1] - 1) < 0.25);
  CATCH_CHECK(weights[2] < 0.15);
  // Without BG its copy is worth hearing.
  CATCH_CHECK(fusion.weights.Of(0b110).weights[2] > 0.7);
}

CATCH_TEST_CASE("on fresh clips the fusion is better than its best specialist") {
  const SpecialistTables tables = SomeUseful(2, Half::kCalibrate, 200);
  const Fusion fusion = Fit(tables);
  const std::vector<FreshClip> fresh = FreshClips(fusion, SomeUseful(3, Half::kReport, 400));
  CATCH_REQUIRE(MemberLogLoss(0, fresh) < MemberLogLoss(1, fresh));
  CATCH_REQUIRE(MemberLogLoss(0, fresh) < MemberLogLoss(2, fresh));
  std::vector<ClipMember> members;
  std::vector<double> gained;
  for (const FreshClip& clip : fresh) {
    members.push_back(clip.member);
    gained.push_back(ClipLogLoss({*clip.ratios[0], clip.member.fake}) -
                     ClipLogLoss({Fused(fusion, 0b111, clip), clip.member.fake}));
  }
  const auto interval = BalancedMeanInterval(members, gained, {.replicates = 500});
  CATCH_REQUIRE(interval.ok());
  CATCH_CHECK(interval->low > 0.05);
}

// Six that know something, some of it the same thing; AV and LL abstain from a third and a half of the clips.
SpecialistTables SixCorrelated(uint64_t seed, Half half, int families) {
  SpecialistTables tables =
      DrawSpecialists(seed, half, families, {{kBG, 2.5}, {kAV, 1.5}, {kTM, 1}, {kLL, 0.8}});
  CopyWithNoise(tables, kBG, kCM, 1, seed);
  CopyWithNoise(tables, kAV, kRR, 0.5, seed);
  const RandomKey key = MakeRandomKey(seed, "abstained");
  for (size_t i = 0; i < tables[kAV].rows.size(); ++i) {
    if (RandomUniform(key, 2 * i) < 1.0 / 3) tables[kAV].rows[i].abstained = true;
    if (RandomUniform(key, 2 * i + 1) < 0.5) tables[kLL].rows[i].abstained = true;
  }
  return tables;
}

CATCH_TEST_CASE("on fresh clips none of the 63 subsets is more than .01 worse than its best specialist") {
  const Fusion fusion = Fit(SixCorrelated(4, Half::kCalibrate, 300));
  CATCH_REQUIRE(fusion.specialists.size() == 6);
  const std::vector<FreshClip> fresh = FreshClips(fusion, SixCorrelated(5, Half::kReport, 1000));
  std::vector<double> alone;
  for (size_t i = 0; i < 6; ++i) alone.push_back(MemberLogLoss(i, fresh));
  for (Subset subset = 1; subset < 64; ++subset) {
    double best = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < 6; ++i) {
      if (subset >> i & 1) best = std::min(best, alone[i]);
    }
    CATCH_INFO("subset " << subset << ": best specialist " << best);
    CATCH_CHECK(LogLoss(fusion, subset, fresh) <= best + 0.01);
  }
}

CATCH_TEST_CASE("what is fused is calibrated again: fresh clips want no other slope than one") {
  const Fusion fusion = Fit(SixCorrelated(6, Half::kCalibrate, 300));
  std::vector<LabelledScores> scores;
  for (const FreshClip& clip : FreshClips(fusion, SixCorrelated(7, Half::kReport, 1000))) {
    scores.push_back({{Fused(fusion, 0b111111, clip)}, clip.member.fake});
  }
  const auto wanted = FitLogistic(scores, 0);
  CATCH_REQUIRE(wanted.ok());
  CATCH_CHECK(std::abs(wanted->weights[0] - 1) < 0.15);
  CATCH_CHECK(std::abs(wanted->bias) < 0.2);
}

CATCH_TEST_CASE("permuting the labels of the report half changes no byte of what is fitted") {
  const auto fit = [](uint64_t permutation) {
    SpecialistTables tables = SomeUseful(8, Half::kCalibrate, 60);
    SpecialistTables reported = SomeUseful(9, Half::kReport, 60);
    const RandomKey key = MakeRandomKey(permutation, "labels");
    for (auto& [specialist, table] : tables) {
      std::vector<ScoreRow>& rows = reported[specialist].rows;
      for (size_t i = rows.size(); permutation != 0 && i-- > 1;) {
        std::swap(rows[i].clip.label, rows[RandomIndex(key, i, i + 1)].clip.label);
      }
      table.rows.insert(table.rows.begin() + 10, rows.begin(), rows.end());
      CATCH_CHECK_FALSE(CalibrationRows::Create(table, 0).ok());
      table = SplitByHalf(table, 0).calibrate;
    }
    return ToJson(Fit(tables)).dump();
  };
  const std::string unchanged = fit(0);
  CATCH_CHECK(fit(0) == unchanged);
  CATCH_CHECK(fit(1) == unchanged);
  CATCH_CHECK(fit(2) == unchanged);
}

CATCH_TEST_CASE("under thirty calibration families of a class a specialist is left out") {
  SpecialistTables tables = DrawSpecialists(10, Half::kCalibrate, 60, {{kBG, 2}, {kLL, 2}});
  for (size_t i = 0; i < tables[kLL].rows.size(); ++i) tables[kLL].rows[i].abstained = i / 3 >= 29;
  const Fusion fusion = Fit(tables);
  CATCH_REQUIRE(fusion.left_out.size() == 1);
  CATCH_CHECK(fusion.left_out[0].specialist == kLL);
  CATCH_CHECK(fusion.left_out[0].reason ==
              "too few calibration families: 29 with reals and 29 with fakes; 30 of each are needed");
}

CATCH_TEST_CASE(
    "when none can be calibrated the fusion is the mean of logits, bounded, marked uncalibrated") {
  const SpecialistTables tables = DrawSpecialists(11, Half::kCalibrate, 20, {{kBG, 2}, {kLL, 2}, {kTM, 2}});
  const Fusion fusion = Fit(tables);
  CATCH_CHECK_FALSE(fusion.calibrated);
  CATCH_CHECK(fusion.left_out.empty());
  const std::vector<std::optional<double>> ratios = {0.5, std::nullopt, 1.0};
  CATCH_CHECK(fusion.LogRatio(ratios) == 0.75);
  const std::vector<std::optional<double>> large = {1e6, 1e6, 1e6};
  CATCH_CHECK(fusion.LogRatio(large) < std::log(21));
  CATCH_CHECK(fusion.LogRatio(large) > std::log(20.9));
}

CATCH_TEST_CASE("what cannot be fused is an error that says why") {
  CATCH_CHECK(absl::IsInvalidArgument(FitFusion({}, {}).status()));
  SpecialistTables tables = DrawSpecialists(12, Half::kCalibrate, 60, {{kBG, 0}, {kTM, 0}});
  absl::Status status = FitFusion(ToFitOn(tables), {.replicates = 500}).status();
  CATCH_CHECK(absl::IsFailedPrecondition(status));
  CATCH_CHECK(Message(status).find("BG: collapsed") != std::string::npos);
  CATCH_CHECK(Message(status).find("TM: collapsed") != std::string::npos);
  tables = SomeUseful(13, Half::kCalibrate, 60);
  tables[kTM].rows[7].clip.label = Label::kReal;  // in the table of one that is left out, too
  status = FitFusion(ToFitOn(tables), {.replicates = 500}).status();
  CATCH_CHECK(absl::IsInvalidArgument(status));
  CATCH_CHECK(Message(status).find(tables[kTM].rows[7].clip.name) != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
