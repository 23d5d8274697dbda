#include "tests/synth/summary.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/stats/bootstrap.h"
#include "tests/synth/chunk.h"
#include "tests/synth/draws.h"
#include "tests/synth/recipe.h"
#include "worker/child_protocol/score_table.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/evaluation/specialist_calibration.h"

namespace interceptor::synth {
namespace {

// "03/abcdefghij.mp4"
using ClipKey = std::string;

struct ClipTruth {
  std::vector<std::string> kinds;
  bool dark = false;
};
using TruthByClip = std::map<ClipKey, ClipTruth>;

absl::StatusOr<TruthByClip> ReadTruth(const std::string& path) {
  std::ifstream file(path);
  if (!file) return NotFound("no truth file ", path);
  TruthByClip clips;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const nlohmann::json truth = nlohmann::json::parse(line, nullptr, false);
    if (!truth.is_object() || !truth.contains("chunk") || !truth.contains("clip") ||
        !truth.contains("kinds") || !truth.contains("dark")) {
      return InvalidArgument(path, ":", number, ": not a line of truth.jsonl");
    }
    clips[truth["chunk"].get<std::string>() + "/" + truth["clip"].get<std::string>()] = {
        .kinds = truth["kinds"].get<std::vector<std::string>>(), .dark = truth["dark"].get<bool>()};
  }
  return clips;
}

using worker::ScoreRow;

absl::Status ReadScores(const std::string& path, std::vector<ScoreRow>& rows) {
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(SystemFiles(), path));
  const absl::StatusOr<worker::ScoreTable> table = worker::ParseScoreTable(text);
  if (!table.ok()) return Annotate(table.status(), path);
  rows.insert(rows.end(), table->rows.begin(), table->rows.end());
  return absl::OkStatus();
}

ClipKey KeyOf(const ScoreRow& row) { return Cat(row.clip.chunk, "/", row.clip.name); }

bool IsFake(const ScoreRow& row) { return row.clip.label == worker::Label::kFake; }

// The specialist in a file name: its leading letters.
std::string SpecialistOf(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const auto end = std::find_if(stem.begin(), stem.end(), [](unsigned char c) { return !std::isalpha(c); });
  return std::string(stem.begin(), end);
}

// What the specialist says of each row, larger for FAKE.
std::vector<ClipScore> Scores(const std::vector<ScoreRow>& rows) {
  std::vector<ClipScore> scores;
  for (const ScoreRow& row : rows)
    scores.push_back({.family = row.clip.family, .fake = IsFake(row), .logit = row.logit});
  return scores;
}

absl::StatusOr<Interval> AucAgainst(std::vector<ClipScore> fakes, const std::vector<ClipScore>& reals) {
  fakes.insert(fakes.end(), reals.begin(), reals.end());
  return AucInterval(fakes, {});
}

// Of what is called fake above 0; 0 is half right.
class AccuracyGap {
 public:
  void Add(bool fake, double ratio) {
    ++clips_[fake];
    right_[fake] += ratio == 0 ? 0.5 : (ratio > 0) == fake;
  }
  double Value() const { return right_[0] / clips_[0] - right_[1] / clips_[1]; }

 private:
  double clips_[2] = {};
  double right_[2] = {};
};

// Nothing under 30 families of a class in a half. These rows are looked ahead at: no fold of them was trained on before.
absl::StatusOr<nlohmann::json> CalibratedGap(const std::vector<ScoreRow>& rows) {
  constexpr int kNoFold = -1;
  AccuracyGap gap;
  for (const worker::Half half : {worker::Half::kCalibrate, worker::Half::kReport}) {
    worker::ScoreTable fitted;
    for (const ScoreRow& row : rows) {
      if (row.half != half) fitted.rows.push_back(row);
    }
    ICPT_ASSIGN_OR_RETURN(const auto fitted_rows,
                          worker::CalibrationRows::Create(std::move(fitted), kNoFold));
    ICPT_ASSIGN_OR_RETURN(const auto calibration, worker::CalibrateSpecialist(fitted_rows));
    if (!calibration.calibrated) return nlohmann::json();
    for (const ScoreRow& row : rows) {
      if (row.half == half) gap.Add(IsFake(row), calibration.LogRatio(row));
    }
  }
  return gap.Value();
}

absl::StatusOr<nlohmann::json> SummarizeOne(const std::vector<ScoreRow>& rows, const TruthByClip& truth) {
  const std::vector<ClipScore> scores = Scores(rows);
  std::vector<ClipScore> all_fakes, reals;
  std::map<std::string, std::vector<ClipScore>> reals_by_light, fakes_by_kind;
  for (size_t i = 0; i < rows.size(); ++i) {
    (scores[i].fake ? all_fakes : reals).push_back(scores[i]);
    const auto found = truth.find(KeyOf(rows[i]));
    if (found == truth.end()) continue;
    if (!scores[i].fake) reals_by_light[found->second.dark ? "dark" : "bright"].push_back(scores[i]);
    if (found->second.kinds.size() == 1) fakes_by_kind[found->second.kinds[0]].push_back(scores[i]);
  }
  ICPT_ASSIGN_OR_RETURN(const Interval overall, AucAgainst(all_fakes, reals));
  nlohmann::json summary = {{"auc", overall.estimate}, {"reals", reals.size()}, {"fakes", all_fakes.size()}};
  const bool looked_ahead =
      std::ranges::all_of(rows, [](const ScoreRow& row) { return row.split == EvaluationKind::kLookAhead; });
  if (looked_ahead) {
    AccuracyGap gap;
    for (const ClipScore& score : scores) gap.Add(score.fake, score.logit);
    ICPT_ASSIGN_OR_RETURN(const nlohmann::json calibrated, CalibratedGap(rows));
    summary["gap"] = {{"uncalibrated", gap.Value()}, {"calibrated", calibrated}};
  }
  if (truth.empty()) return summary;
  summary["auc_by_kind"] = nlohmann::json::object();
  for (const auto& [kind, fakes] : fakes_by_kind) {
    ICPT_ASSIGN_OR_RETURN(const Interval alone, AucAgainst(fakes, reals));
    summary["auc_by_kind"][kind] = {{"auc", alone.estimate},
                                    {"low", alone.low},
                                    {"high", alone.high},
                                    {"fakes", fakes.size()},
                                    {"too_few", alone.too_few}};
  }
  const auto foreign_noise = fakes_by_kind.find("LL");
  if (foreign_noise == fakes_by_kind.end()) return summary;
  for (const auto& [light, lit] : reals_by_light) {
    ICPT_ASSIGN_OR_RETURN(const Interval by_light, AucAgainst(foreign_noise->second, lit));
    summary["LL_auc_by_light_of_reals"][light] = by_light.estimate;
  }
  return summary;
}

}  // namespace

absl::StatusOr<nlohmann::json> Summarize(const std::string& truth_path,
                                         const std::vector<std::string>& score_paths) {
  TruthByClip truth;
  if (!truth_path.empty()) {
    ICPT_ASSIGN_OR_RETURN(truth, ReadTruth(truth_path));
  }
  std::map<std::string, std::vector<ScoreRow>> by_specialist;
  for (const std::string& path : score_paths) {
    ICPT_RETURN_IF_ERROR(ReadScores(path, by_specialist[SpecialistOf(path)]));
  }
  nlohmann::json summary = nlohmann::json::object();
  for (const auto& [specialist, rows] : by_specialist) {
    std::set<ClipKey> clips;
    for (const ScoreRow& row : rows) {
      if (!clips.insert(KeyOf(row)).second) {
        return InvalidArgument("the tables of ", specialist, " score ", KeyOf(row), " twice; leave one out");
      }
    }
    absl::StatusOr<nlohmann::json> one = SummarizeOne(rows, truth);
    if (!one.ok()) return Annotate(one.status(), "scores of " + specialist);
    summary[specialist] = *std::move(one);
  }
  return summary;
}

absl::Status ShuffleLabels(const std::string& data, const std::string& out, uint64_t seed) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ListChunks(data));
  if (std::filesystem::weakly_canonical(data) == std::filesystem::weakly_canonical(out)) {
    return InvalidArgument("--out ", out, " is the data's own folder; give another one");
  }
  for (const std::string& path : paths) {
    ICPT_ASSIGN_OR_RETURN(std::vector<ChunkClip> clips, ReadChunk(path));
    int chunk = 0;
    if (std::sscanf(std::filesystem::path(path).stem().c_str(), "%d", &chunk) != 1) {
      return InvalidArgument(path, ": a chunk's name is its number, like 00.zip");
    }
    std::map<std::string, std::vector<ChunkClip*>> families;
    for (ChunkClip& clip : clips) families[clip.fake ? clip.original : clip.name].push_back(&clip);
    for (auto& [original, members] : families) {
      Draws draws(seed, "shuffle/" + original, {static_cast<uint64_t>(chunk)});
      const ChunkClip* real =
          members[static_cast<size_t>(draws.Integer(0, static_cast<int>(members.size()) - 1))];
      for (ChunkClip* clip : members) {
        clip->fake = clip != real;
        clip->original = clip->fake ? real->name : "";
      }
    }
    ICPT_RETURN_IF_ERROR(WriteChunk(out, chunk, clips));
  }
  return absl::OkStatus();
}

}  // namespace interceptor::synth
