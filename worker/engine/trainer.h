// The training loop of one run: one specialist, chunk after chunk. It reads clip stores and writes into its
// run folder (worker/child_protocol/run_folder.h); what it is told and what it says goes through Control.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/io/file_system.h"
#include "worker/engine/control.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

struct TrainerOptions {
  RunSettings settings;
  SpecialistName specialist = SpecialistName::kBG;
  std::string store;   // folder of clip stores
  std::string run;     // this run's folder
  std::string data;    // what settings.model.initial_weights.file is relative to
  std::string resume;  // a checkpoint; empty: from the start
  std::string device = "cpu";
  int threads = 1;
};

// Trains until every chunk is done or the control says stop (a recovery snapshot is then saved and OK
// returned). FAILED_PRECONDITION when another trainer holds the run folder, when the checkpoint is another
// run's, or when a chunk's store is not the committed one; INTERNAL when loss or gradients stop being finite.
absl::Status Train(const FileSystem& files, const TrainerOptions& options, Control& control);

}  // namespace interceptor::worker
