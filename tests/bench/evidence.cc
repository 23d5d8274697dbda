// interceptor-bench evidence: what one specialist's front end makes of a clip, without any learning. Prints
//   {"windows": [{"seconds", "statistic", "abstained"}]}
// a window for each moment that the specialist can look at, through the whole clip: larger statistics are more
// evidence of manipulation. Windows of mouth and sound begin each 0.32 s. A clip without such a moment gives one
// window that is abstained from. With --map it prints where the statistic is large instead (evidence_map.h).
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/bench/evidence_clip.h"
#include "tests/bench/evidence_map.h"
#include "worker/media/clip_decoder.h"
#include "worker/models/evidence.h"
#include "worker/models/specialist.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

struct Arguments {
  std::string specialist;
  std::string clip;
  std::string face_model = INTERCEPTOR_CASCADE;
  bool map = false;
};

absl::StatusOr<nlohmann::json> Measure(const Arguments& arguments, SpecialistName specialist) {
  ICPT_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(SystemFiles(), arguments.clip));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<FaceDetector> detector,
                        FaceDetector::Load(arguments.face_model));
  ICPT_ASSIGN_OR_RETURN(const DecodedClip decoded,
                        DecodeClip(bytes, {.frames = 64, .whole_clip = true}, *detector));
  if (arguments.map) return EvidenceMap(specialist, bytes, decoded);
  StoredClip clip = StoredClipOf(decoded);
  std::string mouths;
  std::string sounds;
  SlideMouthWindows(clip, mouths, sounds);
  const std::span<const View> views = ViewsOf(specialist, FrontEndMode::kSpecialist);
  const std::vector<Moment> moments = MomentsOf(clip, views.front());
  nlohmann::json windows = nlohmann::json::array();
  if (moments.empty()) windows.push_back({{"seconds", 0}, {"statistic", 0}, {"abstained", true}});
  for (size_t i = 0; i < moments.size(); ++i) {
    SpecialistInput input;
    ICPT_RETURN_IF_ERROR(AppendSample(clip, views, static_cast<int64_t>(i), input));
    ICPT_ASSIGN_OR_RETURN(const std::vector<float> statistic, EvidenceStatistic(specialist, input));
    windows.push_back({{"seconds", moments[i].seconds}, {"statistic", statistic[0]}, {"abstained", false}});
  }
  return nlohmann::json{{"windows", windows}};
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  using namespace interceptor::worker;
  Arguments arguments;
  CLI::App app("What one specialist's front end makes of a clip, without any learning.");
  app.footer("\nExample:\n  interceptor-bench-evidence --specialist CM --clip film.mp4 --json");
  app.add_option("--specialist", arguments.specialist, "BG, AV, CM, RR, LL or TM")->required();
  app.add_option("--clip", arguments.clip, "an MP4 file")->required();
  app.add_option("--face-model", arguments.face_model, "YuNet (.onnx) or a cascade (.xml)")
      ->capture_default_str();
  app.add_flag("--map", arguments.map,
               "print a map of the statistic instead: see tests/bench/evidence_map.h");
  app.add_flag_function(
      "--json", [](int64_t) {}, "accepted, as by the other benches: the output always is JSON");
  CLI11_PARSE(app, argc, argv);
  const std::optional<SpecialistName> specialist = ParseSpecialist(arguments.specialist);
  if (!specialist.has_value()) {
    ICPT_LOG(kError) << "--specialist " << arguments.specialist << " is none of BG, AV, CM, RR, LL, TM";
    return 2;
  }
  const absl::StatusOr<nlohmann::json> result = Measure(arguments, *specialist);
  if (!result.ok()) {
    ICPT_LOG(kError) << arguments.clip << ": " << Message(result.status());
    return 1;
  }
  std::cout << result->dump() << std::endl;
  return 0;
}
