// The evidence page of one judged video: one HTML file that needs nothing else. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "worker/detect/faces.h"
#include "worker/integrate/bundle.h"

namespace interceptor::worker {

// What the page shows: the JSON line of the video, and beside it
//   bundle_json   of the bundle what it was trained and calibrated on, at the paths of bundle.json
//   clip          seconds_without_face: sampled frames without the face
// data-field is a path in this. `line` is what ToLine gives of JudgementJson or RefusalJson; `clip` is null for the latter.
nlohmann::json PageRoot(const std::string& line, const Bundle& bundle, const DecodedClip* clip);

// The same input always gives the same bytes. REQUIRES: `root` is PageRoot's; `pictures` are of its faces.
std::string EvidencePage(const nlohmann::json& root, const std::vector<FacePicture>& pictures);

}  // namespace interceptor::worker
