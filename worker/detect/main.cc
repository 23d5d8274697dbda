// interceptor-detect: a bundle judges videos, one JSON line each.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <future>
#include <iostream>
#include <thread>

#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/detect/detector.h"
#include "worker/detect/judgement_json.h"
#include "worker/detect/page_file.h"
#include "worker/detect/videos.h"
#include "worker/media/decoder_pool.h"

namespace interceptor::worker {
namespace {

enum ExitCode { kJudged = 0, kFailed = 1, kUsage = 2, kSomeInconclusive = 3 };

struct Arguments {
  std::string bundle;
  std::vector<std::string> videos;
  std::string pages;  // folder; empty: none are written
  DetectorOptions detector;
  DecoderPoolOptions pool;
};

// What has come of the videos so far.
struct Tally {
  int64_t total = 0;
  int64_t done = 0;
  int64_t inconclusive = 0;
  int64_t failed = 0;

  int Code() const { return failed > 0 ? kFailed : inconclusive > 0 ? kSomeInconclusive : kJudged; }
};

void ShowProgress(const Tally& tally) {
  if (tally.total < 2) return;
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  if (!is_terminal && tally.done != tally.total) return;
  std::cerr << (is_terminal ? "\r\033[K" : "") << tally.done << "/" << tally.total << " videos, "
            << tally.inconclusive << " inconclusive, " << tally.failed << " failed"
            << (tally.done == tally.total ? "\n" : "") << std::flush;
}

struct Pending {
  std::string path;
  std::future<DecodeOutcome> outcome;
};

std::future<DecodeOutcome> Submit(DecoderPool& pool, const DecodeJob& job, const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadVideo(path);
  if (bytes.ok()) return pool.Submit({path, *std::move(bytes), job});
  DecodeOutcome unread;
  unread.fault = Message(bytes.status());
  std::promise<DecodeOutcome> answer;
  answer.set_value(std::move(unread));
  return answer.get_future();
}

// Prints the line of one video, then writes its page. `clip`: null for one that cannot be decoded.
absl::Status Tell(const Arguments& arguments, const OpenedBundle& opened, const std::string& path,
                  const std::string& line, const DecodedClip* clip) {
  std::cout << line << std::flush;
  if (arguments.pages.empty()) return absl::OkStatus();
  return WritePage(SystemFiles(), arguments.pages, path, line, opened.bundle, clip);
}

absl::Status Finish(const Arguments& arguments, Detector& detector, const OpenedBundle& opened,
                    const std::string& path, DecodeOutcome outcome, Tally& tally) {
  ICPT_RETURN_IF_ERROR(outcome.status);
  ++tally.done;
  if (!outcome.fault.empty()) {
    ++tally.failed;
    const std::string reason = Cat("it cannot be judged: ", outcome.fault);
    return Tell(arguments, opened, path, ToLine(RefusalJson(path, opened.digest, reason)), nullptr);
  }
  ICPT_ASSIGN_OR_RETURN(const VideoJudgement judgement, detector.Judge(outcome.clip));
  if (judgement.verdict == Verdict::kInconclusive) ++tally.inconclusive;
  const auto object = JudgementJson(path, opened.digest, opened.bundle, judgement, outcome.clip);
  return Tell(arguments, opened, path, ToLine(object), &outcome.clip);
}

// In the order they are named in; some are decoded ahead of the one that is judged.
absl::StatusOr<Tally> JudgeAll(Arguments& arguments) {
  ICPT_ASSIGN_OR_RETURN(const Videos videos, FindVideos(arguments.videos));
  if (videos.skipped > 0)
    std::cerr << "interceptor-detect: skipped " << videos.skipped << " files that are no videos\n";
  if (!arguments.pages.empty()) {
    ICPT_RETURN_IF_ERROR(Annotate(SystemFiles().MakeFolder(arguments.pages), "--html"));
  }
  ICPT_ASSIGN_OR_RETURN(const OpenedBundle opened, OpenBundle(SystemFiles(), arguments.bundle));
  const std::string& face_model = opened.bundle.settings.preparation.face_model;
  if (!face_model.empty()) arguments.pool.face_model_path = JoinPath(opened.folder, face_model);
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector,
                        Detector::Load(SystemFiles(), opened, arguments.detector));
  const std::unique_ptr<DecoderPool> pool = DecoderPool::Start(arguments.pool);
  Tally tally{.total = std::ssize(videos.paths)};
  std::deque<Pending> window;
  size_t next = 0;
  while (next < videos.paths.size() || !window.empty()) {
    while (next < videos.paths.size() && window.size() < static_cast<size_t>(arguments.pool.decoders)) {
      const std::string& path = videos.paths[next++];
      window.push_back({path, Submit(*pool, detector->Job(), path)});
    }
    Pending pending = std::move(window.front());
    window.pop_front();
    ICPT_RETURN_IF_ERROR(Finish(arguments, *detector, opened, pending.path, pending.outcome.get(), tally));
    ShowProgress(tally);
  }
  return tally;
}

void AddOptions(CLI::App& app, Arguments& arguments) {
  const int cores = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 64U));
  arguments.detector.threads = cores;
  arguments.pool.decoders = std::min(cores, 4);
  arguments.pool.program = JoinPath(OwnFolder(), "interceptor-decode");
  arguments.pool.face_model_path = INTERCEPTOR_CASCADE;
  app.add_option("--bundle", arguments.bundle, "folder that interceptor-integrate --bundle made")->required();
  app.add_option("VIDEO", arguments.videos, "files, folders of videos, or - for one from standard input")
      ->required();
  app.add_option("--html", arguments.pages, "folder for a page of evidence on each video, beside its line");
  app.add_option("--device", arguments.detector.device, "cpu, cuda:N, or auto: a GPU where there is one")
      ->capture_default_str();
  app.add_option("--threads", arguments.detector.threads, "of the networks (default: one for each core)")
      ->check(CLI::Range(1, 256));
  app.add_option("--decoders", arguments.pool.decoders, "videos decoded at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
}

int Main(int argc, char** argv) {
  SetProgramName("interceptor-detect");
  CLI::App app{
      "Judges videos by a bundle: one JSON line each with verdict, probability, likelihood ratio and what "
      "each specialist says.\n"
      "A verdict is evidence and no proof; INCONCLUSIVE comes with its reason.\n"
      "Examples:\n"
      "  interceptor-detect --bundle detector clip.mp4\n"
      "  interceptor-detect --bundle detector folder | jq -r '[.file, .verdict, .probability_fake] | @tsv'\n"
      "  interceptor-detect --bundle detector --html pages folder\n"
      "Exit codes: 0 each is REAL or FAKE, 1 error or some could not be judged at all, 2 usage, 3 some are "
      "INCONCLUSIVE."};
  Arguments arguments;
  AddOptions(app, arguments);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-detect: ") + error.what() + "; see interceptor-detect --help\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kJudged : kUsage;
  }
  const absl::StatusOr<Tally> tally = JudgeAll(arguments);
  if (tally.ok()) return tally->Code();
  std::cerr << "interceptor-detect: " << Message(tally.status()) << "\n";
  return kFailed;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) { return interceptor::worker::Main(argc, argv); }
