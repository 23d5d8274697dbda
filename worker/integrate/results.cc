#include "worker/integrate/results.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

std::string Quoted(const std::string& text) {
  return Cat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

absl::StatusOr<SpecialistResult> Summarise(std::string_view specialist, const ScoreTable& table,
                                           uint64_t seed) {
  std::vector<ClipScore> scores;
  for (const ScoreRow& row : table.rows) {
    scores.push_back({row.clip.family, row.clip.label == Label::kFake, row.logit});
  }
  ICPT_ASSIGN_OR_RETURN(const Figures figures, Summarise(scores, seed));
  ICPT_ASSIGN_OR_RETURN(Judgement judgement, JudgeSpecialist(table, seed));
  return SpecialistResult{figures, std::string(specialist), table.rows.front().step, std::move(judgement)};
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
    if (each.judgement) object["specialists"].back()["judgement"] = ToJson(*each.judgement);
  }
  if (results.fusion) object["fusion"] = ToJson(*results.fusion);
  object["absent"] = nlohmann::json::array();
  for (const AbsentSpecialist& each : results.absent) {
    object["absent"].push_back({{"specialist", each.specialist}, {"reason", each.reason}});
  }
  return object.dump(1) + "\n";
}

}  // namespace interceptor::worker
