#include "worker/detect/page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "tests/support/catch.h"
#include "tests/support/judged_clip.h"

namespace interceptor::worker {
namespace {

const std::vector<float> kFake = {4, 5, 4, 3};
constexpr char kHostile[] = "a/<img src=x onerror=\"alert(1)\">&'\xff.mp4";

struct Shown {
  std::string field, value, how, text;
};

std::string Attribute(const std::string& tag, std::string_view name) {
  const std::string begin = Cat(" ", name, "=\"");
  const size_t at = tag.find(begin);
  if (at == std::string::npos) return "";
  return tag.substr(at + begin.size(), tag.find('"', at + begin.size()) - at - begin.size());
}

std::vector<Shown> ShownIn(const std::string& page) {
  std::vector<Shown> all;
  for (size_t at = page.find("<body>"); at < page.size();) {
    const size_t end = page.find('>', at);
    const size_t next = std::min(page.find('<', end), page.size());
    const std::string tag = page.substr(at, end - at);
    if (const std::string field = Attribute(tag, "data-field"); !field.empty()) {
      all.push_back({field, Attribute(tag, "data-value"), Attribute(tag, "data-shown"),
                     absl::StrReplaceAll(
                         page.substr(end + 1, next - end - 1),
                         {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})});
    }
    at = next;
  }
  return all;
}

void CheckNumber(const Shown& shown, double value) {
  CATCH_CHECK(shown.value == NumberText(value));
  if (shown.how == "yes-no") {
    CATCH_CHECK(shown.text == (value > 0 ? "yes" : "no"));
    return;
  }
  const double meant = shown.how == "percent" ? 100 * value
                       : shown.how == "times" ? std::pow(10, std::abs(value))
                                              : value;
  size_t length = 0;
  const double printed = std::stod(shown.text, &length);
  CATCH_CHECK(length == shown.text.size());
  const size_t point = shown.text.find('.');
  const double decimals = point == std::string::npos ? 0 : static_cast<double>(length - point - 1);
  // "times" has two digits that count.
  const double slack = shown.how == "times" && meant > 10 ? 0.05 * meant : 0.5 * std::pow(10, -decimals);
  CATCH_CHECK(std::abs(printed - meant) <= slack + 1e-9);
}

std::set<std::string> CheckAll(const nlohmann::json& root, const std::string& page) {
  std::set<std::string> fields;
  for (const Shown& shown : ShownIn(page)) {
    CATCH_INFO(shown.field << " '" << shown.text << "'");
    const auto& value =
        root.at(nlohmann::json::json_pointer("/" + absl::StrReplaceAll(shown.field, {{".", "/"}})));
    if (value.is_number()) {
      CheckNumber(shown, value.get<double>());
    } else {
      CATCH_CHECK(shown.text == value.get<std::string>());
    }
    fields.insert(shown.field);
  }
  return fields;
}

std::string PageOf(const JudgedClip& judged, const std::string& line) {
  return EvidencePage(PageRoot(line, judged.bundle, &judged.clip), *FacePictures(judged.clip, 8));
}

bool Contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

CATCH_TEST_CASE("every value in the page is that of the line at the path that it names") {
  const JudgedClip judged;
  for (const std::vector<float>& logits :
       {kFake, std::vector<float>{0.1F, -0.2F}, std::vector<float>{-4, -5}}) {
    const std::string line = judged.Line(logits);
    const nlohmann::json root = PageRoot(line, judged.bundle, &judged.clip);
    const std::set<std::string> fields = CheckAll(root, PageOf(judged, line));
    for (const char* field : {"file",
                              "bundle",
                              "probability_fake",
                              "prior_fake",
                              "log10_lr",
                              "log10_lr_interval.0",
                              "log10_lr_interval.1",
                              "log10_lr_bound",
                              "thresholds.fake_above_log10_lr",
                              "thresholds.real_below_log10_lr",
                              "thresholds.real_error_max",
                              "thresholds.fake_error_max",
                              "specialists.0.log10_lr",
                              "specialists.0.moments.1.seconds",
                              "specialists.0.moments.1.logit",
                              "specialists.1.abstained",
                              "not_weighed.0.reason",
                              "faces.0.frames.5.seconds",
                              "warnings.0",
                              "warnings.1",
                              "quality.brightness",
                              "quality.face_share",
                              "bundle_json.attributes.1.high",
                              "bundle_json.trained_on",
                              "clip.seconds_without_face.1"}) {
      CATCH_INFO(field);
      CATCH_CHECK(fields.contains(field));
    }
  }
}

CATCH_TEST_CASE("the headline says what the verdict is, and how much more likely on which side") {
  const JudgedClip judged;
  const std::string fake = PageOf(judged, judged.Line(kFake));
  CATCH_CHECK(Contains(fake, "<h1>The evidence speaks for FAKE</h1>"));
  CATCH_CHECK(Contains(fake, "more likely in a fake video than in a real one"));
  CATCH_CHECK(Contains(fake, "<title>FAKE: b.mp4</title>"));
  const std::string real = PageOf(judged, judged.Line({-4, -5, -4}));
  CATCH_CHECK(Contains(real, "<h1>The evidence speaks for REAL</h1>"));
  CATCH_CHECK(Contains(real, "more likely in a real video than in a fake one"));
  const std::string weak = PageOf(judged, judged.Line({0.1F}));
  CATCH_CHECK(Contains(weak, "<h1>INCONCLUSIVE"));
  CATCH_CHECK(Contains(weak, "No verdict can be given: <span data-field=\"reason\">weak evidence"));
  JudgedClip uncalibrated;
  uncalibrated.bundle.fusion.decision.reset();
  const std::string raw = PageOf(uncalibrated, uncalibrated.Line(kFake));
  CATCH_CHECK(Contains(raw, "its figures are no likelihoods "));
  CATCH_CHECK_FALSE(Contains(raw, "more likely"));
  JudgedClip other;
  other.clip.attributes["brightness"] = 0.99;
  const std::string unlike = PageOf(other, other.Line(kFake));
  CATCH_CHECK(Contains(unlike, "was measured on other videos"));
  CATCH_CHECK_FALSE(Contains(unlike, "more likely"));
  CATCH_CHECK_FALSE(Contains(unlike, "data-field=\"probability_fake\""));
  const std::string silent = PageOf(judged, judged.Line({}));
  CATCH_CHECK(Contains(silent, "Nothing was weighed"));
  CATCH_CHECK_FALSE(Contains(silent, "data-field=\"probability_fake\""));
}

CATCH_TEST_CASE("pictures, seconds without a face, missing sound and quality outside are shown") {
  const JudgedClip judged;
  const std::string page = PageOf(judged, judged.Line(kFake));
  size_t pictures = 0;
  for (size_t at = 0; (at = page.find("src=\"data:image/png;base64,iVBOR", at)) != std::string::npos; ++at)
    ++pictures;
  CATCH_CHECK(pictures == 6);
  CATCH_CHECK(Contains(page, "It has no sound"));
  CATCH_CHECK(Contains(page, "class=\"no-face\""));
  const size_t length = page.find("length in seconds");
  CATCH_CHECK(page.find("outside", length) < page.find("</tr>", length));
  const size_t brightness = page.find("brightness (0 dark");
  CATCH_CHECK(page.find("outside", brightness) > page.find("</tr>", brightness));
}

CATCH_TEST_CASE("texts from outside are no markup, and the page needs and runs nothing") {
  const JudgedClip judged;
  const std::string page = PageOf(judged, judged.Line(kFake, kHostile));
  CATCH_CHECK(Contains(page, "a/&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;\xEF\xBF\xBD.mp4"));
  for (const char* part :
       {"<img src=x", "<nothing>", "<collapsed>", "<script", "http", "href=", "@import", "url("}) {
    CATCH_INFO(part);
    CATCH_CHECK_FALSE(Contains(page, part));
  }
  CATCH_CHECK(Contains(page, "prefers-color-scheme: dark"));
}

CATCH_TEST_CASE("a video that cannot be decoded has a page with the reason and no figures") {
  const JudgedClip judged;
  const std::string line = ToLine(RefusalJson("x.mp4", DigestOf("bundle"), "it cannot be judged: <cut>"));
  const nlohmann::json root = PageRoot(line, judged.bundle, nullptr);
  const std::string page = EvidencePage(root, {});
  CATCH_CHECK(CheckAll(root, page) == std::set<std::string>{"file", "reason", "bundle", "bundle_json.chunk",
                                                            "bundle_json.trained_on"});
  CATCH_CHECK(Contains(page, "it cannot be judged: &lt;cut&gt;"));
}

CATCH_TEST_CASE("the same judgement gives the same bytes") {
  const JudgedClip judged;
  CATCH_CHECK(PageOf(judged, judged.Line(kFake)) == PageOf(JudgedClip(), JudgedClip().Line(kFake)));
}

}  // namespace
}  // namespace interceptor::worker
