// interceptor-synth: chunks shaped like DFDC's, with known artefacts, and the checks that they hide no shortcut.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <opencv2/core.hpp>

#include "common/base/log.h"
#include "common/base/status.h"
#include "tests/synth/make.h"

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
  std::string size = "320x240", frames = "48..64", fakes = "1..2", mode = "mixed", shortcut;
};

int ExitFor(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  std::fprintf(stderr, "interceptor-synth: %s\n", interceptor::Message(status).c_str());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument: return kExitUsage;
    case absl::StatusCode::kNotFound: return kExitNotFound;
    default: return kExitError;
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
  recipe.mode = flags.mode == "pure" ? Mode::kPure : Mode::kMixed;
  if (flags.shortcut == "bitrate") recipe.planted_crf_tell = 2;
  return Make(flags.options);
}

void AddMake(CLI::App& app, MakeFlags& flags) {
  CLI::App* make = app.add_subcommand("make", "Make chunks 00.zip, 01.zip, ... and truth.jsonl");
  make->add_option("--out", flags.options.out, "Folder for the zips and truth.jsonl")->required();
  make->add_option("--chunks", flags.options.chunks, "How many zips")->capture_default_str()->check(CLI::Range(1, 100));
  make->add_option("--families", flags.options.families, "Families in each zip")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  make->add_option("--fakes-per-family", flags.fakes, "Fakes of one original: a count or LOW..HIGH")
      ->capture_default_str();
  make->add_option("--mode", flags.mode, "mixed: a fake carries several artefacts; pure: six fakes with one each")
      ->capture_default_str()
      ->check(CLI::IsMember({"mixed", "pure"}));
  make->add_option("--size", flags.size, "Usual frame size; some clips differ")->capture_default_str();
  make->add_option("--frames", flags.frames, "Frames in a clip: a count or LOW..HIGH")->capture_default_str();
  make->add_option("--seed", flags.options.seed, "The same seed makes the same bytes")->capture_default_str();
  make->add_option("--threads", flags.options.threads, "Threads; the bytes do not depend on it")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  make->add_option("--plant-shortcut", flags.shortcut,
                   "Control for audit: 'bitrate' encodes fakes coarser than their originals")
      ->check(CLI::IsMember({"bitrate"}));
}

}  // namespace

int main(int argc, char** argv) {
  interceptor::SetProgramName("interceptor-synth");
  // Families are the unit of parallel work; threads inside OpenCV would only fight over the cores.
  cv::setNumThreads(1);
  av_log_set_level(AV_LOG_ERROR);
  CLI::App app("Synthetic video chunks with known artefacts, and checks on them");
  app.footer("Example:\n  interceptor-synth make --out data --chunks 10 --families 6 --seed 7");
  app.require_subcommand(1);
  MakeFlags make_flags;
  AddMake(app, make_flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  if (app.got_subcommand("make")) return ExitFor(RunMake(make_flags));
  return kExitUsage;
}
