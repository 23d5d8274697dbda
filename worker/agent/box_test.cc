#include "worker/agent/box.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a work folder keeps its identity and takes one agent at a time") {
  ScratchFolder folder;
  const std::string work = folder.File("work");
  std::string id;
  {
    const auto first = OpenBox(SystemFiles(), work);
    CATCH_REQUIRE(first.ok());
    id = first->id;
    CATCH_CHECK(id.size() == 32);
    const auto second = OpenBox(SystemFiles(), work);
    CATCH_CHECK(absl::IsFailedPrecondition(second.status()));
    CATCH_CHECK(Message(second.status()).find(work) != std::string::npos);
  }
  const auto again = OpenBox(SystemFiles(), work);
  CATCH_REQUIRE(again.ok());
  CATCH_CHECK(again->id == id);
}

CATCH_TEST_CASE("a damaged identity is not replaced by a new one") {
  ScratchFolder folder;
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("box.id"), "half of i").ok());
  CATCH_CHECK(absl::IsDataLoss(OpenBox(SystemFiles(), folder.path()).status()));
}

CATCH_TEST_CASE("what a killed agent was writing is swept") {
  ScratchFolder folder;
  const std::string left = folder.File("digests.json.tmp-" + std::string(32, 'a'));
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), left, "half of it").ok());
  CATCH_REQUIRE(OpenBox(SystemFiles(), folder.path()).ok());
  CATCH_CHECK_FALSE(SystemFiles().Exists(left));
}

CATCH_TEST_CASE("a work folder belongs to one plan") {
  ScratchFolder folder;
  CATCH_CHECK(BindPlan(SystemFiles(), folder.path(), std::string(64, 'a')).ok());
  CATCH_CHECK(BindPlan(SystemFiles(), folder.path(), std::string(64, 'a')).ok());
  CATCH_CHECK(absl::IsFailedPrecondition(BindPlan(SystemFiles(), folder.path(), std::string(64, 'b'))));
}

CATCH_TEST_CASE("a work folder remembers the coordinator that welcomed it last") {
  ScratchFolder folder;
  const auto none = ReadLastCoordinator(SystemFiles(), folder.path());
  CATCH_REQUIRE(none.ok());
  CATCH_CHECK(none->number() == 0);
  v1::CoordinatorIncarnation coordinator;
  coordinator.set_number(7);
  coordinator.set_nonce("n");
  coordinator.set_plan_digest(std::string(64, 'a'));
  CATCH_REQUIRE(KeepLastCoordinator(SystemFiles(), folder.path(), coordinator).ok());
  const auto kept = ReadLastCoordinator(SystemFiles(), folder.path());
  CATCH_REQUIRE(kept.ok());
  CATCH_CHECK(kept->SerializeAsString() == coordinator.SerializeAsString());
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("coordinator.txtpb"), "number: x").ok());
  CATCH_CHECK(absl::IsDataLoss(ReadLastCoordinator(SystemFiles(), folder.path()).status()));
}

CATCH_TEST_CASE("a file that holds what it is to hold is not written again") {
  ScratchFolder folder;
  const std::string path = folder.File("run.json");
  CATCH_REQUIRE(KeepFile(SystemFiles(), path, "one").ok());
  const auto first = SystemFiles().Stat(path);
  CATCH_REQUIRE(KeepFile(SystemFiles(), path, "one").ok());
  CATCH_CHECK(SystemFiles().Stat(path)->inode == first->inode);
  CATCH_REQUIRE(KeepFile(SystemFiles(), path, "two").ok());
  CATCH_CHECK(ReadWholeFile(SystemFiles(), path).value() == "two");
}

CATCH_TEST_CASE("a device that was named is not second-guessed") {
  CATCH_CHECK(FindDevice(SystemFiles(), "cpu").name == "cpu");
  CATCH_CHECK(FindDevice(SystemFiles(), "cuda:3").name == "cuda:3");
  CATCH_CHECK(FindDevice(SystemFiles(), "auto").name != "auto");
}

}  // namespace
}  // namespace interceptor::worker
