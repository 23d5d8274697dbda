#include "worker/detect/page_verdict.h"

#include "common/base/status.h"
#include "worker/detect/page_drawings.h"
#include "worker/detect/page_words.h"

namespace interceptor::worker {
namespace {

std::string Tile(std::string_view what, const std::string& value, const std::string& note) {
  return Cat("<div class=\"tile\"><div class=\"what\">", what, "</div><div class=\"value\">", value,
             "</div><div class=\"what\">", note, "</div></div>");
}

bool SomeoneSpeaks(const ReportField& judged) {
  const ReportField specialists = judged["specialists"];
  for (size_t i = 0; i < specialists.size(); ++i) {
    if (specialists[i]["abstained"].is_null()) return true;
  }
  return false;
}

bool FiguresHold(const ReportField& judged) { return judged["figures_hold"].IsTrue(); }

// "about 35 times more likely in a fake video than in a real one", said of what was seen.
std::string Likelihood(const ReportField& ratio) {
  if (IsEven(ratio.Number())) return "about as likely in a real video as in a fake one";
  return Cat(TimesSpan(ratio), " more likely in ",
             ratio.Number() > 0 ? "a fake video than in a real one" : "a real video than in a fake one");
}

std::string Statement(const ReportField& judged) {
  const ReportField ratio = judged["log10_lr"];
  if (judged["verdict"].Text() != "INCONCLUSIVE") {
    return Cat("<p class=\"lead\">What was seen in this video is ", Likelihood(ratio), ".</p>");
  }
  std::string text = Cat("<p class=\"lead\">No verdict can be given: ", TextSpan(judged["reason"]), ".</p>");
  if (!FiguresHold(judged)) return text;
  return Cat(text, "<p>By the figures alone what was seen would be ", Likelihood(ratio),
             ". For the reason above that carries no verdict.</p>");
}

std::string_view Headline(std::string_view verdict) {
  if (verdict == "FAKE") return "The evidence speaks for FAKE";
  return verdict == "REAL" ? "The evidence speaks for REAL" : "INCONCLUSIVE: the evidence does not decide";
}

std::string_view ClassOf(std::string_view verdict) {
  if (verdict == "FAKE") return "verdict is-fake";
  return verdict == "REAL" ? "verdict is-real" : "verdict";
}

std::string Warnings(const ReportField& warnings) {
  std::string items;
  for (size_t i = 0; i < warnings.size(); ++i) items += Cat("<li>", TextSpan(warnings[i]), "</li>");
  return items.empty() ? ""
                       : Cat("<div class=\"warnings\" role=\"note\"><h2>Read this first</h2><ul>", items,
                             "</ul></div>");
}

std::string Figures(const ReportField& judged) {
  const ReportField interval = judged["log10_lr_interval"];
  return Cat(
      "<div class=\"tiles\">",
      Tile("probability of fake", PercentSpan(judged["probability_fake"]),
           Cat("if, before anyone looks, ", PercentSpan(judged["prior_fake"]),
               " of all such videos are fake")),
      Tile("log10 of the likelihood ratio",
           Cat(NumberSpan(judged["log10_lr"], 2, Sign::kAlways), " <span class=\"ci\">[",
               NumberSpan(interval[size_t{0}], 2, Sign::kAlways), ", ",
               NumberSpan(interval[1], 2, Sign::kAlways), "]</span>"),
           "above zero for fake, below for real; in brackets where it may lie had other moments of the same "
           "video been looked at (95 %)"),
      Tile("the most that it can support", NumberSpan(judged["log10_lr_bound"], 2),
           "either way: this detector has seen too few videos to support more"),
      "</div>");
}

std::string Thresholds(const ReportField& judged) {
  const ReportField thresholds = judged["thresholds"];
  return Cat("<p class=\"note\">FAKE is said above ",
             NumberSpan(thresholds["fake_above_log10_lr"], 2, Sign::kAlways), ", REAL below ",
             NumberSpan(thresholds["real_below_log10_lr"], 2, Sign::kAlways),
             ", and only where the probability agrees. Of videos like those it was calibrated on, at most ",
             PercentSpan(thresholds["real_error_max"]),
             " of the real ones are expected to be called FAKE, and ",
             PercentSpan(thresholds["fake_error_max"]), " of the fake ones REAL.</p>");
}

}  // namespace

std::string VerdictSection(const ReportField& judged) {
  const std::string verdict = judged["verdict"].Text();
  std::string section =
      Cat("<p class=\"file\">Evidence in <bdi>", TextSpan(judged["file"]), "</bdi></p><div class=\"",
          ClassOf(verdict), "\"><h1>", Headline(verdict), "</h1>", Statement(judged),
          "<p class=\"note\">Evidence is no proof. Whether a video is fake also depends on what is known "
          "beside it: who made it, where it comes from.</p></div>",
          Warnings(judged["warnings"]));
  if (judged["log10_lr"].is_null()) return section;
  if (!SomeoneSpeaks(judged)) {
    return Cat(section, "<p>Nothing was weighed, so there are no figures: the probability stays the ",
               PercentSpan(judged["prior_fake"]), " that was assumed.</p>");
  }
  if (!FiguresHold(judged)) {
    return Cat(section,
               judged["thresholds"].is_null()
                   ? "<p class=\"note\">This detector was not calibrated: its figures are no likelihoods "
                     "and are left out here.</p>"
                   : "<p class=\"note\">Probability and likelihood ratio are left out here: what they are "
                     "worth was measured on other videos than this.</p>");
  }
  return Cat(section, Figures(judged), "<div class=\"ratio\">", RatioDrawing(judged), "</div>",
             Thresholds(judged));
}

}  // namespace interceptor::worker
