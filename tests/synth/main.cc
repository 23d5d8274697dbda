// interceptor-synth: chunks shaped like DFDC's, with known artefacts, and the checks that they hide no
// shortcut.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "common/base/status.h"
#include "tests/synth/audit.h"
#include "tests/synth/make.h"
#include "tests/synth/summary.h"

extern "C" {
#include <libavutil/log.h>
}

namespace {

using namespace interceptor::synth;

constexpr int kExitOk = 0, kExitError = 1, kExitUsage = 2, kExitNotFound = 4;

// "48" or "48..64".
bool ParseRange(const std::string& text, int& low, int& high) {
  const size_t dots = text.find("..");
  try {
    low = std::stoi(text.substr(0, dots));
    high = dots == std::string::npos ? low : std::stoi(text.substr(dots + 2));
  } catch (const std::exception&) {
    return false;
  }
  return low > 0 && high >= low;
}

struct MakeFlags {
  MakeOptions options;
  std::string size = "320x240", frames = "32..40", fakes = "1..2", mode = "mixed", strength = "standard";
  std::string shortcut;
};

int ExitFor(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  std::fprintf(stderr, "interceptor-synth: %s\n", interceptor::Message(status).c_str());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    default:
      return kExitError;
  }
}

absl::Status RunMake(MakeFlags& flags) {
  RecipeOptions& recipe = flags.options.recipe;
  if (std::sscanf(flags.size.c_str(), "%dx%d", &recipe.width, &recipe.height) != 2 || recipe.width < 96 ||
      recipe.height < 96 || recipe.width % 2 != 0 || recipe.height % 2 != 0) {
    return interceptor::InvalidArgument("--size ", flags.size, ": give WIDTHxHEIGHT, both even, at least 96");
  }
  if (!ParseRange(flags.frames, recipe.frames_min, recipe.frames_max)) {
    return interceptor::InvalidArgument("--frames ", flags.frames, ": give a count or LOW..HIGH");
  }
  if (!ParseRange(flags.fakes, recipe.fakes_min, recipe.fakes_max)) {
    return interceptor::InvalidArgument("--fakes-per-family ", flags.fakes, ": give a count or LOW..HIGH");
  }
  const std::map<std::string, Mode> modes = {
      {"mixed", Mode::kMixed}, {"pure", Mode::kPure}, {"none", Mode::kNone}};
  recipe.mode = modes.at(flags.mode);
  if (flags.strength != "standard") recipe.strength_min = 0;
  if (flags.strength == "weak") recipe.strength_max = 1.0 / 3;
  if (flags.shortcut == "bitrate") recipe.planted_crf_tell = 2;
  return Make(flags.options);
}

void AddMake(CLI::App& app, MakeFlags& flags) {
  CLI::App* make = app.add_subcommand("make", "Make chunks 00.zip, 01.zip, ... and truth.jsonl");
  make->add_option("--out", flags.options.out, "Folder for the zips and truth.jsonl")->required();
  make->add_option("--chunks", flags.options.chunks, "How many zips")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  make->add_option("--families", flags.options.families, "Families in each zip")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  make->add_option("--fakes-per-family", flags.fakes, "Fakes of one original: a count or LOW..HIGH")
      ->capture_default_str();
  make->add_option(
          "--mode", flags.mode,
          "mixed: a fake carries one artefact or several; pure: a fake for each artefact, LL in dark "
          "families only; none: nothing is planted")
      ->capture_default_str()
      ->check(CLI::IsMember({"mixed", "pure", "none"}));
  make->add_option("--single-kind-share", flags.options.recipe.single_kind_share,
                   "Of the fakes in mixed mode, those with one artefact alone")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  make->add_option(
          "--strength", flags.strength,
          "standard: the upper two thirds of each artefact's range; weak: the lowest third; ranged: all")
      ->capture_default_str()
      ->check(CLI::IsMember({"standard", "weak", "ranged"}));
  make->add_flag("--dark-bias", flags.options.recipe.dark_bias,
                 "Most fakes lie in dark families: six or more in each, half of these families without their "
                 "original; four in five bright ones without a fake");
  make->add_option("--size", flags.size, "Usual frame size; some clips differ")->capture_default_str();
  make->add_option("--frames", flags.frames, "Frames in a clip: a count or LOW..HIGH")->capture_default_str();
  make->add_option("--seed", flags.options.seed, "The same seed makes the same bytes")->capture_default_str();
  make->add_option("--threads", flags.options.threads, "Threads; the bytes do not depend on it")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  make->add_option("--from", flags.options.from,
                   "Plant in the *.mp4 of this folder (those its metadata.json calls FAKE left out) instead "
                   "of drawing")
      ->check(CLI::ExistingDirectory);
  make->add_option("--plant-shortcut", flags.shortcut,
                   "Control for audit: 'bitrate' encodes fakes coarser than their originals")
      ->check(CLI::IsMember({"bitrate"}));
}

struct AuditFlags {
  std::string data;
  double limit = 0.08;
  int threads = 2;
  bool json = false;
};

void AddAudit(CLI::App& app, AuditFlags& flags) {
  CLI::App* audit = app.add_subcommand(
      "audit",
      "Paired sign test of fakes against their originals; exit code 1 when a measure is outside the limit");
  audit->add_option("--data", flags.data, "Folder with the zips")->required();
  audit->add_option("--limit", flags.limit, "Largest distance of a share from one half")
      ->capture_default_str();
  audit->add_option("--threads", flags.threads, "Threads")->capture_default_str()->check(CLI::Range(1, 256));
  audit->add_flag("--json", flags.json, "Print JSON instead of a table");
}

int RunAudit(const AuditFlags& flags) {
  const auto report = Audit(flags.data, flags.threads);
  if (!report.ok()) return ExitFor(report.status());
  const std::vector<std::string> outside = report->Outside(flags.limit);
  if (flags.json) {
    nlohmann::json json = {{"pairs", report->pairs},
                           {"unpaired", report->unpaired},
                           {"limit", flags.limit},
                           {"outside", outside}};
    for (const MeasureRow& row : report->rows) {
      json["measures"][row.measure] = {
          {"auc", row.auc}, {"pairs", row.pairs}, {"ties", row.ties}, {"fake_more", row.fake_more}};
    }
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    std::printf("%-15s %6s %6s %6s %10s\n", "MEASURE", "AUC", "PAIRS", "TIES", "FAKE MORE");
    for (const MeasureRow& row : report->rows) {
      std::printf("%-15s %6.3f %6d %6d %9.1f%%\n", row.measure.c_str(), row.auc, row.pairs, row.ties,
                  100 * row.fake_more);
    }
    if (report->unpaired > 0) {
      std::printf("%d fakes without their original in the chunk are left out\n", report->unpaired);
    }
  }
  if (outside.empty()) return kExitOk;
  std::string names;
  for (const std::string& name : outside) names += (names.empty() ? "" : ", ") + name;
  std::fprintf(stderr, "interceptor-synth: a shortcut: %s tells fakes from originals\n", names.c_str());
  return kExitError;
}

struct SummaryFlags {
  std::string truth;
  std::vector<std::string> scores;
};

void AddSummary(CLI::App& app, SummaryFlags& flags) {
  CLI::App* summary =
      app.add_subcommand("summary", "Area under the curve per specialist, and of fakes with one kind alone, as JSON");
  summary->add_option("--truth", flags.truth, "truth.jsonl; without it nothing is said by kind");
  summary->add_option("--scores", flags.scores, "Score tables (CSV), named after their specialist")
      ->required();
}

int RunSummary(const SummaryFlags& flags) {
  const auto summary = Summarize(flags.truth, flags.scores);
  if (!summary.ok()) return ExitFor(summary.status());
  std::printf("%s\n", summary->dump(2).c_str());
  return kExitOk;
}

struct ShuffleFlags {
  std::string data, out;
  uint64_t seed = 1;
};

void AddShuffle(CLI::App& app, ShuffleFlags& flags) {
  CLI::App* shuffle = app.add_subcommand(
      "shuffle-labels",
      "Copy chunks with a clip drawn at random in each family as its original: the null test's data");
  shuffle->add_option("--data", flags.data, "Folder with the zips")->required();
  shuffle->add_option("--out", flags.out, "Folder for the copies")->required();
  shuffle->add_option("--seed", flags.seed, "Which shuffle")->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  interceptor::SetProgramName("interceptor-synth");
  av_log_set_level(AV_LOG_FATAL);
  CLI::App app("Synthetic video chunks with known artefacts, and checks on them");
  app.footer(
      "Examples:\n  interceptor-synth make --out data --chunks 10 --families 20 --seed 7\n"
      "  interceptor-synth make --out data --mode pure --strength ranged --frames 120 --chunks 4 --families "
      "50\n"
      "  interceptor-synth audit --data data");
  app.require_subcommand(1);
  MakeFlags make_flags;
  AuditFlags audit_flags;
  SummaryFlags summary_flags;
  ShuffleFlags shuffle_flags;
  AddMake(app, make_flags);
  AddAudit(app, audit_flags);
  AddSummary(app, summary_flags);
  AddShuffle(app, shuffle_flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  if (app.got_subcommand("make")) return ExitFor(RunMake(make_flags));
  if (app.got_subcommand("audit")) return RunAudit(audit_flags);
  if (app.got_subcommand("summary")) return RunSummary(summary_flags);
  return ExitFor(ShuffleLabels(shuffle_flags.data, shuffle_flags.out, shuffle_flags.seed));
}
