#include "worker/detect/page_sections.h"

#include <map>

#include "absl/strings/escaping.h"
#include "common/base/status.h"
#include "worker/detect/page_drawings.h"
#include "worker/detect/page_words.h"
#include "worker/integrate/fitting_rows.h"

namespace interceptor::worker {
namespace {

std::string MomentTable(const ReportField& moments) {
  std::vector<TableRow> rows;
  for (size_t i = 0; i < moments.size(); ++i) {
    rows.push_back(
        {.cells = {SecondsSpan(moments[i]["seconds"]), NumberSpan(moments[i]["logit"], 3, Sign::kAlways)}});
  }
  return Cat("<details><summary>the moments as a table</summary>", Table({"seconds", "logit"}, rows),
             "</details>");
}

std::string Abstention(const ReportField& specialist) {
  return Cat("<span class=\"missing\">abstained: ", TextSpan(specialist["abstained"]), "</span>");
}

std::string TimelineFigure(const ReportField& judged, const ReportField& specialist) {
  const std::string content = specialist["abstained"].is_null()
                                  ? Timeline(judged, specialist) + MomentTable(specialist["moments"])
                                  : Abstention(specialist);
  return Cat("<figure><h3>", TextSpan(specialist["specialist"]), "</h3>", content, "</figure>");
}

std::string Picture(const ReportField& frames, const FacePicture& picture) {
  return Cat("<figure><img alt=\"the judged face\" src=\"data:image/png;base64,",
             absl::Base64Escape(picture.png), "\"><figcaption>",
             SecondsSpan(frames[picture.frame]["seconds"]), " s</figcaption></figure>");
}

// attribute -> the range that was calibrated on
std::map<std::string, ReportField> CalibratedRanges(const ReportField& judged) {
  std::map<std::string, ReportField> ranges;
  const ReportField attributes = judged["bundle_json"]["attributes"];
  for (size_t i = 0; i < attributes.size(); ++i) {
    ranges.emplace(attributes[i]["attribute"].Text(), attributes[i]);
  }
  return ranges;
}

TableRow QualityRow(const std::string& name, const ReportField& value, const ReportField* range) {
  if (range == nullptr) return {.cells = {AttributeWords(name), AttributeSpan(name, value), "not compared"}};
  const ReportField low = (*range)["low"];
  const ReportField high = (*range)["high"];
  const bool is_outside =
      !value.is_null() && !AttributeRange{low.Number(), high.Number()}.Holds(value.Number());
  return {.cells = {AttributeWords(name),
                    Cat(AttributeSpan(name, value), is_outside ? Cat("<br>", Mark("outside")) : ""),
                    Cat(AttributeSpan(name, low), " to ", AttributeSpan(name, high))}};
}

std::string WithoutFace(const ReportField& judged) {
  const ReportField seconds = judged["clip"]["seconds_without_face"];
  const ReportField share = judged["quality"]["face_share"];
  std::string text;
  if (!share.is_null()) {
    text = Cat("<li>A face was found in ", PercentSpan(share), " of the frames that were searched for one.");
  }
  if (seconds.size() > 0) {
    text += text.empty() ? "<li>" : " ";
    text += "Sampled frames without it, in seconds: ";
    for (size_t i = 0; i < seconds.size(); ++i) text += Cat(i == 0 ? "" : ", ", SecondsSpan(seconds[i]));
    text += ".";
  }
  return text.empty() ? text : Cat(text, "</li>");
}

std::string Sound(const ReportField& quality) {
  const auto is_set = [&](std::string_view name) {
    return !quality[name].is_null() && quality[name].Number() > 0;
  };
  if (is_set("sound_damaged")) return "<li>Its sound is damaged and counts as none.</li>";
  if (!is_set("has_sound"))
    return "<li>It has no sound: whether mouth and sound agree cannot be judged.</li>";
  return "<li>Of its sound only what goes with the mouth at the moments shown above, never who is speaking "
         "or "
         "whether the voice itself was made.</li>";
}

}  // namespace

std::string TimelineSection(const ReportField& judged) {
  const ReportField specialists = judged["specialists"];
  std::string figures;
  for (size_t i = 0; i < specialists.size(); ++i) figures += TimelineFigure(judged, specialists[i]);
  const bool has_ticks = judged["clip"]["seconds_without_face"].size() > 0;
  return Cat(
      "<h2>Which seconds drove it</h2><p class=\"note\">What each specialist's network says at each "
      "moment that it looked at (logit, before calibration): above the line towards fake, below towards "
      "real.",
      has_ticks ? " Short bars at the bottom: sampled frames without the face." : "",
      "</p><div class=\"plots wide\">", figures, "</div>");
}

std::string FaceSection(const ReportField& judged, const std::vector<FacePicture>& pictures) {
  const ReportField frames = judged["faces"][size_t{0}]["frames"];
  std::string section = "<h2>The face that was judged</h2>";
  if (frames.size() == 0) return Cat(section, "<p class=\"missing\">No face was found.</p>");
  section +=
      "<p class=\"note\">Is this the person in question? The pictures are evenly spread over the video, as "
      "they were cut out to be judged.</p><div class=\"faces\">";
  for (const FacePicture& picture : pictures) section += Picture(frames, picture);
  return Cat(section, "</div><figure class=\"track\">", FaceTrackDrawing(judged),
             "<figcaption>Where the face is in the picture, from ", SecondsSpan(frames[size_t{0}]["seconds"]),
             " s (hollow) to ", SecondsSpan(frames[frames.size() - 1]["seconds"]),
             " s (full): the box in each sampled frame, and the way of its middle.</figcaption></figure>");
}

std::string SpecialistSection(const ReportField& judged) {
  const ReportField front_end = judged["bundle_json"]["settings"]["model"]["front_end"];
  const auto looks_at = [&](const ReportField& specialist) {
    return Cat("<span class=\"wrap\">", SpecialistWords(specialist.Text(), front_end.Text()), "</span>");
  };
  std::vector<TableRow> rows;
  const ReportField specialists = judged["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    const ReportField name = specialists[i]["specialist"];
    const bool speaks = specialists[i]["abstained"].is_null();
    rows.push_back({.cells = {TextSpan(name),
                              speaks ? NumberSpan(specialists[i]["log10_lr"], 2, Sign::kAlways) : "&#8211;",
                              Cat(looks_at(name), speaks ? "" : Cat("<br>", Abstention(specialists[i])))}});
  }
  const ReportField not_weighed = judged["not_weighed"];
  for (size_t i = 0; i < not_weighed.size(); ++i) {
    const ReportField name = not_weighed[i]["specialist"];
    rows.push_back({.cells = {TextSpan(name), "&#8211;",
                              Cat(looks_at(name), "<br><span class=\"missing\">not weighed: ",
                                  TextSpan(not_weighed[i]["reason"]), "</span>")}});
  }
  return Cat(
      "<h2>What each specialist says</h2><p class=\"note\">Log10 of the likelihood ratio that each gives "
      "alone, above zero for fake. They overlap, so the whole is not their sum.</p>",
      Table({"", "log10 LR", "<span class=\"left\">what it looks at</span>"}, rows));
}

std::string QualitySection(const ReportField& judged) {
  const ReportField quality = judged["quality"];
  const std::map<std::string, ReportField> ranges = CalibratedRanges(judged);
  std::vector<TableRow> rows;
  for (const std::string& name : AttributeNames()) {
    const auto range = ranges.find(name);
    if (quality[name].is_null() && range == ranges.end()) continue;
    rows.push_back(QualityRow(name, quality[name], range == ranges.end() ? nullptr : &range->second));
  }
  return Cat(
      "<h2>Is this video like those it was calibrated on?</h2><p class=\"note\">Outside of the range of "
      "those videos nothing is known of how often the detector errs.</p>",
      Table({"", "this video", "calibrated on"}, rows));
}

std::string NotJudgedSection(const ReportField& judged) {
  return Cat(
      "<h2>What was not judged</h2><ul><li>Other faces: of several in the picture one is followed, the "
      "largest. What is done to the others is not looked at.</li>",
      WithoutFace(judged), Sound(judged["quality"]),
      "<li>Seconds between the moments shown above, and all of the picture that is far from the "
      "face.</li><li>Whether what is shown is true, or is shown in its true context.</li></ul>");
}

std::string BundleSection(const ReportField& judged) {
  const ReportField bundle = judged["bundle_json"];
  const bool is_told = !bundle["trained_on"].Text().empty();
  return Cat(
      "<h2>The detector</h2><dl><dt>SHA-256 of its bundle.json</dt><dd class=\"hex\">",
      TextSpan(judged["bundle"]), "</dd><dt>trained on</dt><dd>",
      is_told ? TextSpan(bundle["trained_on"]) : "nobody said", "</dd><dt>made after chunk</dt><dd>",
      TextSpan(bundle["chunk"]),
      "</dd></dl><p class=\"note\">MODEL_CARD.md in the bundle says what was measured of it on videos that "
      "it was not trained on.</p>");
}

}  // namespace interceptor::worker
