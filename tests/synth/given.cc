#include "tests/synth/given.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/status.h"
#include "tests/synth/artefacts.h"
#include "tests/synth/decode.h"

namespace interceptor::synth {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListGivenClips(const std::string& folder) {
  nlohmann::json labels = nlohmann::json::object();
  if (std::filesystem::exists(folder + "/metadata.json")) {
    labels = nlohmann::json::parse(ReadFile(folder + "/metadata.json"), nullptr, false);
    if (!labels.is_object()) return InvalidArgument(folder, "/metadata.json is not a JSON object");
  }
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".mp4") continue;
    const auto label = labels.find(entry.path().filename().string());
    const bool fake = label != labels.end() && label->is_object() && label->value("label", "") == "FAKE";
    if (!fake) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) return NotFound("no original *.mp4 in ", folder);
  return paths;
}

absl::StatusOr<GivenTake> ReadGivenTake(const std::string& path, int frames_max, FaceFinder& finder) {
  absl::StatusOr<DecodedClip> decoded = DecodeMp4(ReadFile(path), frames_max);
  if (!decoded.ok()) return Annotate(decoded.status(), path);
  GivenTake given{.take = {}, .rotation_degrees = decoded->rotation_degrees};
  Take& take = given.take;
  take.frames = std::move(decoded->frames);
  take.faces = TrackFace(finder, take.frames).positions;
  take.picture_noise = EstimateNoise(take.frames[0]);
  take.shape.width = take.frames[0].cols;
  take.shape.height = take.frames[0].rows;
  take.shape.frames = static_cast<int>(take.frames.size());
  take.shape.frames_per_second = decoded->frames_per_second > 0 ? decoded->frames_per_second : 25;
  constexpr double kDarkLuma = 70;
  take.shape.dark = cv::mean(take.frames[0])[1] < kDarkLuma;
  const auto sound =
      std::make_shared<RecordedSound>(std::move(decoded->sound), std::max(1, decoded->sound_rate));
  take.sound = sound;
  given.sound_level = sound->level();
  return given;
}

void AdoptSettings(const GivenTake& given, FamilyRecipe& family) {
  family.shape = given.take.shape;
  family.rotation_degrees = given.rotation_degrees;
  for (ClipRecipe& clip : family.clips) clip.benign.sound_level *= given.sound_level / family.sound_level;
  family.sound_level = given.sound_level;
}

}  // namespace interceptor::synth
