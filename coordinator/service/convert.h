// Between the wire's messages and the core's values. Pure. What a message leaves out becomes the value's
// default; words that are none of ours are INVALID_ARGUMENT naming the field.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/core/command.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/status_view.h"
#include "coordinator/journal/event_log.h"
#include "coordinator/runtime/loop.h"
#include "interceptor/v1/cluster_service.pb.h"
#include "interceptor/v1/plan.pb.h"
#include "interceptor/v1/resources.pb.h"
#include "interceptor/v1/worker_service.pb.h"

namespace interceptor::coordinator {

PlanFacts ToPlanFacts(const v1::Plan& plan);

Digest FromProto(const v1::Digest& digest);
TaskRef FromProto(const v1::TaskRef& task);
Hello FromProto(const v1::Hello& hello);
Progress FromProto(const v1::Progress& progress);
DataManifest FromProto(const v1::DataManifest& manifest);
std::vector<ChunkOnBox> FromProto(const v1::Inventory& inventory);
absl::StatusOr<Checkpoint> FromProto(const v1::Checkpoint& checkpoint);
absl::StatusOr<Evaluation> FromProto(const v1::Evaluation& evaluation);

v1::Digest ToProto(const Digest& digest);
v1::Checkpoint ToProto(const Checkpoint& checkpoint);
v1::Checkpoint ToProto(const CheckpointView& checkpoint);
v1::Evaluation ToProto(const Evaluation& evaluation);
v1::DataManifest ToProto(const DataManifest& manifest);
v1::Directive ToProto(const Directive& directive);
v1::Directive ToProto(const Welcome& welcome, const v1::Plan& plan, const std::string& plan_digest);
v1::TaskStatus ToProto(const TaskView& task);
v1::WorkerStatus ToProto(const WorkerView& worker);
v1::ChunkStatus ToProto(const ChunkView& chunk);
v1::Event ToProto(const NumberedFact& fact);

// How this coordinator listens, which the core does not know.
enum class Exposure { kLocal, kInsecure };
v1::GetStatusResponse ToProto(const Snapshot& snapshot, Exposure exposure);

}  // namespace interceptor::coordinator
