#include "worker/engine/left_out_batch.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("one batch without a finite step is left out and remembered, a second stops the run") {
  CheckpointInfo info;
  info.cursor.epoch = 2;
  info.cursor.position = 17;
  CATCH_REQUIRE(LeaveBatchOut("03", info).ok());
  CATCH_CHECK(info.left_out_batch == "chunk 03, epoch 2, batch 17");
  info.cursor.position = 40;
  const absl::Status second = LeaveBatchOut("04", info);
  CATCH_CHECK(second.code() == absl::StatusCode::kInternal);
  for (const char* named :
       {"chunk 04, epoch 2, batch 40", "chunk 03, epoch 2, batch 17", "recipe.learning_rate"})
    CATCH_CHECK(Message(second).find(named) != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
