// Between the facts of common/facts and the messages of proto/interceptor/v1. Pure. What a message leaves out
// becomes the value's default; words that are none of ours are INVALID_ARGUMENT naming the field.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/facts/checkpoint.h"
#include "common/facts/evaluation.h"
#include "common/facts/manifest.h"
#include "common/facts/round.h"
#include "common/facts/task.h"
#include "common/message/message_fields.h"
#include "interceptor/v1/resources.pb.h"
#include "interceptor/v1/worker_service.pb.h"

namespace interceptor {

v1::Digest ToProto(const Digest& digest);
v1::TaskRef ToProto(const TaskRef& task);
v1::Progress ToProto(const Progress& progress);
v1::DataManifest ToProto(const DataManifest& manifest);
v1::Checkpoint ToProto(const Checkpoint& checkpoint);
v1::Evaluation ToProto(const Evaluation& evaluation);

Digest FromProto(const v1::Digest& digest);
TaskRef FromProto(const v1::TaskRef& task);
Phase FromProto(v1::Phase phase);
Progress FromProto(const v1::Progress& progress);
DataManifest FromProto(const v1::DataManifest& manifest);
absl::StatusOr<Checkpoint> FromProto(const v1::Checkpoint& checkpoint);
absl::StatusOr<Evaluation> FromProto(const v1::Evaluation& evaluation);
SamplingWeight FromProto(const v1::SamplingWeight& weight);
absl::StatusOr<Round> FromProto(const v1::RoundReady& round);

}  // namespace interceptor
