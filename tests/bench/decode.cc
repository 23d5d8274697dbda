// interceptor-bench decode: what preparing costs, along the real way: zip entry, sandboxed decoder process,
// record in a clip store. Prints medians over the repeats, of one clip or summed over a chunk's clips:
//   cpu_s            user and system time of preparer and decoder, the full-frame view alone
//   wall_s           the same by the clock
//   frames           frames in the store
//   rss_mb           the decoder's peak memory, every view cut
//   all_views_cpu_s  like cpu_s, every view cut
//   face_rate        share of the searched frames that show a face
//   reread_cpu_s     reading all those samples back from the store, digests compared
//   origin_cpu_s     with --origin: OpenCV's VideoCapture, one seek for each frame, BGR resized to 224
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/archive.h"
#include "worker/store/clip_store.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

struct Settings {
  std::string clip;
  std::string zip;
  int frames = 16;
  int repeat = 5;
  bool origin = false;
};

double ProcessorSeconds(clockid_t clock) {
  timespec used{};
  return clock_gettime(clock, &used) == 0
             ? static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec)
             : 0;
}

double ChildSeconds(pid_t child) {
  clockid_t clock;
  return clock_getcpuclockid(child, &clock) == 0 ? ProcessorSeconds(clock) : 0;
}

double PeakMegabytes(pid_t child) {
  const auto status = ReadWholeFile(SystemFiles(), Cat("/proc/", child, "/status"));
  const size_t at = status.ok() ? status->find("VmHWM:") : std::string::npos;
  return at == std::string::npos ? 0 : std::stod(status->substr(at + 6)) / 1e3;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

struct Round {
  double cpu_s = 0;
  double wall_s = 0;
  int64_t frames = 0;
  double face_rate = 0;  // mean over the clips
};

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings) {}

  absl::StatusOr<nlohmann::json> Run() {
    ICPT_RETURN_IF_ERROR(Begin());
    std::vector<double> cpu, wall, all_cpu, reread;
    Round last;
    for (int i = 0; i < settings_.repeat; ++i) {
      ICPT_ASSIGN_OR_RETURN(const Round full, Prepare({View::kFullFrame}));
      ICPT_ASSIGN_OR_RETURN(last, Prepare(SingleClipViews()));
      ICPT_ASSIGN_OR_RETURN(const double read_s, ReadBack());
      cpu.push_back(full.cpu_s);
      wall.push_back(full.wall_s);
      all_cpu.push_back(last.cpu_s);
      reread.push_back(read_s);
    }
    nlohmann::json result = {{"cpu_s", Median(cpu)},
                             {"wall_s", Median(wall)},
                             {"frames", last.frames},
                             {"rss_mb", PeakMegabytes(child_)},
                             {"all_views_cpu_s", Median(all_cpu)},
                             {"face_rate", last.face_rate},
                             {"reread_cpu_s", Median(reread)}};
    if (settings_.origin) {
      ICPT_ASSIGN_OR_RETURN(result["origin_cpu_s"], Origin());
    }
    return result;
  }

 private:
  absl::Status Begin() {
    std::string zip = settings_.zip;
    if (zip.empty()) {
      ICPT_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(SystemFiles(), settings_.clip));
      zip = folder_.File("clip.zip");
      ICPT_RETURN_IF_ERROR(WriteFileAtomically(
          SystemFiles(), zip, RawZip({{.name = BaseName(settings_.clip), .bytes = std::move(bytes)}})));
    }
    ICPT_ASSIGN_OR_RETURN(archive_, Archive::Open(zip));
    ICPT_ASSIGN_OR_RETURN(const std::string self, SelfPath());
    DecoderPoolOptions pool;
    pool.program = JoinPath(ParentFolder(self), "interceptor-decode");
    pool.face_model_path = INTERCEPTOR_CASCADE;
    pool.before_job = [this](const std::string&, pid_t child) { child_ = child; };
    pool_ = DecoderPool::Start(pool);
    // Starts the child, which is done once for thousands of clips.
    return pool_->Submit({"start", "no clip", {}}).get().status;
  }

  static absl::StatusOr<std::string> SelfPath() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return Internal("cannot find this program's own file");
    return std::string(path, static_cast<size_t>(length));
  }

  absl::StatusOr<Round> Prepare(const std::vector<View>& views) {
    Round round;
    int64_t clips = 0;
    const MonotonicTime begin = SystemClock().Now();
    const double own = ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID);
    const double childs = ChildSeconds(child_);
    ICPT_ASSIGN_OR_RETURN(const auto store, ClipStoreWriter::Create(SystemFiles(), StorePath()));
    for (const ArchiveEntry& entry : archive_->entries()) {
      if (entry.path.ends_with(".json")) continue;
      ICPT_ASSIGN_OR_RETURN(std::string bytes, archive_->Read(entry));
      DecodeJob job{.frames = settings_.frames, .views = views};
      // As an original, which is more work than a fake.
      if (views.size() > 1) job.thumbnail_mode = ThumbnailMode::kNearFullFrames;
      DecodeOutcome outcome = pool_->Submit({entry.path, std::move(bytes), job}).get();
      ICPT_RETURN_IF_ERROR(outcome.status);
      if (!outcome.fault.empty()) return DataLoss(entry.path, ": ", outcome.fault);
      StoredClip stored = StoredClipOf(outcome.clip);
      stored.info = {.chunk = "00", .name = entry.path, .family = entry.path};
      ICPT_RETURN_IF_ERROR(store->Add(stored));
      round.frames += static_cast<int64_t>(stored.frame_seconds.size());
      round.face_rate += stored.attributes.contains("face_share") ? stored.attributes["face_share"] : 0;
      ++clips;
    }
    if (clips == 0) return InvalidArgument("no clips in ", archive_->path());
    ICPT_RETURN_IF_ERROR(store->Commit());
    round.cpu_s = ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID) - own + ChildSeconds(child_) - childs;
    round.wall_s = absl::ToDoubleSeconds(SystemClock().Now() - begin);
    round.face_rate /= static_cast<double>(clips);
    return round;
  }

  absl::StatusOr<double> ReadBack() const {
    const double begin = ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID);
    ICPT_ASSIGN_OR_RETURN(const auto store, ClipStoreReader::Open(StorePath()));
    std::string batch;
    for (const StoredClip& clip : store->clips()) {
      for (const ViewTensor& view : clip.views) {
        ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, VerifiedBytes(clip, view));
        batch.assign(bytes);
      }
    }
    return ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
  }

  absl::StatusOr<double> Origin() const {
    const double begin = ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID);
    cv::VideoCapture video(settings_.clip);
    if (!video.isOpened()) return DataLoss("OpenCV cannot open ", settings_.clip);
    const auto frames = static_cast<int64_t>(video.get(cv::CAP_PROP_FRAME_COUNT));
    for (const int64_t index : EvenlySpaced(frames, settings_.frames)) {
      cv::Mat picture;
      cv::Mat view;
      video.set(cv::CAP_PROP_POS_FRAMES, static_cast<double>(index));
      if (!video.read(picture)) return DataLoss("OpenCV cannot read frame ", index);
      cv::resize(picture, view, {224, 224});
    }
    return ProcessorSeconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
  }

  std::string StorePath() const { return folder_.File("bench.clips"); }

  const Settings& settings_;
  const ScratchFolder folder_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<DecoderPool> pool_;
  pid_t child_ = -1;
};

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  SetProgramName("interceptor-bench-decode");
  worker::Settings settings;
  bool as_json = false;
  CLI::App app(
      "Measures the preparation of one clip, or of a chunk's clips, from zip entry to clip store.\n\n"
      "Example: interceptor-bench decode --clip clip.mp4 --frames 16 --repeat 5 --json");
  auto* clip = app.add_option("--clip", settings.clip, "one clip")->check(CLI::ExistingFile);
  auto* zip = app.add_option("--zip", settings.zip, "a chunk")->check(CLI::ExistingFile)->excludes(clip);
  app.add_option("--frames", settings.frames, "frames of each clip")
      ->default_val(16)
      ->check(CLI::Range(1, 1000));
  app.add_option("--repeat", settings.repeat, "how often; medians count")
      ->default_val(5)
      ->check(CLI::Range(1, 1000));
  app.add_flag("--origin", settings.origin, "also OpenCV with one seek for each frame")->needs(clip);
  app.add_flag("--json", as_json, "one JSON object on stdout");
  CLI11_PARSE(app, argc, argv);
  if (clip->empty() && zip->empty()) {
    std::fprintf(stderr, "interceptor-bench decode: name --clip FILE or --zip FILE\n");
    return 2;
  }
  const auto result = worker::Bench(settings).Run();
  if (!result.ok()) {
    ICPT_LOG(kError) << Message(result.status());
    return 1;
  }
  if (as_json) {
    std::printf("%s\n", result->dump().c_str());
  } else {
    for (const auto& [name, value] : result->items())
      std::printf("%-16s %s\n", name.c_str(), value.dump().c_str());
  }
  return 0;
}
