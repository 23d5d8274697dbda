// Between the facts of common/facts and the messages of proto/interceptor/v1. Pure. What a message leaves out
// becomes the value's default; words that are none of ours are INVALID_ARGUMENT naming the field.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/facts/checkpoint.h"
#include "common/facts/evaluation.h"
#include "common/facts/failure.h"
#include "common/facts/manifest.h"
#include "common/facts/round.h"
#include "common/facts/task.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "interceptor/v1/resources.pb.h"
#include "interceptor/v1/worker_service.pb.h"

namespace interceptor {

v1::Digest ToProto(const Digest& digest);
v1::Cursor ToProto(const Cursor& cursor);
v1::TaskRef ToProto(const TaskRef& task);
v1::Phase ToProto(Phase phase);
v1::Progress ToProto(const Progress& progress);
v1::DataManifest ToProto(const DataManifest& manifest);
v1::Checkpoint ToProto(const Checkpoint& checkpoint);
v1::Evaluation ToProto(const Evaluation& evaluation);
v1::RoundReady ToProto(const Round& round);
google::protobuf::Duration ToProto(absl::Duration duration);
google::protobuf::Timestamp ToProto(absl::Time time);

Digest FromProto(const v1::Digest& digest);
Cursor FromProto(const v1::Cursor& cursor);
TaskRef FromProto(const v1::TaskRef& task);
Phase FromProto(v1::Phase phase);
Progress FromProto(const v1::Progress& progress);
DataManifest FromProto(const v1::DataManifest& manifest);
absl::StatusOr<Checkpoint> FromProto(const v1::Checkpoint& checkpoint);
absl::StatusOr<Evaluation> FromProto(const v1::Evaluation& evaluation);
absl::StatusOr<Round> FromProto(const v1::RoundReady& round);
Failure FromProto(const v1::TaskFailed& failed);
absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& timestamp);

}  // namespace interceptor
