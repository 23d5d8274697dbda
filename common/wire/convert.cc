#include "common/wire/convert.h"

#include "common/base/status.h"
#include "common/wire/wire_fields.h"

namespace interceptor {
namespace {

template <typename Value>
absl::StatusOr<Value> Checked(const google::protobuf::Message& message) {
  Value value;
  ICPT_RETURN_IF_ERROR(Read(message, value));
  return value;
}

// Of messages without words that could be none of ours.
template <typename Value>
Value ValueOf(const google::protobuf::Message& message) {
  Value value;
  Read(message, value).IgnoreError();
  return value;
}

}  // namespace

static_assert(static_cast<int>(Phase::kIntegrating) == v1::PHASE_INTEGRATING);

v1::Digest ToProto(const Digest& digest) { return MessageOf<v1::Digest>(digest); }
v1::TaskRef ToProto(const TaskRef& task) { return MessageOf<v1::TaskRef>(task); }
v1::Progress ToProto(const Progress& progress) { return MessageOf<v1::Progress>(progress); }
v1::DataManifest ToProto(const DataManifest& manifest) { return MessageOf<v1::DataManifest>(manifest); }
v1::Checkpoint ToProto(const Checkpoint& checkpoint) { return MessageOf<v1::Checkpoint>(checkpoint); }
v1::Evaluation ToProto(const Evaluation& evaluation) { return MessageOf<v1::Evaluation>(evaluation); }

Digest FromProto(const v1::Digest& digest) { return ValueOf<Digest>(digest); }
TaskRef FromProto(const v1::TaskRef& task) { return ValueOf<TaskRef>(task); }
Phase FromProto(v1::Phase phase) {
  return v1::Phase_IsValid(phase) ? static_cast<Phase>(phase) : Phase::kUnknown;
}
Progress FromProto(const v1::Progress& progress) { return ValueOf<Progress>(progress); }
DataManifest FromProto(const v1::DataManifest& manifest) { return ValueOf<DataManifest>(manifest); }
absl::StatusOr<Checkpoint> FromProto(const v1::Checkpoint& checkpoint) {
  return Checked<Checkpoint>(checkpoint);
}
absl::StatusOr<Evaluation> FromProto(const v1::Evaluation& evaluation) {
  return Checked<Evaluation>(evaluation);
}
SamplingWeight FromProto(const v1::SamplingWeight& weight) { return ValueOf<SamplingWeight>(weight); }
absl::StatusOr<Round> FromProto(const v1::RoundReady& round) { return Checked<Round>(round); }

}  // namespace interceptor
