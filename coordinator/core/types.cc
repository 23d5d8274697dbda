#include "coordinator/core/types.h"

#include <cstdio>

#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
namespace {

constexpr std::string_view kTrainPrefix = "train/";

// Length of the well-formed UTF-8 sequence at `text`, 0 when there is none. Overlong forms, surrogates and
// values above U+10FFFF are not well-formed (Unicode 15, table 3-7).
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const auto follows = [&](std::size_t i, int low, int high) { return byte(i) >= low && byte(i) <= high; };
  const int first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const int low = first == 0xE0 ? 0xA0 : 0x80;
    const int high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const int low = first == 0xF0 ? 0x90 : 0x80;
    const int high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string_view ToString(Phase phase) {
  switch (phase) {
    case Phase::kUnknown:
      return "unknown";
    case Phase::kWaitingForData:
      return "waiting for data";
    case Phase::kPreparing:
      return "preparing";
    case Phase::kWaitingForTurn:
      return "waiting for turn";
    case Phase::kTraining:
      return "training";
    case Phase::kEvaluating:
      return "evaluating";
    case Phase::kSaving:
      return "saving";
    case Phase::kIntegrating:
      return "integrating";
  }
  return "unknown";
}

std::string_view ToString(SaveReason reason) {
  return reason == SaveReason::kSaveNow ? "save_now" : "chunk_end";
}

std::optional<SaveReason> ParseSaveReason(std::string_view text) {
  for (const SaveReason reason : {SaveReason::kSaveNow, SaveReason::kChunkEnd}) {
    if (text == ToString(reason)) return reason;
  }
  return std::nullopt;
}

std::string_view ToString(EvaluationKind kind) {
  return kind == EvaluationKind::kHeldOut ? "held_out" : "look_ahead";
}

std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text) {
  for (const EvaluationKind kind : {EvaluationKind::kHeldOut, EvaluationKind::kLookAhead}) {
    if (text == ToString(kind)) return kind;
  }
  return std::nullopt;
}

std::string MakeCheckpointId(std::string_view specialist, int64_t step) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%012lld", static_cast<long long>(step));
  return std::string(specialist) + "-" + digits;
}

int ChunksCovered(const Checkpoint& checkpoint) {
  const Cursor& cursor = checkpoint.cursor;
  const bool at_start = cursor.epoch == 0 && cursor.position == 0;
  return checkpoint.reason == SaveReason::kChunkEnd && !at_start ? cursor.chunk + 1 : cursor.chunk;
}

std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (clean.size() + std::max<std::size_t>(length, 1) > kTextBytesMax) break;
    if (length == 0) {
      clean += '?';
    } else if (length == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F)) {
      clean += ' ';
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

std::string TrainTask(std::string_view specialist) {
  return std::string(kTrainPrefix) + std::string(specialist);
}

std::string SpecialistOf(std::string_view task) {
  if (task.substr(0, kTrainPrefix.size()) != kTrainPrefix) return "";
  return std::string(task.substr(kTrainPrefix.size()));
}

}  // namespace interceptor::coordinator
