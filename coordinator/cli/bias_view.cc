#include "coordinator/cli/bias_view.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/facts/bias.h"
#include "common/facts/evaluation.h"
#include "common/wire/convert.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/sheet.h"
#include "coordinator/cli/text.h"

namespace interceptor::coordinator {
namespace {

// Differences of shares in points of a hundred.
std::string Points(const v1::Gap& gap) {
  const auto points = [](double share) { return static_cast<int>(std::lround(100 * share)); };
  return absl::StrFormat("%+d [%+d, %+d]", points(gap.estimate()), points(gap.low()), points(gap.high()));
}

std::string SliceGap(const v1::Gap& gap) { return gap.too_few() ? "too few" : Points(gap); }

Tone ToneOfGap(const v1::Gap& gap, bool alarm) {
  if (gap.too_few()) return Tone::kFaint;
  return alarm && gap.low() > 0 ? Tone::kBad : Tone::kPlain;
}

std::string Overall(const v1::Gap& gap) { return Cat(Points(gap), gap.too_few() ? "~" : ""); }

std::string Alarms(const v1::Evaluation& evaluation, Encoding encoding) {
  const absl::StatusOr<Evaluation> read = FromProto(evaluation);
  return read.ok() && read->bias ? Clean(DescribeAlarms(read->bias->after), encoding) : "";
}

std::string Sampling(const v1::Bias& bias, Encoding encoding) {
  std::string text;
  for (const v1::SamplingWeight& weight : bias.next_sampling()) {
    text += absl::StrFormat("%s%s of %s %s in %.0f %% of its positions", text.empty() ? "" : ", ",
                            weight.fake() ? "fakes" : "reals", Clean(weight.attribute(), encoding),
                            Clean(weight.slice(), encoding), 100 * weight.share());
  }
  return text;
}

// AUC on each earlier chunk when it had just been trained on - AUC on it after `evaluations[now]`, the mean; in points of a
// hundred.
std::string Forgotten(const std::vector<const v1::Evaluation*>& evaluations, size_t now) {
  std::map<std::string, double> first;
  double lost = 0;
  int chunks = 0;
  for (size_t i = 0; i <= now; ++i) {
    for (const v1::SliceBias& slice : evaluations[i]->bias().after().slices()) {
      if (slice.attribute() != "chunk" || slice.auc() == 0) continue;
      const auto [at, is_first] = first.emplace(slice.slice(), slice.auc());
      if (i < now || is_first) continue;
      lost += at->second - slice.auc();
      ++chunks;
    }
  }
  return chunks == 0 ? kNothing : Fixed(100 * lost / chunks, 1);
}

Lines Chunks(const std::vector<const v1::Evaluation*>& evaluations, const Terminal& terminal) {
  Table table;
  table.gap = terminal.interactive && terminal.columns < 100 ? 1 : 2;
  for (size_t i = 0; i < evaluations.size(); ++i) {
    const v1::Evaluation* e = evaluations[i];
    const v1::BiasReport& after = e->bias().after();
    const int alarms =
        static_cast<int>(std::count_if(after.slices().begin(), after.slices().end(),
                                       [](const v1::SliceBias& slice) { return slice.alarm(); }));
    table.Add(
        {{{{"CHUNK", "INDEX"}, Align::kRight}, {Cat(e->chunk())}},
         {{{"REALS", "/FAKES"}, Align::kRight}, {Cat(after.reals(), "/", after.fakes())}},
         {{{"REAL - FAKE ACCURACY", "UNCALIBRATED"}}, {Overall(e->bias().before().real_fake())}},
         {{{"", "CALIBRATED"}},
          {after.calibrated() ? Overall(after.real_fake()) : "too few",
           after.calibrated() ? Tone::kPlain : Tone::kFaint}},
         {{{"", "AUC"}, Align::kRight}, {Fixed(e->auc(), 3)}},
         {{{"AUC", "LOST"}, Align::kRight}, {Forgotten(evaluations, i)}},
         {{{"SLICES", "IN ALARM"}, Align::kRight}, {Cat(alarms), alarms > 0 ? Tone::kBad : Tone::kPlain}}});
  }
  return Layout(table, Limit(terminal), terminal);
}

Lines Slices(const v1::BiasReport& report, const Terminal& terminal) {
  Table table;
  table.gap = terminal.interactive && terminal.columns < 100 ? 1 : 2;
  for (const v1::SliceBias& slice : report.slices()) {
    const std::string name =
        Cat(Clean(slice.attribute(), terminal.encoding), " ", Clean(slice.slice(), terminal.encoding));
    table.Add(
        {{{{"", "SLICE"}, Align::kLeft, 12},
          {Cat(name, slice.alarm() ? " !" : ""), slice.alarm() ? Tone::kBad : Tone::kPlain}},
         {{{"REALS", "/FAKES"}, Align::kRight}, {Cat(slice.reals(), "/", slice.fakes())}},
         {{{"", "AUC"}, Align::kRight}, {slice.auc() == 0 ? kNothing : Fixed(slice.auc(), 2)}},
         {{{"REAL - FAKE", "ACCURACY"}}, {SliceGap(slice.real_fake()), ToneOfGap(slice.real_fake(), false)}},
         {{{"REALS CALLED", "FAKE, GAP"}},
          {SliceGap(slice.false_positive()), ToneOfGap(slice.false_positive(), slice.alarm())}},
         {{{"FAKES CALLED", "REAL, GAP"}},
          {SliceGap(slice.false_negative()), ToneOfGap(slice.false_negative(), slice.alarm())}}});
  }
  return Layout(table, Limit(terminal), terminal);
}

}  // namespace

v1::ListEvaluationsResponse WithBias(const v1::ListEvaluationsResponse& list) {
  v1::ListEvaluationsResponse with_bias;
  for (const v1::Evaluation& evaluation : list.evaluations()) {
    if (evaluation.has_bias()) *with_bias.add_evaluations() = evaluation;
  }
  return with_bias;
}

Lines RenderBias(const v1::ListEvaluationsResponse& list, const Terminal& terminal) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const v1::Evaluation*>> by_specialist;
  for (const v1::Evaluation& evaluation : list.evaluations()) {
    std::vector<const v1::Evaluation*>& own = by_specialist[evaluation.specialist()];
    if (own.empty()) order.push_back(evaluation.specialist());
    own.push_back(&evaluation);
  }
  Sheet sheet(terminal);
  for (const std::string& specialist : order) {
    std::vector<const v1::Evaluation*>& evaluations = by_specialist[specialist];
    std::ranges::sort(evaluations, {}, [](const v1::Evaluation* e) { return e->chunk(); });
    const v1::Evaluation& newest = *evaluations.back();
    const v1::BiasReport& after = newest.bias().after();
    sheet.Title(Cat(Clean(specialist, terminal.encoding), ", gaps in points of a hundred [95% interval]"));
    sheet.Rows(Chunks(evaluations, Inside(terminal)));
    sheet.Field("in alarm", Alarms(newest, terminal.encoding), Tone::kBad);
    sheet.Field("P(fake)", absl::StrFormat("5 %% to 95 %% of the clips span %.2f; %.0f %% are called fake",
                                           after.spread(), 100 * after.called_fake()));
    sheet.Field("abstained", after.abstained() > 0 ? Cat(after.abstained(), " clips, left out") : "");
    sheet.Field("next chunk shows", Sampling(newest.bias(), terminal.encoding));
    sheet.Rows({""});
    sheet.Rows(Slices(after, Inside(terminal)));
  }
  return sheet.Take();
}

}  // namespace interceptor::coordinator
