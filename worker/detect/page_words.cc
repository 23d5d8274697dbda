#include "worker/detect/page_words.h"

#include <cmath>
#include <map>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

using Words = std::map<std::string_view, std::string_view>;

const Words kAttributes = {{"bits_per_pixel", "bits spent on a pixel (few: strongly compressed)"},
                           {"brightness", "brightness (0 dark, 1 white)"},
                           {"duration_s", "length in seconds"},
                           {"face_pixels", "side of the face in pixels"},
                           {"face_share", "searched frames that show a face"},
                           {"frame_rate", "frames in a second"},
                           {"has_sound", "has sound"},
                           {"height", "height in pixels"},
                           {"sound_damaged", "sound is damaged"},
                           {"width", "width in pixels"}};

// docs/specialists.md.
const Words kLooksAt = {
    {"BG",
     "Whether the face fits its surroundings in sharpness and colour, and whether a seam runs around it."},
    {"AV", "Whether the mouth moves as the sound has it."},
    {"CM", "Whether the inner face was compressed otherwise than what surrounds it."},
    {"RR", "Whether the inner face was made in another resolution than what surrounds it."},
    {"LL", "Whether the noise of the inner face fits that of its surroundings at the same brightness."},
    {"TM", "Whether face and head move steadily from frame to frame."}};
constexpr std::string_view kFaceAlone = "Pictures of the face, as all specialists of this plan do.";

std::string Shown(const ReportField& field, std::string_view how, std::string_view text) {
  return Cat("<span class=\"n\"", field.Attributes(), " data-shown=\"", how, "\">", text, "</span>");
}

// Three digits that count; whole above a hundred.
std::string ShortText(double value) {
  return std::abs(value) >= 100 ? absl::StrFormat("%.0f", value) : absl::StrFormat("%.3g", value);
}

std::string PercentText(double share) {
  const double percent = 100 * share;
  if (percent > 0 && percent < 0.001) return "under 0.001";
  if (percent < 100 && percent >= 99.9) return "over 99.9";
  return absl::StrFormat("%.3g", percent);
}

std::string TimesText(double log10_ratio) {
  const double times = std::pow(10, std::abs(log10_ratio));
  if (times < 9.95) return RoundedText(times, 1);
  const double unit = std::pow(10, std::floor(std::log10(times)) - 1);
  return absl::StrFormat("%.0f", std::round(times / unit) * unit);
}

}  // namespace

std::string PercentSpan(const ReportField& share) {
  return Cat(Shown(share, "percent", PercentText(share.Number())), " %");
}

std::string TimesSpan(const ReportField& log10_ratio) {
  return Cat("about ", Shown(log10_ratio, "times", TimesText(log10_ratio.Number())), " times");
}

bool IsEven(double log10_ratio) { return TimesText(log10_ratio) == "1.0"; }

std::string SecondsSpan(const ReportField& seconds) {
  return seconds.is_null() ? "unknown" : NumberSpan(seconds, 2);
}

std::string AttributeSpan(std::string_view attribute, const ReportField& value) {
  if (value.is_null()) return "unknown";
  if (attribute == "face_share") return PercentSpan(value);
  if (attribute == "has_sound" || attribute == "sound_damaged") {
    return Shown(value, "yes-no", value.Number() > 0 ? "yes" : "no");
  }
  return Cat("<span class=\"n\"", value.Attributes(), ">", ShortText(value.Number()), "</span>");
}

std::vector<std::string> AttributeNames() {
  std::vector<std::string> names;
  for (const auto& [name, words] : kAttributes) names.emplace_back(name);
  return names;
}

std::string AttributeWords(std::string_view attribute) {
  const auto words = kAttributes.find(attribute);
  return EscapeHtml(words == kAttributes.end() ? attribute : words->second);
}

std::string SpecialistWords(std::string_view specialist, std::string_view front_end) {
  if (front_end.empty() || front_end == "face_crop") return std::string(kFaceAlone);
  const auto words = kLooksAt.find(specialist);
  return words == kLooksAt.end() ? "" : std::string(words->second);
}

}  // namespace interceptor::worker
