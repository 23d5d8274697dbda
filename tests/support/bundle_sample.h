// A round of BG and CM with checkpoints on disk, as tests of bundles need it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/io/safetensors.h"
#include "tests/support/fusion_sample.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/checkpoint_format.h"
#include "worker/integrate/bundle_writer.h"
#include "worker/integrate/round_fusion.h"

namespace interceptor::worker {

struct BundleSample {
  ScratchFolder folder;
  SpecialistTables tables;
  RoundResults results;
  BundleOptions options;

  static inline const std::map<SpecialistName, double> kApart = {{SpecialistName::kBG, 3},
                                                                 {SpecialistName::kCM, 2.5}};

  // `families` of each half.
  explicit BundleSample(int families = 120) {
    tables = DrawSpecialists(1, Half::kCalibrate, families, kApart);
    for (auto& [specialist, rows] : DrawSpecialists(2, Half::kReport, families, kApart)) {
      for (ScoreRow& row : rows.rows) tables[specialist].rows.push_back(std::move(row));
    }
    for (auto& [specialist, table] : tables) {
      table.attributes = {"brightness"};
      double brightness = 0.2;
      for (ScoreRow& row : table.rows) {
        row.step = 40;
        row.attributes = {brightness};
        brightness = brightness < 0.6 ? brightness + 0.01 : 0.2;
      }
      options.checkpoints[specialist] = folder.File(Cat(ToString(specialist), ".safetensors"));
      WriteCheckpointOf(specialist, 40);
    }
    results.chunk_name = "03";
    Fuse();
    options.folder = folder.File("bundle");
    options.settings.model.width_scale = 0.25;
    options.trained_on = "synthetic";
  }

  void Fuse() {
    auto fused = FuseRound(tables, 7);
    CATCH_REQUIRE(fused.ok());
    results.fusion = *std::move(fused);
  }

  void WriteCheckpointOf(SpecialistName specialist, int64_t step) const {
    static const std::vector<float> weights = {0.5F, -1};
    static const std::vector<float> moments = {9, 9};
    static const int64_t counter = 3;
    const auto bytes = [](const auto& values) {
      return std::string_view(reinterpret_cast<const char*>(values.data()), sizeof(float) * values.size());
    };
    const std::vector<TensorBytes> tensors = {
        {"features.0.0.weight", DType::kF32, {2}, bytes(weights)},
        {"features.0.1.num_batches_tracked",
         DType::kI64,
         {},
         {reinterpret_cast<const char*>(&counter), sizeof counter}},
        {"optimizer.exp_avg.features.0.0.weight", DType::kF32, {2}, bytes(moments)},
        {"sampler.loss", DType::kF32, {2}, bytes(moments)}};
    const std::map<std::string, std::string> metadata = {{"format", std::string(kCheckpointFormat)},
                                                         {"format_version", "1"},
                                                         {"architecture", "tiny"},
                                                         {"preprocessing", "none"},
                                                         {"specialist", std::string(ToString(specialist))},
                                                         {"plan_digest", ""},
                                                         {"manifests", "aa,bb"},
                                                         {"lineage", "cc"},
                                                         {"step", Cat(step)},
                                                         {"content_sha256", ContentDigest(tensors)}};
    CATCH_REQUIRE(
        WriteSafetensors(SystemFiles(), options.checkpoints.at(specialist), metadata, tensors).ok());
  }

  absl::StatusOr<Digest> Write() const {
    return WriteBundle(SystemFiles(), options, results, tables, "{}\n");
  }
};

}  // namespace interceptor::worker
