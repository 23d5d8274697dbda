#include "tests/support/tiny_chunk.h"

extern "C" {
#include <libavutil/log.h>
}

#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/synth/encode.h"

namespace interceptor::worker {

namespace {

// Brighter and darker blocks around the middle, others in each scene but scene 0, which has none.
void DrawScene(int scene, cv::Mat& picture) {
  constexpr int kBlock = 16;
  if (scene == 0) return;
  const RandomKey key = MakeRandomKey(static_cast<uint64_t>(scene), "scene");
  uint64_t draw = 0;
  for (int y = 0; y < picture.rows; y += kBlock) {
    for (int x = 0; x < picture.cols; x += kBlock) {
      const bool is_middle = y == picture.rows / 2 - kBlock || y == picture.rows / 2;
      if (is_middle && std::abs(x + kBlock / 2 - picture.cols / 2) < kBlock) continue;
      const int shift = static_cast<int>(RandomBits(key, draw++) % 3) - 1;
      picture(cv::Rect(x, y, kBlock, kBlock)) += cv::Scalar::all(40 * shift);
    }
  }
}

}  // namespace

int GreyLevel(int frame, int first_level) { return (first_level + 5 * frame) % 200; }

std::string GreyClip(int frames, int first_level, int rotation_degrees, int scene) {
  av_log_set_level(AV_LOG_ERROR);
  std::vector<cv::Mat> pictures;
  for (int k = 0; k < frames; ++k) {
    cv::Mat picture(64, 96, CV_8UC3, cv::Scalar::all(GreyLevel(k, first_level)));
    DrawScene(scene, picture);
    picture(cv::Rect(0, 0, 16, 16)).setTo(cv::Scalar(0, 0, 200));
    pictures.push_back(picture);
  }
  synth::EncodeSettings settings;
  settings.rotation_degrees = rotation_degrees;
  settings.crf = 12;
  auto bytes = synth::EncodeMp4(pictures, {}, settings);
  CATCH_INFO(Message(bytes.status()));
  CATCH_REQUIRE(bytes.ok());
  return *std::move(bytes);
}

std::vector<RawZipEntry> TinyChunkEntries(const TinyChunk& chunk) {
  static std::map<int, std::string> reals;
  static std::map<int, std::string> fakes;
  std::vector<RawZipEntry> entries;
  nlohmann::json metadata = nlohmann::json::object();
  for (int k = 0; k < chunk.families; ++k) {
    const std::string original = Cat("r", k, ".mp4");
    const std::string copy = Cat("f", k, ".mp4");
    metadata[original] = {{"label", "REAL"}, {"split", "train"}};
    metadata[copy] = {{"label", "FAKE"}, {"split", "train"}, {"original", original}};
    const int scene = chunk.first_scene + k;
    if (!reals.contains(scene)) {
      reals[scene] = GreyClip(9, 30, 0, scene);
      fakes[scene] = GreyClip(7, 90, 0, scene);
    }
    for (const auto& [name, bytes] : {std::pair(original, reals[scene]), std::pair(copy, fakes[scene])}) {
      const auto other = chunk.replaced.find(name);
      entries.push_back({.name = Cat("dfdc_train_part_0/", name),
                         .bytes = other == chunk.replaced.end() ? bytes : other->second});
    }
  }
  entries.push_back({.name = "dfdc_train_part_0/metadata.json", .bytes = metadata.dump()});
  for (const RawZipEntry& entry : chunk.more) entries.push_back(entry);
  return entries;
}

std::string WriteTinyChunk(const ScratchFolder& folder, const TinyChunk& chunk) {
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawZip(TinyChunkEntries(chunk))).ok());
  return path;
}

PrepareOptions TinyOptions(const ScratchFolder& folder, const std::string& zip_path, int decoders) {
  PrepareOptions options;
  options.zip_path = zip_path;
  options.store = folder.File("store");
  options.chunk = "00";
  options.settings.preparation.view_pixels = 32;
  options.settings.preparation.frames_per_fake = 4;
  options.settings.preparation.frames_per_real = 6;
  options.settings.preparation.unmatched_share_max = 1;
  options.settings.evaluation.folds = 3;
  options.pool.program = INTERCEPTOR_DECODE_PROGRAM;
  options.pool.cascade_path = INTERCEPTOR_CASCADE;
  options.pool.decoders = decoders;
  return options;
}

void RecordingObserver::OnProgress(int64_t now_done, int64_t now_total, int64_t) {
  done = now_done;
  total = now_total;
}

void RecordingObserver::OnQuarantine(const std::string& clip, const std::string& reason) {
  quarantined[clip] = reason;
}

void RecordingObserver::OnGate(const GateFacts& gate) { gates.push_back(gate); }

}  // namespace interceptor::worker
