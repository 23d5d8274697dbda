#include "worker/integrate/results.h"

#include <charconv>
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// Fields of a CSV line, quotes as in RFC 4180: a clip's name may hold a comma.
std::vector<std::string> SplitLine(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::string Quoted(const std::string& text) {
  return Cat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

bool ParseNumber(std::string_view text, double& value) {
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && parsed == end && std::isfinite(value);
}

}  // namespace

absl::StatusOr<std::vector<ScoredClip>> ParseScoreTable(std::string_view csv) {
  std::vector<ScoredClip> clips;
  std::map<std::string, size_t> columns;
  int number = 0;
  while (!csv.empty()) {
    ++number;
    const auto fault = [number](const auto&... what) {
      return DataLoss("score table, line ", number, ": ", what...);
    };
    const size_t end = csv.find('\n');
    if (end == std::string_view::npos) return fault("the table breaks off");
    const std::vector<std::string> fields = SplitLine(csv.substr(0, end));
    csv.remove_prefix(end + 1);
    if (number == 1) {
      for (size_t i = 0; i < fields.size(); ++i) columns[fields[i]] = i;
      for (const char* name : {"chunk", "clip", "family", "label", "logit", "step"}) {
        if (!columns.contains(name))
          return DataLoss("score table: its first line has no column '", name, "'");
      }
      continue;
    }
    if (fields.size() != columns.size()) return fault(fields.size(), " fields instead of ", columns.size());
    const auto field = [&](const char* name) { return fields[columns.at(name)]; };
    ScoredClip clip{field("chunk"), field("clip"), field("family")};
    const std::string label = field("label");
    if (label != "REAL" && label != "FAKE") return fault("label '", label, "'");
    clip.fake = label == "FAKE";
    if (!ParseNumber(field("logit"), clip.logit)) return fault("logit '", field("logit"), "'");
    if (!absl::SimpleAtoi(field("step"), &clip.step)) return fault("step '", field("step"), "'");
    clips.push_back(std::move(clip));
  }
  if (number == 0) return DataLoss("score table: it is empty");
  return clips;
}

absl::StatusOr<SpecialistResult> Summarise(std::string_view specialist, const std::vector<ScoredClip>& clips,
                                           uint64_t seed) {
  std::vector<ClipScore> scores;
  for (const ScoredClip& clip : clips) scores.push_back({clip.family, clip.fake, clip.logit});
  ICPT_ASSIGN_OR_RETURN(const Figures figures, Summarise(scores, seed));
  return SpecialistResult{figures, std::string(specialist), clips.front().step};
}

std::string ResultsToCsv(const RoundResults& results) {
  std::string csv =
      "chunk,specialist,step,reals,fakes,families,auc,auc_low,auc_high,log_loss,real_accuracy,fake_accuracy,"
      "too_few,absent\n";
  for (const SpecialistResult& each : results.specialists) {
    csv += Cat(results.chunk_name, ",", each.specialist, ",", each.step, ",", each.reals, ",", each.fakes,
               ",", each.families);
    for (const double figure :
         {each.auc, each.auc_low, each.auc_high, each.log_loss, each.real_accuracy, each.fake_accuracy}) {
      csv += Cat(",", NumberText(figure));
    }
    csv += each.too_few ? ",true,\n" : ",false,\n";
  }
  for (const AbsentSpecialist& each : results.absent) {
    csv += Cat(results.chunk_name, ",", each.specialist, ",,,,,,,,,,,,", Quoted(each.reason), "\n");
  }
  return csv;
}

std::string ResultsToJson(const RoundResults& results) {
  nlohmann::json object = {{"version", 1}, {"chunk_name", results.chunk_name}};
  if (results.chunk) object["chunk"] = *results.chunk;
  object["specialists"] = nlohmann::json::array();
  for (const SpecialistResult& each : results.specialists) {
    object["specialists"].push_back({{"specialist", each.specialist},
                                     {"step", each.step},
                                     {"reals", each.reals},
                                     {"fakes", each.fakes},
                                     {"families", each.families},
                                     {"auc", each.auc},
                                     {"auc_interval", {each.auc_low, each.auc_high}},
                                     {"log_loss", each.log_loss},
                                     {"real_accuracy", each.real_accuracy},
                                     {"fake_accuracy", each.fake_accuracy},
                                     {"too_few", each.too_few}});
  }
  object["absent"] = nlohmann::json::array();
  for (const AbsentSpecialist& each : results.absent) {
    object["absent"].push_back({{"specialist", each.specialist}, {"reason", each.reason}});
  }
  return object.dump(1) + "\n";
}

}  // namespace interceptor::worker
