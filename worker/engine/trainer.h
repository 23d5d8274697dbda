// The training loop of one run: one specialist, chunk after chunk. It reads clip stores and writes into its
// run folder (worker/child_protocol/run_folder.h); what it is told and what it says goes through Control.
#pragma once

#include "absl/status/status.h"
#include "common/io/file_system.h"
#include "worker/engine/control.h"
#include "worker/engine/start.h"

namespace interceptor::worker {

// Trains until every chunk is done or the control says stop (a recovery snapshot is then saved and OK
// returned). FAILED_PRECONDITION when another trainer holds the run folder, when the checkpoint is another
// run's, or when a chunk's store is not the committed one; INTERNAL when loss or gradients are not finite for a
// second time.
absl::Status Train(const FileSystem& files, const TrainerOptions& options, Control& control);

}  // namespace interceptor::worker
