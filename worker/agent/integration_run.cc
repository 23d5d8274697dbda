#include "worker/agent/integration_run.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/integrate/results.h"

namespace interceptor::worker {

absl::Status WriteRound(const FileSystem& files, const IntegrateRound& round,
                        const IntegrationOptions& options) {
  const std::string tables = JoinPath(options.results_folder, "tables");
  ICPT_RETURN_IF_ERROR(files.MakeFolder(tables));
  for (const std::string& folder : {options.results_folder, tables}) {
    ICPT_RETURN_IF_ERROR(RemoveTemporaries(files, folder));
  }
  RoundResults results{.chunk = round.chunk, .chunk_name = options.chunk_name, .specialists = {}};
  for (const Evaluation& evaluation : round.evaluations) {
    const std::string path = JoinPath(tables, Cat(options.chunk_name, "-", evaluation.specialist, ".csv"));
    ICPT_RETURN_IF_ERROR(
        Annotate(options.fetch(evaluation.score_table, path), Cat("score table of ", evaluation.specialist)));
    ICPT_ASSIGN_OR_RETURN(const std::string csv, ReadWholeFile(files, path));
    auto clips = ParseScoreTable(csv);
    if (!clips.ok()) return Annotate(clips.status(), path);
    auto result = Summarise(evaluation.specialist, evaluation.step, *clips, options.seed);
    if (!result.ok()) return Annotate(result.status(), path);
    results.specialists.push_back(*std::move(result));
  }
  const std::string stem = JoinPath(options.results_folder, Cat("round-", options.chunk_name));
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, stem + ".csv", ResultsToCsv(results)));
  return WriteFileAtomically(files, stem + ".json", ResultsToJson(results));
}

}  // namespace interceptor::worker
