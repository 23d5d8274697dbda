#include "tests/support/event_samples.h"

#include "absl/strings/escaping.h"
#include "common/base/status.h"
#include "tests/support/bias_sample.h"
#include "tests/support/golden_journal_v1.h"

namespace interceptor::coordinator {
namespace {

const std::string kHexA(64, 'a');
const std::string kHexB(64, 'b');

std::vector<DurableEvent> SampleEvents() {
  const TaskRef task{"train/BG", 3};
  Checkpoint checkpoint;
  checkpoint.id = "BG-000000001024";
  checkpoint.specialist = "BG";
  checkpoint.blob = {kHexA, 150000000};
  checkpoint.step = 1024;
  checkpoint.cursor = {2, 1, 77, 0xFEDCBA9876543210ULL};
  checkpoint.training_seconds = 10800.5;
  checkpoint.manifests = {kHexA, kHexB};
  checkpoint.reason = SaveReason::kChunkEnd;
  checkpoint.committed_at = absl::FromUnixNanos(1700000000123456789);
  Evaluation evaluation{.specialist = "AV",
                        .kind = EvaluationKind::kLookAhead,
                        .chunk = 4,
                        .step = 2048,
                        .score_table = {kHexB, 4096},
                        .reals = 100,
                        .fakes = 101,
                        .families = 60,
                        .auc = 0.75,
                        .auc_low = 0.5,
                        .auc_high = 0.875,
                        .log_loss = 0.625,
                        .real_accuracy = 0.25,
                        .fake_accuracy = 0.125,
                        .too_few = true,
                        .recorded_at = absl::FromUnixNanos(1700000000987654321)};
  return {PlanAdopted{"master", kHexA},
          CoordinatorStarted{{7, "nonce"}},
          MemberAttached{"member-1", "box", "incarnation"},
          MemberLeft{"member-1", "box", "maintenance"},
          DrainRequested{"member-1"},
          ChunkDigestFixed{"03", kHexA, 10000000000, "box"},
          ManifestCommitted{{"03", {kHexB, 5000}, kHexA, 1000, 400, 3}, "box"},
          TaskGranted{"train/BG", 3, "member-1", "box", 2, "BG-000000000512"},
          LeaseExpired{task, "no progress"},
          LeaseReclaimed{task},
          TaskReleased{task, "goes home"},
          TaskFailureRecorded{task, absl::StatusCode::kDataLoss, "bad zip", true},
          CheckpointCommitted{checkpoint, 3, "box"},
          CheckpointPinned{checkpoint.id},
          CheckpointUnpinned{checkpoint.id},
          CheckpointDamaged{checkpoint.id},
          RemovalDecided{checkpoint.id},
          RemovalDone{{kHexA, 150000000}},
          EvaluationRecorded{evaluation},
          ChunkCompleted{task, 2, 1024, 10800.5, true},
          PlanPaused{"lunch"},
          PlanResumed{},
          PlanFinished{},
          HistoryLost{{9, "other"}, "box", {10, "mixed"}, 1000007},
          CheckpointRestored{checkpoint.id},
          RunSetBack{"train/BG", 1, "BG-000000000512", checkpoint.id}};
}

}  // namespace

std::vector<Fact> SampleFacts() {
  std::vector<Fact> facts;
  for (DurableEvent& event : SampleEvents()) {
    const int64_t number = static_cast<int64_t>(facts.size()) + 1;
    facts.push_back({.at = absl::FromUnixNanos(1700000000000000000 + number),
                     .request = {"0123456789abcdef0123456789abcdef", 0xFEDC000000000000ULL + number},
                     .body = std::move(event)});
  }
  return facts;
}

Fact SampleValidation() {
  for (Fact& fact : SampleFacts()) {
    auto* recorded = std::get_if<EvaluationRecorded>(&fact.body);
    if (recorded == nullptr) continue;
    Evaluation& validation = recorded->evaluation;
    validation.kind = EvaluationKind::kValidation;
    validation.log_loss_low = 0.5;
    validation.log_loss_high = 0.75;
    validation.best_step = 1024;
    validation.rise_low = 0.125;
    validation.rise_high = 0.25;
    validation.worse_in_a_row = 2;
    return fact;
  }
  return {};
}

Fact SampleHeldOut() {
  for (Fact& fact : SampleFacts()) {
    auto* recorded = std::get_if<EvaluationRecorded>(&fact.body);
    if (recorded == nullptr) continue;
    recorded->evaluation.kind = EvaluationKind::kHeldOut;
    recorded->evaluation.bias = SampleBias();
    return fact;
  }
  return {};
}

const std::map<std::string, std::string>& GoldenBytes() {
  static const auto* bytes = [] {
    auto* map = new std::map<std::string, std::string>;
    for (const auto& [kind, hex] : kGoldenV1) {
      (*map)[std::string(kind)] = absl::HexStringToBytes(ToAbsl(hex));
    }
    return map;
  }();
  return *bytes;
}

}  // namespace interceptor::coordinator
