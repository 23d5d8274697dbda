#include "worker/detect/page.h"

#include "common/base/status.h"
#include "common/html/html.h"
#include "common/io/file_system.h"
#include "worker/detect/page_sections.h"
#include "worker/detect/page_style.h"
#include "worker/detect/page_verdict.h"
#include "worker/integrate/report_style.h"

namespace interceptor::worker {

using Json = nlohmann::json;

Json PageRoot(const std::string& line, const Bundle& bundle, const DecodedClip* clip) {
  Json root = Json::parse(line);
  Json attributes = Json::array();
  for (const auto& [name, range] : bundle.attributes) {
    attributes.push_back({{"attribute", name}, {"low", range.low}, {"high", range.high}});
  }
  root["bundle_json"] = {{"chunk", bundle.chunk},
                         {"trained_on", bundle.trained_on},
                         {"attributes", attributes},
                         {"settings", {{"model", {{"front_end", bundle.settings.model.front_end}}}}}};
  const std::vector<double> without_face =
      clip == nullptr ? std::vector<double>() : SecondsWithoutFace(*clip);
  root["clip"] = {{"seconds_without_face", without_face}};
  return root;
}

std::string EvidencePage(const Json& root, const std::vector<FacePicture>& pictures) {
  const ReportField judged(root);
  std::string page =
      Cat("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"><title>",
          EscapeHtml(Cat(judged["verdict"].Text(), ": ", BaseName(judged["file"].Text()))), "</title><style>",
          kReportStyle, kPageStyle, "</style></head><body><main>\n", VerdictSection(judged), "\n");
  if (!judged["specialists"].is_null()) {
    page += Cat(TimelineSection(judged), "\n", FaceSection(judged, pictures), "\n", SpecialistSection(judged),
                "\n", QualitySection(judged), "\n", NotJudgedSection(judged), "\n");
  }
  return Cat(page, BundleSection(judged), "\n</main></body></html>\n");
}

}  // namespace interceptor::worker
