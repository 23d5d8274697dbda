#include "worker/engine/left_out_batch.h"

#include "common/base/log.h"
#include "common/base/status.h"

namespace interceptor::worker {

absl::Status LeaveBatchOut(std::string_view chunk, CheckpointInfo& info) {
  const std::string batch =
      Cat("chunk ", chunk, ", epoch ", info.cursor.epoch, ", batch ", info.cursor.position);
  if (!info.left_out_batch.empty()) {
    return Internal("loss or gradient is not finite in ", batch, ", as before in ", info.left_out_batch,
                    ", which was left out; lower recipe.learning_rate or recipe.gradient_clip");
  }
  info.left_out_batch = batch;
  ICPT_LOG(kWarning) << ToString(info.specialist) << ": loss or gradient is not finite in " << batch
                     << ", also in fp32; the batch is left out, and a second one will stop the run";
  return absl::OkStatus();
}

}  // namespace interceptor::worker
