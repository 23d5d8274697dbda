#include "worker/integrate/bundle.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/bundle_sample.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"

namespace interceptor::worker {
namespace {

std::string Text(const std::string& folder, std::string_view name) {
  return ReadWholeFile(SystemFiles(), JoinPath(folder, name)).value_or("");
}

std::map<std::string, std::string> Contents(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : SystemFiles().List(folder).value_or(std::vector<std::string>())) {
    contents[name] = Text(folder, name);
  }
  return contents;
}

CATCH_TEST_CASE("a bundle has the weights without what only training needs, and a sum of every file") {
  const BundleSample sample;
  const auto digest = sample.Write();
  CATCH_REQUIRE(digest.ok());
  const std::string description = Text(sample.options.folder, "bundle.json");
  CATCH_CHECK(*digest == DigestOf(description));
  const auto bundle = ParseBundle(description);
  CATCH_REQUIRE(bundle.ok());
  CATCH_CHECK(FormatBundle(*bundle) == description);
  CATCH_REQUIRE(bundle->specialists.size() == 2);
  const BundledSpecialist& bg = bundle->specialists[0];
  CATCH_CHECK(bg.step == 40);
  CATCH_CHECK(bg.manifests == std::vector<std::string>{"aa", "bb"});
  CATCH_CHECK(bg.checkpoint ==
              DigestOf(*ReadWholeFile(SystemFiles(), sample.options.checkpoints.at(bg.specialist))).hex);
  CATCH_CHECK(bundle->attributes.at("brightness").low == 0.2);
  CATCH_CHECK(bundle->attributes.at("brightness").high > 0.59);
  const auto weights = SafetensorsFile::Open(SystemFiles(), JoinPath(sample.options.folder, bg.weights));
  CATCH_REQUIRE(weights.ok());
  CATCH_CHECK((*weights)->header().tensors.size() == 2);
  CATCH_CHECK((*weights)->Find("features.0.0.weight") != nullptr);
  CATCH_CHECK((*weights)->header().metadata.at("format") == kWeightsFormat);
  std::map<std::string, std::string> sums;
  for (const auto& [name, bytes] : Contents(sample.options.folder)) {
    if (name != kBundleSums) sums[name] = DigestOf(bytes).hex;
  }
  CATCH_CHECK(sums.size() == 5);
  CATCH_CHECK(*ParseSums(Text(sample.options.folder, kBundleSums)) == sums);
  CATCH_CHECK(Text(sample.options.folder, "MODEL_CARD.md").find("Verdicts do not hold for real video") !=
              std::string::npos);
}

CATCH_TEST_CASE("the same round gives the same bundle; another one leaves it alone") {
  BundleSample sample;
  CATCH_REQUIRE(sample.Write().ok());
  const auto first = Contents(sample.options.folder);
  CATCH_CHECK(sample.Write().ok());
  sample.options.trained_on = "filmed";
  CATCH_CHECK(absl::IsAlreadyExists(sample.Write().status()));
  CATCH_CHECK(Contents(sample.options.folder) == first);
  CATCH_CHECK_FALSE(SystemFiles().Exists(sample.options.folder + ".unfinished"));
}

CATCH_TEST_CASE("what the report half says changes no byte of the detector") {
  BundleSample sample;
  const auto before = sample.Write();
  for (auto& [specialist, table] : sample.tables) {
    for (ScoreRow& row : table.rows) {
      if (row.half == Half::kReport)
        row.clip.label = row.clip.label == Label::kFake ? Label::kReal : Label::kFake;
    }
  }
  sample.Fuse();
  sample.options.folder += "-permuted";
  const auto after = sample.Write();
  CATCH_REQUIRE(before.ok());
  CATCH_REQUIRE(after.ok());
  CATCH_CHECK(*before == *after);
}

void CheckRefused(const BundleSample& sample, absl::StatusCode code, std::string_view text) {
  const absl::Status status = sample.Write().status();
  CATCH_CHECK(status.code() == code);
  CATCH_CHECK(Message(status).find(text) != std::string::npos);
  CATCH_CHECK_FALSE(SystemFiles().Exists(sample.options.folder));
  CATCH_CHECK_FALSE(SystemFiles().Exists(sample.options.folder + ".unfinished"));
}

CATCH_TEST_CASE("a checkpoint that the scores are not of makes no bundle") {
  BundleSample sample;
  sample.WriteCheckpointOf(SpecialistName::kBG, 41);
  CheckRefused(sample, absl::StatusCode::kFailedPrecondition,
               "it is of step 41, the round's score table of step 40");
  std::swap(sample.options.checkpoints.at(SpecialistName::kBG),
            sample.options.checkpoints.at(SpecialistName::kCM));
  CheckRefused(sample, absl::StatusCode::kFailedPrecondition, "it belongs to specialist CM, not BG");
  sample.options.checkpoints.erase(SpecialistName::kBG);
  CheckRefused(sample, absl::StatusCode::kNotFound, "no checkpoint of BG was named");
}

CATCH_TEST_CASE("a damaged checkpoint makes no bundle") {
  const BundleSample sample;
  const std::string path = sample.options.checkpoints.at(SpecialistName::kCM);
  std::string bytes = *ReadWholeFile(SystemFiles(), path);
  bytes.back() ^= 1;
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bytes).ok());
  CheckRefused(sample, absl::StatusCode::kDataLoss, "its bytes are damaged");
}

CATCH_TEST_CASE("a face model of another digest than the plan's makes no bundle; the plan's travels along") {
  BundleSample sample;
  sample.options.settings.preparation.face_model = "faces.onnx";
  CheckRefused(sample, absl::StatusCode::kFailedPrecondition, "--face-model");
  sample.options.face_model = sample.folder.File("there.onnx");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), sample.options.face_model, "a model").ok());
  sample.options.settings.preparation.face_model_sha256 = DigestOf("another").hex;
  CheckRefused(sample, absl::StatusCode::kFailedPrecondition, "the plan names");
  sample.options.settings.preparation.face_model_sha256 = DigestOf("a model").hex;
  CATCH_REQUIRE(sample.Write().ok());
  CATCH_CHECK(Text(sample.options.folder, "faces.onnx") == "a model");
}

CATCH_TEST_CASE("a crash or a full disk at any call leaves no bundle or the whole one") {
  const BundleSample whole;
  CATCH_REQUIRE(whole.Write().ok());
  const auto expected = Contents(whole.options.folder);
  bool finished = false;
  for (int64_t call = 1; !finished; ++call) {
    const BundleSample sample;
    FaultyFileSystem files(SystemFiles());
    files.FailFromCall(call, absl::ResourceExhaustedError("disk full"));
    const auto written = WriteBundle(files, sample.options, sample.results, sample.tables, "{}\n");
    finished = written.ok();
    if (SystemFiles().Exists(sample.options.folder)) CATCH_CHECK(Contents(sample.options.folder) == expected);
    CATCH_CHECK(sample.Write().ok());  // what a crash left is in nobody's way
    CATCH_REQUIRE(Contents(sample.options.folder) == expected);
  }
}

CATCH_TEST_CASE("a description of a newer version, or one that was changed, is refused with the reason") {
  const BundleSample sample;
  CATCH_REQUIRE(sample.Write().ok());
  const std::string text = Text(sample.options.folder, "bundle.json");
  const auto refused = [&](std::string_view from, std::string_view to, std::string_view reason) {
    std::string changed = text;
    const size_t at = changed.find(from);
    CATCH_REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    const absl::Status status = ParseBundle(changed).status();
    CATCH_CHECK_FALSE(status.ok());
    CATCH_CHECK_THAT(Message(status), Catch::Matchers::ContainsSubstring(std::string(reason)));
  };
  refused("\n \"version\": 1", "\n \"version\": 2", "update this program");
  refused("\"weights-BG.safetensors\"", "\"../weights-BG.safetensors\"", "none of its folder");
  refused("\"specialist\": \"CM\"", "\"specialist\": \"BG\"", "");
  refused("\"fake_above\": ", "\"fake_above\": -1", "");
  refused("\"trained_on\"", "\"trained_in\"", "trained_on");
}

}  // namespace
}  // namespace interceptor::worker
