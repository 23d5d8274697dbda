// The sections of the evidence page below its head. `judged`: the root that page.h describes. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/html/html.h"
#include "worker/detect/faces.h"

namespace interceptor::worker {

std::string TimelineSection(const ReportField& judged);
std::string FaceSection(const ReportField& judged, const std::vector<FacePicture>& pictures);
std::string SpecialistSection(const ReportField& judged);
std::string QualitySection(const ReportField& judged);
std::string NotJudgedSection(const ReportField& judged);
// Of a video that cannot be decoded, too.
std::string BundleSection(const ReportField& judged);

}  // namespace interceptor::worker
