#include "tests/synth/summary.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "common/base/status.h"
#include "common/stats/ranking.h"
#include "tests/synth/chunk.h"
#include "tests/synth/draws.h"
#include "tests/synth/recipe.h"

namespace interceptor::synth {
namespace {

// "03/abcdefghij.mp4"
using ClipKey = std::string;

struct ScoreRow {
  ClipKey clip;
  bool fake = false;
  double logit = 0;
};

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

std::vector<std::string> SplitCsv(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

absl::Status ReadScores(const std::string& path, std::vector<ScoreRow>& rows) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return NotFound("no score table ", path);
  int number = 1;
  if (line.starts_with("#")) std::getline(file, line), ++number;  // names the version
  const std::vector<std::string> header = SplitCsv(line);
  const auto column = [&](const char* name) {
    return static_cast<size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  const size_t chunk = column("chunk"), clip = column("clip"), label = column("label"),
               logit = column("logit");
  if (std::max({chunk, clip, label, logit}) >= header.size()) {
    return InvalidArgument(path, ": the header needs the columns chunk, clip, label and logit");
  }
  while (std::getline(file, line)) {
    ++number;
    if (line.empty()) continue;
    const std::vector<std::string> cells = SplitCsv(line);
    if (cells.size() < header.size() || (cells[label] != "REAL" && cells[label] != "FAKE")) {
      return InvalidArgument(path, ":", number, ": not a row of a score table");
    }
    char* end = nullptr;
    const double value = std::strtod(cells[logit].c_str(), &end);
    if (end == cells[logit].c_str())
      return InvalidArgument(path, ":", number, ": logit '", cells[logit], "'");
    rows.push_back(
        {.clip = cells[chunk] + "/" + cells[clip], .fake = cells[label] == "FAKE", .logit = value});
  }
  return absl::OkStatus();
}

// The specialist in a file name: its leading letters.
std::string SpecialistOf(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const auto end = std::find_if(stem.begin(), stem.end(), [](unsigned char c) { return !std::isalpha(c); });
  return std::string(stem.begin(), end);
}

absl::StatusOr<double> AucAgainst(std::vector<ScoredLabel> fakes, const std::vector<ScoredLabel>& reals) {
  fakes.insert(fakes.end(), reals.begin(), reals.end());
  return Auc(fakes);
}

absl::StatusOr<nlohmann::json> SummarizeOne(const std::vector<ScoreRow>& rows, const TruthByClip& truth) {
  std::vector<ScoredLabel> all, reals;
  std::map<std::string, std::vector<ScoredLabel>> reals_by_light;
  std::map<std::string, std::vector<ScoredLabel>> fakes_by_kind;
  for (const ScoreRow& row : rows) {
    const ScoredLabel score{.score = row.logit, .fake = row.fake};
    all.push_back(score);
    if (!row.fake) reals.push_back(score);
    const auto found = truth.find(row.clip);
    if (found == truth.end()) continue;
    if (!row.fake) reals_by_light[found->second.dark ? "dark" : "bright"].push_back(score);
    for (const std::string& kind : found->second.kinds) fakes_by_kind[kind].push_back(score);
  }
  ICPT_ASSIGN_OR_RETURN(const double auc, Auc(all));
  nlohmann::json summary = {{"auc", auc}, {"reals", reals.size()}, {"fakes", all.size() - reals.size()}};
  if (truth.empty()) return summary;
  summary["auc_by_kind"] = nlohmann::json::object();
  for (const auto& [kind, fakes] : fakes_by_kind) {
    ICPT_ASSIGN_OR_RETURN(summary["auc_by_kind"][kind], AucAgainst(fakes, reals));
  }
  const auto foreign_noise = fakes_by_kind.find("LL");
  if (foreign_noise == fakes_by_kind.end()) return summary;
  for (const auto& [light, lit] : reals_by_light) {
    ICPT_ASSIGN_OR_RETURN(summary["LL_auc_by_light_of_reals"][light], AucAgainst(foreign_noise->second, lit));
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
