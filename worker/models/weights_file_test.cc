#include "worker/models/weights_file.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/checkpoint_format.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

constexpr auto kTM = SpecialistName::kTM;

struct WeightsFile {
  ScratchFolder folder;
  std::string path = folder.File("weights.safetensors");
  Architecture net = MakeArchitecture({.width_scale = 0.1, .depth_scale = 0.1}, kTM);
  Weights weights{.parameters = std::vector<float>(static_cast<size_t>(net.arena_size)),
                  .statistics = std::vector<float>(static_cast<size_t>(net.statistic_count))};
  std::map<std::string, std::string> metadata = {{"format", std::string(kWeightsFormat)},
                                                 {"format_version", "1"},
                                                 {"specialist", "TM"},
                                                 {"architecture", net.Stamp()},
                                                 {"preprocessing", "as it was"}};

  WeightsFile() {
    float value = 0;
    for (const TensorPlace& place : net.parameters)
      weights.parameters[static_cast<size_t>(place.offset)] = ++value;
    for (float& each : weights.statistics) each = ++value;
  }
  absl::StatusOr<Weights> Read() const { return ReadWeights(SystemFiles(), path, net, kTM, "as it was"); }
  void Write(bool without_last = false) const {
    std::vector<TensorBytes> tensors = WeightTensors(net, weights.parameters, weights.statistics);
    if (without_last) tensors.pop_back();
    CATCH_REQUIRE(WriteSafetensors(SystemFiles(), path, metadata, tensors).ok());
  }
  void CheckRefused(absl::StatusCode code, std::string_view text) const {
    const absl::Status status = Read().status();
    CATCH_CHECK(status.code() == code);
    CATCH_CHECK_THAT(Message(status), Catch::Matchers::ContainsSubstring(std::string(text)));
  }
};

CATCH_TEST_CASE("weights come back where they were") {
  const WeightsFile file;
  file.Write();
  const auto read = file.Read();
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->parameters == file.weights.parameters);
  CATCH_CHECK(read->statistics == file.weights.statistics);
}

CATCH_TEST_CASE("weights of anything else are refused with what they are") {
  WeightsFile file;
  file.Write(true);
  file.CheckRefused(absl::StatusCode::kFailedPrecondition, "has no tensor");
  const auto with = [&](const std::string& key, const std::string& value, absl::StatusCode code,
                        std::string_view text) {
    WeightsFile other;
    other.metadata[key] = value;
    other.Write();
    other.CheckRefused(code, text);
  };
  with("format", std::string(kCheckpointFormat), absl::StatusCode::kDataLoss, "holds no weights");
  with("format_version", "2", absl::StatusCode::kFailedPrecondition, "newer version");
  with("specialist", "LL", absl::StatusCode::kFailedPrecondition, "of LL, not of TM");
  with("architecture", "other", absl::StatusCode::kFailedPrecondition, "another architecture (other)");
  with("preprocessing", "other", absl::StatusCode::kFailedPrecondition, "other preprocessing (other)");
}

}  // namespace
}  // namespace interceptor::worker
