#include "worker/integrate/fusion_proof.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"
#include "worker/integrate/fusion_fit.h"

namespace interceptor::worker {
namespace {

constexpr auto kBG = SpecialistName::kBG;
constexpr auto kAV = SpecialistName::kAV;
constexpr auto kCM = SpecialistName::kCM;
constexpr auto kLL = SpecialistName::kLL;

const BootstrapOptions kOptions = {.seed = 1, .replicates = 500};

// AV adds to BG, CM is BG with noise; LL adds, on one clip in four.
SpecialistTables Draw(uint64_t seed, Half half) {
  SpecialistTables tables = DrawSpecialists(seed, half, 200, {{kBG, 1.5}, {kAV, 2}, {kLL, 3}});
  CopyWithNoise(tables, kBG, kCM, 2, seed);
  for (size_t i = 0; i < tables[kLL].rows.size(); ++i) tables[kLL].rows[i].abstained = i / 3 % 4 != 0;
  return tables;
}

Fusion Fit(const SpecialistTables& tables) {
  const auto fusion = FitFusion(ToFitOn(tables), kOptions);
  CATCH_REQUIRE(fusion.ok());
  return *fusion;
}

std::vector<SpecialistProof> Prove(const Fusion& fusion, const SpecialistTables& tables) {
  const auto proof = ProveFusion(fusion, RowsOf(tables), kOptions);
  CATCH_INFO(proof.status().ToString());
  CATCH_REQUIRE(proof.ok());
  return *proof;
}

CATCH_TEST_CASE("a specialist that adds to BG is proven, one that repeats it is not") {
  const Fusion fusion = Fit(Draw(1, Half::kCalibrate));
  const SpecialistTables fresh = Draw(2, Half::kReport);
  const std::vector<SpecialistProof> proof = Prove(fusion, fresh);
  CATCH_REQUIRE(proof.size() == 4);
  CATCH_CHECK(proof[0].specialist == kBG);
  CATCH_CHECK_FALSE(proof[0].added.has_value());
  CATCH_CHECK(proof[0].lost_without_it.low > 0);
  CATCH_CHECK(proof[1].added->low > 0.05);
  CATCH_CHECK(proof[1].lost_without_it.low > 0.03);
  CATCH_CHECK(proof[1].clips == 600);
  CATCH_CHECK(proof[2].specialist == kCM);
  CATCH_CHECK(proof[2].added->low < 0);
  CATCH_CHECK(std::abs(proof[2].added->estimate) < 0.01);
  CATCH_CHECK(std::abs(proof[2].lost_without_it.estimate) < 0.01);
  CATCH_CHECK(proof[3].clips == 150);
  CATCH_CHECK(proof[3].added->low > 0);
  CATCH_CHECK(proof[3].added_where_it_speaks->low > 0.05);
  CATCH_CHECK(proof[3].added_where_it_speaks->estimate > proof[3].added->estimate + 0.05);

  const nlohmann::json json = ToJson(proof);
  CATCH_CHECK_FALSE(json[0].contains("added"));
  CATCH_CHECK(json[3].at("added_where_it_speaks").at("value") == proof[3].added_where_it_speaks->estimate);
  CATCH_CHECK(json[3].at("lost_without_it").at("interval")[1] == proof[3].lost_without_it.high);
}

CATCH_TEST_CASE("a difference is of AUCs, paired: a specialist whose rows are missing differs by nothing") {
  const Fusion fusion = Fit(Draw(1, Half::kCalibrate));
  SpecialistTables fresh = Draw(2, Half::kReport);
  fresh.erase(kAV);
  const std::vector<SpecialistProof> proof = Prove(fusion, fresh);
  CATCH_CHECK(proof[1].clips == 0);
  CATCH_CHECK(proof[1].added->low == 0);
  CATCH_CHECK(proof[1].added->high == 0);
  CATCH_CHECK_FALSE(proof[1].added_where_it_speaks.has_value());
  CATCH_CHECK(proof[1].lost_without_it.high == 0);
  CATCH_CHECK(absl::IsInvalidArgument(ProveFusion(fusion, {}, kOptions).status()));
}

CATCH_TEST_CASE("beside a BG that was left out a specialist adds all that it knows") {
  SpecialistTables tables = DrawSpecialists(3, Half::kCalibrate, 100, {{kBG, 0}, {kAV, 2}});
  const Fusion fusion = Fit(tables);
  CATCH_REQUIRE(fusion.specialists.size() == 1);
  const std::vector<SpecialistProof> proof =
      Prove(fusion, DrawSpecialists(4, Half::kReport, 100, {{kBG, 0}, {kAV, 2}}));
  CATCH_CHECK(proof[0].added->low > 0.3);
  CATCH_CHECK(proof[0].added->estimate == proof[0].lost_without_it.estimate);
}

}  // namespace
}  // namespace interceptor::worker
