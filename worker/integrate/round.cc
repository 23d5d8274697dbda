#include "worker/integrate/round.h"

#include <array>
#include <map>
#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/integrate/report.h"
#include "worker/integrate/report_page.h"

namespace interceptor::worker {
namespace {

constexpr std::array kSpecialists = {"BG", "AV", "CM", "RR", "LL", "TM"};
constexpr std::string_view kEnding = ".csv";
constexpr std::string_view kLookAhead = "look_ahead-";

std::string TableName(const std::string& chunk, std::string_view specialist) {
  return Cat(chunk, "-", specialist, kEnding);
}

// That every table of a round is of one plan; some do not say.
class OnePlan {
 public:
  absl::Status Check(const std::string& digest, const std::string& path) {
    if (digest.empty() || digest == digest_) return absl::OkStatus();
    if (digest_.empty()) {
      digest_ = digest;
      path_ = path;
      return absl::OkStatus();
    }
    return FailedPrecondition(path, " is of plan ", digest.substr(0, 12), ", ", path_, " of plan ",
                              digest_.substr(0, 12), "; remove the one that does not belong there");
  }

 private:
  std::string digest_;
  std::string path_;
};

absl::Status WriteReport(const FileSystem& files, const std::string& stem, const RoundResults& results) {
  ICPT_ASSIGN_OR_RETURN(const nlohmann::json report, MakeReport(results));
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, stem + ".json", report.dump(1) + "\n"));
  return WriteFileAtomically(files, stem + ".html", ReportPage(report));
}

absl::StatusOr<ScoreTable> ReadTable(const FileSystem& files, const std::string& path, OnePlan& plan) {
  ICPT_ASSIGN_OR_RETURN(const std::string csv, ReadWholeFile(files, path));
  auto table = ParseScoreTable(csv);
  if (!table.ok()) return Annotate(table.status(), path);
  ICPT_RETURN_IF_ERROR(plan.Check(table->plan_digest, path));
  return table;
}

absl::StatusOr<LookAheadTables> ReadLookAhead(const FileSystem& files, const std::string& folder,
                                              const std::string& specialist, OnePlan& plan) {
  LookAheadTables tables;
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(kLookAhead) || !name.ends_with(TableName("", specialist))) continue;
    ICPT_ASSIGN_OR_RETURN(tables.emplace_back(), ReadTable(files, JoinPath(folder, name), plan));
  }
  return tables;
}

}  // namespace

absl::Status FindSpecialists(const FileSystem& files, JoinOptions& options) {
  ICPT_ASSIGN_OR_RETURN(std::vector<std::string> names, files.List(options.tables));
  for (const char* specialist : kSpecialists) {
    const std::string name = TableName(options.chunk, specialist);
    if (std::erase(names, name) > 0) {
      options.specialists.emplace_back(specialist);
    } else {
      options.absent.push_back({specialist, Cat("there is no ", name)});
    }
  }
  const std::string beginning = options.chunk + "-";
  for (const std::string& name : names) {
    if (!name.starts_with(beginning) || !name.ends_with(kEnding)) continue;
    std::string specialist = name.substr(beginning.size(), name.size() - beginning.size() - kEnding.size());
    if (ValidateName(name, specialist).ok()) options.specialists.push_back(std::move(specialist));
  }
  if (!options.specialists.empty()) return absl::OkStatus();
  return NotFound("folder ", options.tables, " holds no score table of chunk ", options.chunk, ", such as ",
                  TableName(options.chunk, kSpecialists[0]));
}

absl::StatusOr<RoundResults> JoinRound(const FileSystem& files, const JoinOptions& options,
                                       const JoinProgress& progress) {
  ICPT_RETURN_IF_ERROR(files.MakeFolder(options.results));
  for (const std::string& folder : {options.results, options.tables}) {
    if (files.Exists(folder)) ICPT_RETURN_IF_ERROR(RemoveTemporaries(files, folder));
  }
  RoundResults results{
      .chunk = options.index, .chunk_name = options.chunk, .specialists = {}, .absent = options.absent};
  OnePlan plan;
  std::map<SpecialistName, ScoreTable> to_fuse;
  std::map<SpecialistName, LookAheadTables> look_ahead;
  for (const std::string& specialist : options.specialists) {
    if (!progress(results)) return absl::CancelledError("stopped; no table of results was written");
    const std::string path = JoinPath(options.tables, TableName(options.chunk, specialist));
    ICPT_ASSIGN_OR_RETURN(ScoreTable table, ReadTable(files, path, plan));
    auto result = Summarise(specialist, table, options.seed);
    if (!result.ok()) return Annotate(result.status(), path);
    results.specialists.push_back(*std::move(result));
    const auto name = ParseSpecialist(specialist);
    if (!name) continue;
    to_fuse.emplace(*name, std::move(table));
    ICPT_ASSIGN_OR_RETURN(look_ahead[*name], ReadLookAhead(files, options.tables, specialist, plan));
  }
  if (!progress(results)) return absl::CancelledError("stopped; no table of results was written");
  absl::StatusOr<RoundFusion> fusion = FuseRound(to_fuse, options.seed, look_ahead);
  if (!fusion.ok()) return Annotate(fusion.status(), Cat("fusing round ", options.chunk));
  results.fusion = *std::move(fusion);
  progress(results);
  const std::string stem = JoinPath(options.results, Cat("round-", options.chunk));
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, stem + ".csv", ResultsToCsv(results)));
  const std::string json = ResultsToJson(results);
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, stem + ".json", json));
  ICPT_RETURN_IF_ERROR(WriteReport(files, JoinPath(options.results, Cat("report-", options.chunk)), results));
  if (options.bundle) {
    auto bundle = WriteBundle(files, *options.bundle, results, to_fuse, json);
    if (!bundle.ok()) return Annotate(bundle.status(), Cat("bundle ", options.bundle->folder));
    results.bundle = *std::move(bundle);
  }
  return results;
}

}  // namespace interceptor::worker
