// A run's folder: what lies where, who writes it and what may be removed.
//
//   lock                                               held by the trainer at work
//   checkpoints/<specialist>-step-<step>.safetensors   the trainer's. Removed once a newer one is committed
//                                                      (by the agent) or beyond keep_latest (without one)
//   base-<digest>.safetensors                          fetched by the agent; removed like those
//   recovery-a.safetensors, recovery-b.safetensors     snapshots, written in turn; the trainer's alone
//   scores/held_out-<chunk>.csv, look_ahead-...        score tables; kept. The scores of a trained chunk
//                                                      are pending until its held-out table is there
//   scores/bias-<chunk>.json                           what the held-out table says of the run's bias (bias_file.h)
//   scores/validation-<chunk>-step-<step>-<digest>.csv the same of a validation
//   ledger.csv                                         worker/engine/ledger.h
//   unpublished.json                                   the agent's (worker/agent/run_memory.h)
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/facts/evaluation.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

// Names sort by step.
std::string CheckpointPath(std::string_view run_folder, std::string_view specialist, int64_t step);
std::string FetchedCheckpointPath(std::string_view run_folder, const Digest& blob);
// Slot A for even numbers, B for odd ones.
std::string SnapshotPath(std::string_view run_folder, int64_t number);
std::string ScoreTablePath(std::string_view run_folder, EvaluationKind kind, std::string_view chunk);
// Names its digest: one that is made again with other bytes leaves alone what may still have to be uploaded.
std::string ValidationTablePath(std::string_view run_folder, std::string_view chunk, int64_t step,
                                const Digest& table);
std::string BiasPath(std::string_view run_folder, std::string_view chunk);
std::string LedgerPath(std::string_view run_folder);
std::string UnpublishedPath(std::string_view run_folder);

// Makes the folder, takes its lock until the returned file closes, and removes what a killed writer left.
// FAILED_PRECONDITION when another trainer holds it.
absl::StatusOr<std::unique_ptr<File>> LockRunFolder(const FileSystem& files, const std::string& run_folder);

// Of this run's own checkpoints.
std::optional<std::string> NewestCheckpoint(const FileSystem& files, const std::string& run_folder);
void RemoveAllButNewestCheckpoints(const FileSystem& files, const std::string& run_folder, int keep);
// Own and fetched ones, by their paths.
void RemoveUnknownCheckpoints(const FileSystem& files, const std::string& run_folder,
                              const std::set<std::string>& known);

}  // namespace interceptor::worker
