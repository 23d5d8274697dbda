// Lists and single things as tables of text. Pure; ages are counted from `now`, wall time.
// On an interactive terminal rows are cut to its width, elsewhere nothing is cut.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/cli/table.h"
#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

// Who has what, and who has finished it.
Lines RenderChunks(const v1::ListChunksResponse& list, const Terminal& terminal);
Lines RenderCheckpoints(const v1::ListCheckpointsResponse& list, absl::Time now, const Terminal& terminal);
// One line: what was found when it was read back.
std::string RenderVerdict(const v1::Checkpoint& checkpoint, const v1::VerifyCheckpointResponse& verdict,
                          const Terminal& terminal);
Lines RenderEvents(const v1::ListEventsResponse& list, const Terminal& terminal);
Lines RenderEvaluations(const v1::ListEvaluationsResponse& list, absl::Time now, const Terminal& terminal);

// Everything known about one specialist; newest events first.
struct SpecialistDescription {
  v1::TaskStatus task;
  v1::ListCheckpointsResponse checkpoints;
  v1::ListEvaluationsResponse evaluations;
  v1::ListEventsResponse recent_events;
};

Lines RenderWorker(const v1::DescribeWorkerResponse& description, const Terminal& terminal);
Lines RenderSpecialist(const SpecialistDescription& description, absl::Time now, const Terminal& terminal);
Lines RenderChunk(const v1::ChunkStatus& chunk, const Terminal& terminal);

}  // namespace interceptor::coordinator
