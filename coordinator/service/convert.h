// Between the wire's messages and the core's values. Pure. What a message leaves out becomes the value's
// default; words that are none of ours are INVALID_ARGUMENT naming the field.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/wire/convert.h"
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

using interceptor::FromProto;
using interceptor::ToProto;

PlanFacts ToPlanFacts(const v1::Plan& plan);

Hello FromProto(const v1::Hello& hello);
std::vector<ChunkOnBox> FromProto(const v1::Inventory& inventory);

v1::Checkpoint ToProto(const CheckpointFacts& checkpoint);
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
