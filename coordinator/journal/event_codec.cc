#include "coordinator/journal/event_codec.h"

#include <array>
#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/message/fact_fields.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "interceptor/journal/v1/journal.pb.h"

namespace interceptor::coordinator {

void Fields(auto& visit, Is<Incarnation> auto& start) { visit(start.number, start.nonce); }

void Fields(auto& visit, Is<PlanAdopted> auto& e) { visit(e.name, e.digest); }
void Fields(auto& visit, Is<CoordinatorStarted> auto& e) { Fields(visit, e.incarnation); }
void Fields(auto& visit, Is<MemberAttached> auto& e) { visit(e.member, e.box, e.incarnation); }
void Fields(auto& visit, Is<MemberLeft> auto& e) { visit(e.member, e.box, e.reason); }
void Fields(auto& visit, Is<DrainRequested> auto& e) { visit(e.member); }
void Fields(auto& visit, Is<ChunkDigestFixed> auto& e) { visit(e.chunk, e.sha256, e.size_bytes, e.box); }
void Fields(auto& visit, Is<ManifestCommitted> auto& e) { visit(e.manifest, e.box); }
void Fields(auto& visit, Is<TaskGranted> auto& e) {
  visit(e.task, e.term, e.member, e.box, e.next_chunk, e.base);
}
void Fields(auto& visit, std::derived_from<LeaseEvent> auto& e) { visit(e.task, e.reason); }
void Fields(auto& visit, Is<LeaseReclaimed> auto& e) { visit(e.task); }
void Fields(auto& visit, Is<TaskFailureRecorded> auto& e) { visit(e.task, e.code, e.text, e.paused); }
void Fields(auto& visit, Is<CheckpointCommitted> auto& e) {
  const auto checkpoint = [&c = e.checkpoint](auto& nested) {
    nested(c.id, c.specialist, c.blob, c.step, c.cursor, c.training_seconds, c.manifests,
           ReasonWord(c.reason), c.committed_at);
  };
  visit(checkpoint, e.term, e.box);
}
void Fields(auto& visit, std::derived_from<CheckpointEvent> auto& e) { visit(e.id); }
void Fields(auto& visit, Is<RemovalDone> auto& e) { visit(e.blob); }
void Fields(auto& visit, Is<EvaluationRecorded> auto& e) { Fields(visit, e.evaluation); }
void Fields(auto& visit, Is<ChunkCompleted> auto& e) {
  visit(e.task, e.chunk, e.step, e.training_seconds, e.last);
}
void Fields(auto& visit, Is<PlanPaused> auto& e) { visit(e.reason); }
void Fields(auto&, Is<PlanResumed> auto&) {}
void Fields(auto&, Is<PlanFinished> auto&) {}
void Fields(auto& visit, Is<HistoryLost> auto& e) { visit(e.seen, e.why, e.now, e.term_floor); }
void Fields(auto& visit, Is<RunSetBack> auto& e) { visit(e.task, e.next_chunk, e.base, e.damaged); }

namespace {

// The kinds of DurableEvent and the fields of this oneof have the same order.
const google::protobuf::OneofDescriptor& Kinds() {
  const auto& kinds = *journal::v1::Record::descriptor()->oneof_decl(0);
  ICPT_CHECK(kinds.field_count() == static_cast<int>(std::variant_size_v<DurableEvent>))
      << kinds.field_count() << " kinds";
  return kinds;
}

template <std::size_t... kKinds>
DurableEvent EmptyEvent(int kind, std::index_sequence<kKinds...>) {
  static const std::array<DurableEvent, sizeof...(kKinds)> empty = {
      DurableEvent(std::in_place_index<kKinds>)...};
  return empty[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string EncodeFact(const Fact& fact) {
  journal::v1::Record record;
  record.set_wall_time_ns(absl::ToUnixNanos(fact.at));
  record.set_request_id(fact.request.id);
  record.set_request_fingerprint(fact.request.fingerprint);
  auto& event =
      *record.GetReflection()->MutableMessage(&record, Kinds().field(static_cast<int>(fact.body.index())));
  std::visit([&](const auto& e) { Write(e, event); }, fact.body);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    ICPT_CHECK(record.SerializeToCodedStream(&out)) << "a record does not serialize";
  }
  return bytes;
}

absl::StatusOr<Fact> DecodeFact(std::string_view bytes) {
  journal::v1::Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("journal record of ", bytes.size(), " bytes does not parse");
  }
  const auto& access = *record.GetReflection();
  const auto* kind = access.GetOneofFieldDescriptor(record, &Kinds());
  if (kind == nullptr) return DataLoss("journal record without an event this version knows");
  Fact fact;
  fact.at = absl::FromUnixNanos(record.wall_time_ns());
  fact.request = {record.request_id(), record.request_fingerprint()};
  fact.body =
      EmptyEvent(kind->index_in_oneof(), std::make_index_sequence<std::variant_size_v<DurableEvent>>());
  const absl::Status read =
      std::visit([&](auto& e) { return Read(access.GetMessage(record, kind), e); }, fact.body);
  if (!read.ok()) return DataLoss("journal record: ", Message(read));
  return fact;
}

}  // namespace interceptor::coordinator
