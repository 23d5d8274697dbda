#include "worker/sampling/types.h"

#include "common/base/enum_names.h"

namespace interceptor::worker {
namespace {

constexpr std::pair<Label, std::string_view> kLabels[] = {{Label::kReal, "REAL"}, {Label::kFake, "FAKE"}};

constexpr std::pair<SpecialistName, std::string_view> kSpecialists[] = {
    {SpecialistName::kBG, "BG"}, {SpecialistName::kAV, "AV"}, {SpecialistName::kCM, "CM"},
    {SpecialistName::kRR, "RR"}, {SpecialistName::kLL, "LL"}, {SpecialistName::kTM, "TM"}};

constexpr std::pair<View, std::string_view> kViews[] = {
    {View::kFullFrame, "full_frame"},   {View::kFaceCrop, "face_crop"},  {View::kLumaPatches, "luma_patches"},
    {View::kMouthTrack, "mouth_track"}, {View::kLogMel, "log_mel"},      {View::kBurst, "burst"},
    {View::kCodecFacts, "codec_facts"}, {View::kBlockMask, "block_mask"}};

}  // namespace

std::string_view ToString(Label label) { return NameOf(kLabels, label); }
std::string_view ToString(SpecialistName specialist) { return NameOf(kSpecialists, specialist); }
std::string_view ToString(View view) { return NameOf(kViews, view); }
std::optional<Label> ParseLabel(std::string_view text) { return ValueNamed(kLabels, text); }
std::optional<SpecialistName> ParseSpecialist(std::string_view text) {
  return ValueNamed(kSpecialists, text);
}
std::optional<View> ParseView(std::string_view text) { return ValueNamed(kViews, text); }

}  // namespace interceptor::worker
