// A backup is whole or not there, and who starts on it knows that it is one.
#include "coordinator/runtime/backup.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "coordinator/core/queries.h"
#include "coordinator/runtime/incarnation_file.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scenario.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {
namespace {

// A state folder with a plan's first chunk done: facts, their blobs, and one blob that nothing refers to.
struct StateFolder {
  StateFolder() {
    CATCH_REQUIRE(WriteFileAtomically(files, folder.File("plan.txtpb"), "plan").ok());
    const SessionId ana = s.Attach("ana");
    s.TrainChunk(ana, "train/BG");
    log = OpenEventLog(folder.path()).value();
    CATCH_REQUIRE(log->Append(s.journal).ok());
    vault = BlobStore::Open(files, {.folder = folder.File("vault")}).value();
    Store("orphan");
  }

  Digest Store(const std::string& bytes) {
    const Digest blob = DigestOf(bytes);
    const auto writer = vault->Write(blob, 0);
    CATCH_REQUIRE(writer.ok());
    CATCH_REQUIRE((*writer)->Append(bytes).ok());
    CATCH_REQUIRE((*writer)->Finish().ok());
    return blob;
  }
  absl::StatusOr<BackupReport> BackUpNow() {
    return BackUp({files, *log, *vault, folder.path()}, s.state.facts, at);
  }

  ScratchFolder folder;
  FaultyFileSystem files;
  Scenario s;
  std::unique_ptr<EventLog> log;
  std::unique_ptr<BlobStore> vault;
  absl::Time at = absl::FromUnixSeconds(1'700'000'000);
};

int64_t EventsIn(const std::string& folder) { return OpenEventLog(folder).value()->size(); }

CATCH_TEST_CASE("a backup has every event, the blobs that facts refer to, and the plan") {
  StateFolder state;
  Facts& facts = state.s.state.facts;
  const Digest weights = state.Store("weights");
  CheckpointFacts& checkpoint = facts.checkpoints.at("BG").begin()->second;
  checkpoint.checkpoint.blob = weights;
  const auto report = state.BackUpNow();
  CATCH_INFO(report.status().ToString());
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->folder == state.folder.File("backups/2023-11-14T22-13-20Z"));
  CATCH_CHECK(report->events == std::ssize(state.s.journal));
  CATCH_CHECK(EventsIn(report->folder) == report->events);
  CATCH_CHECK(report->blobs == 1);
  CATCH_CHECK(report->blob_bytes == weights.size_bytes);
  // The scenario's other blobs were never written.
  CATCH_CHECK(report->missing > 0);
  const auto copy = BlobStore::Open(state.files, {.folder = JoinPath(report->folder, "vault")});
  CATCH_REQUIRE(copy.ok());
  CATCH_CHECK((*copy)->List().value() == std::vector<Digest>{weights});
  CATCH_CHECK((*copy)->Verify(weights).ok());
  CATCH_CHECK(ReadWholeFile(state.files, JoinPath(report->folder, "plan.txtpb")).value() == "plan");
  // Removal in the vault takes nothing from the backup.
  CATCH_REQUIRE(state.vault->Remove(weights).ok());
  CATCH_CHECK((*copy)->Verify(weights).ok());
  CATCH_CHECK(absl::IsAlreadyExists(state.BackUpNow().status()));
}

CATCH_TEST_CASE("a coordinator that starts on a backup, or on the folder it came from, knows which it is") {
  StateFolder state;
  const Incarnation newest = NewestStart(state.s.state.facts);
  CATCH_REQUIRE(IncarnationFile(state.files, state.folder.path()).Keep(newest).ok());
  const auto report = state.BackUpNow();
  CATCH_REQUIRE(report.ok());
  const auto original = IncarnationFile(state.files, state.folder.path()).Read();
  CATCH_REQUIRE(original.ok());
  CATCH_CHECK(original->start == newest);
  CATCH_CHECK_FALSE(original->copied);
  const auto copy = IncarnationFile(state.files, report->folder).Read();
  CATCH_REQUIRE(copy.ok());
  CATCH_CHECK(copy->start == newest);
  CATCH_CHECK(copy->copied);
}

CATCH_TEST_CASE("a backup that fails, at whatever call, leaves none behind and the state as it was") {
  int64_t calls = 0;
  {
    StateFolder state;
    state.files.FailCall(1'000'000, absl::OkStatus());
    CATCH_REQUIRE(state.BackUpNow().ok());
    calls = state.files.mutating_calls();
  }
  CATCH_REQUIRE(calls > 5);
  for (int64_t nth = 1; nth <= calls; ++nth) {
    CATCH_INFO("call " << nth << " of " << calls);
    StateFolder state;
    state.files.FailCall(nth, ResourceExhausted("no space"));
    const auto report = state.BackUpNow();
    state.files.Heal();
    // The last call syncs the folder of a backup that is whole by then.
    CATCH_CHECK_FALSE(report.ok());
    if (nth < calls && state.files.Exists(state.folder.File("backups"))) {
      CATCH_CHECK(state.files.List(state.folder.File("backups")).value().empty());
    }
    state.at += absl::Seconds(1);
    const auto again = state.BackUpNow();
    CATCH_CHECK(again.ok());
    CATCH_CHECK(state.log->size() == std::ssize(state.s.journal));
  }
}

CATCH_TEST_CASE("what an interrupted backup left is removed by the next one") {
  StateFolder state;
  const std::string left = state.folder.File("backups/2023-01-01T00-00-00Z.unfinished");
  CATCH_REQUIRE(state.files.MakeFolder(JoinPath(left, "vault")).ok());
  CATCH_REQUIRE(WriteFileAtomically(state.files, JoinPath(left, "vault/half"), "x").ok());
  CATCH_REQUIRE(state.BackUpNow().ok());
  CATCH_CHECK_FALSE(state.files.Exists(left));
}

}  // namespace
}  // namespace interceptor::coordinator
