#include "tests/synth/audit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>
#include <span>

#include "common/base/status.h"
#include "common/stats/ranking.h"
#include "tests/synth/chunk.h"
#include "tests/synth/decode.h"
#include "tests/synth/parallel.h"

namespace interceptor::synth {
namespace {

constexpr std::array<const char*, 13> kMeasures = {
    "file size", "bitrate",    "duration",    "mean luma",       "mean Cb",     "mean Cr",   "mean QP",
    "pixels",    "frame rate", "audio level", "leading silence", "first 30 ms", "last 30 ms"};
using Measures = std::array<double, kMeasures.size()>;
constexpr double kSilence = 1e-3;  // of full scale
constexpr double kEndSeconds = 0.03;

double Level(std::span<const float> sound) {
  double power = 0;
  for (const float sample : sound) power += static_cast<double>(sample) * sample;
  return std::sqrt(power / std::max<double>(1, static_cast<double>(sound.size())));
}

double LeadingSilence(const DecodedClip& clip) {
  const auto loud =
      std::ranges::find_if(clip.sound, [](float sample) { return std::abs(sample) > kSilence; });
  return static_cast<double>(loud - clip.sound.begin()) / std::max(1, clip.sound_rate);
}

absl::StatusOr<Measures> Measure(const ChunkClip& clip) {
  ICPT_ASSIGN_OR_RETURN(const DecodedClip decoded, DecodeMp4(clip.bytes));
  cv::Scalar colour;
  for (const cv::Mat& frame : decoded.frames) colour += cv::mean(frame);
  const double scale = 1.0 / static_cast<double>(decoded.frames.size());
  const double blue = colour[0] * scale, green = colour[1] * scale, red = colour[2] * scale;
  const double luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  const std::span<const float> sound = decoded.sound;
  const size_t end = std::min(sound.size(), static_cast<size_t>(kEndSeconds * decoded.sound_rate));
  const double bytes = static_cast<double>(clip.bytes.size());
  return Measures{bytes,
                  decoded.duration_s > 0 ? bytes * 8 / decoded.duration_s : 0,
                  decoded.duration_s,
                  luma,
                  0.564 * (blue - luma),
                  0.713 * (red - luma),
                  decoded.mean_qp,
                  static_cast<double>(decoded.frames.front().total()),
                  decoded.frames_per_second,
                  Level(sound),
                  LeadingSilence(decoded),
                  Level(sound.first(end)),
                  Level(sound.last(end))};
}

struct MeasuredClip {
  bool fake = false;
  Measures measures{};
};

// Adds one chunk's pairs to the report, and its clips to `all`.
absl::Status AuditChunk(const std::string& path, int threads, AuditReport& report, Measures& more,
                        std::vector<MeasuredClip>& all) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<ChunkClip> clips, ReadChunk(path));
  std::vector<absl::StatusOr<Measures>> measured(clips.size(), Measures{});
  ForEachIndex(static_cast<int>(clips.size()), threads,
               [&](int i) { measured[static_cast<size_t>(i)] = Measure(clips[static_cast<size_t>(i)]); });
  std::map<std::string, size_t> by_name;
  for (size_t i = 0; i < clips.size(); ++i) {
    if (!measured[i].ok()) return Annotate(measured[i].status(), path + ": " + clips[i].name);
    by_name[clips[i].name] = i;
    all.push_back({clips[i].fake, *measured[i]});
  }
  for (size_t i = 0; i < clips.size(); ++i) {
    if (!clips[i].fake) continue;
    const auto original = by_name.find(clips[i].original);
    if (original == by_name.end()) {
      ++report.unpaired;
      continue;
    }
    ++report.pairs;
    for (size_t m = 0; m < kMeasures.size(); ++m) {
      const double difference = (*measured[i])[m] - (*measured[original->second])[m];
      if (std::abs(difference) < 1e-9) {
        ++report.rows[m].ties;
      } else {
        ++report.rows[m].pairs;
        more[m] += difference > 0 ? 1 : 0;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> AuditReport::Outside(double limit) const {
  std::vector<std::string> names;
  for (const MeasureRow& row : rows) {
    if (std::abs(row.fake_more - 0.5) > limit) names.push_back(row.measure);
  }
  return names;
}

absl::StatusOr<AuditReport> Audit(const std::string& folder, int threads) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ListChunks(folder));
  AuditReport report;
  for (const char* measure : kMeasures) report.rows.push_back({.measure = measure});
  Measures more{};
  std::vector<MeasuredClip> all;
  for (const std::string& path : paths) ICPT_RETURN_IF_ERROR(AuditChunk(path, threads, report, more, all));
  if (report.pairs == 0) return FailedPrecondition(folder, ": no fake with its original, nothing to compare");
  for (size_t m = 0; m < kMeasures.size(); ++m) {
    MeasureRow& row = report.rows[m];
    if (row.pairs > 0) row.fake_more = more[m] / row.pairs;
    std::vector<ScoredLabel> scores;
    for (const MeasuredClip& clip : all) scores.push_back({clip.measures[m], clip.fake});
    ICPT_ASSIGN_OR_RETURN(const double auc, Auc(scores));
    row.auc = std::max(auc, 1 - auc);
  }
  return report;
}

}  // namespace interceptor::synth
