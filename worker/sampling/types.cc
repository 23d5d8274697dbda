#include "worker/sampling/types.h"

namespace interceptor::worker {
std::string_view ToString(Label label) {
  switch (label) {
    case Label::kReal:
      return "REAL";
    case Label::kFake:
      return "FAKE";
  }
  return "?";
}

std::string_view ToString(SpecialistName specialist) {
  switch (specialist) {
    case SpecialistName::kBG:
      return "BG";
    case SpecialistName::kAV:
      return "AV";
    case SpecialistName::kCM:
      return "CM";
    case SpecialistName::kRR:
      return "RR";
    case SpecialistName::kLL:
      return "LL";
    case SpecialistName::kTM:
      return "TM";
  }
  return "?";
}

std::optional<Label> ParseLabel(std::string_view text) {
  for (const Label label : {Label::kReal, Label::kFake}) {
    if (text == ToString(label)) return label;
  }
  return std::nullopt;
}

std::optional<SpecialistName> ParseSpecialist(std::string_view text) {
  for (const SpecialistName specialist : kAllSpecialists) {
    if (text == ToString(specialist)) return specialist;
  }
  return std::nullopt;
}

std::string_view ToString(View view) {
  switch (view) {
    case View::kFullFrame:
      return "full_frame";
    case View::kFaceCrop:
      return "face_crop";
    case View::kLumaPatches:
      return "luma_patches";
    case View::kMouthTrack:
      return "mouth_track";
    case View::kLogMel:
      return "log_mel";
    case View::kBurst:
      return "burst";
    case View::kCodecFacts:
      return "codec_facts";
    case View::kBlockMask:
      return "block_mask";
  }
  return "?";
}

std::optional<View> ParseView(std::string_view text) {
  for (const View view : kAllViews) {
    if (text == ToString(view)) return view;
  }
  return std::nullopt;
}

}  // namespace interceptor::worker
