#include "worker/child_protocol/bias_file.h"

#include "common/io/atomic_file.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a bias is read back from its file as it was") {
  const ScratchFolder run;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), run.path()).ok());
  CATCH_CHECK(absl::IsNotFound(ReadBias(SystemFiles(), run.path(), "03").status()));
  CATCH_REQUIRE(WriteBias(SystemFiles(), run.path(), "03", SampleBias()).ok());
  CATCH_CHECK(*ReadBias(SystemFiles(), run.path(), "03") == SampleBias());
}

CATCH_TEST_CASE("a file that is no bias is DATA_LOSS and names itself") {
  const ScratchFolder run;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), run.path()).ok());
  const std::string path = BiasPath(run.path(), "03");
  for (const char* text : {"", "{", "{}", "{\"before\": 1}"}) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, text).ok());
    const auto read = ReadBias(SystemFiles(), run.path(), "03");
    CATCH_CHECK(absl::IsDataLoss(read.status()));
    CATCH_CHECK(read.status().message().find("bias-03.json") != std::string::npos);
  }
}

}  // namespace
}  // namespace interceptor::worker
