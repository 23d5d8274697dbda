// The worker stream over real gRPC: attach, grants, facts, fencing, restarts, boxes that come and go.
#include "common/base/ids.h"
#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/service_fixture.h"

namespace interceptor::coordinator {
namespace {

const v1::TaskStatus& TaskOf(const v1::GetStatusResponse& status, const std::string& name) {
  for (const v1::TaskStatus& task : status.tasks()) {
    if (task.task() == name) return task;
  }
  CATCH_FAIL("no task " + name);
  return status.tasks(0);
}

absl::Status StatusOfAttach(const std::string& address, const v1::Hello& hello) {
  ScriptedWorker worker(address);
  return worker.Attach(hello).status();
}

}  // namespace

CATCH_TEST_CASE("A worker says hello and is granted its member's pair") {
  ServiceFixture fixture;
  ScriptedWorker worker(fixture.address());
  const absl::StatusOr<v1::Welcome> welcome = worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a"));
  CATCH_REQUIRE(welcome.ok());
  CATCH_CHECK(welcome->plan().name() == "test");
  CATCH_CHECK(welcome->plan_digest().size() == 64);
  CATCH_CHECK(welcome->has_next_report_in());
  const absl::StatusOr<v1::Assignment> bg = worker.AwaitAssignment("train/BG");
  CATCH_REQUIRE(bg.ok());
  CATCH_CHECK(bg->task().term() == 1);
  CATCH_CHECK(bg->next_chunk() == 0);
  CATCH_CHECK_FALSE(bg->has_base());
  CATCH_CHECK(bg->lease_ttl().seconds() == fixture.plan().scheduling().lease_ttl_seconds());

  const v1::GetStatusResponse status = GetStatus(fixture.address()).value();
  CATCH_CHECK(TaskOf(status, "train/BG").holder_member() == "member-1");
  CATCH_CHECK(TaskOf(status, "train/CM").holder_member().empty());
}

CATCH_TEST_CASE("A hello that cannot be taken ends the stream with what is wrong") {
  ServiceFixture fixture;
  const absl::Status unknown =
      StatusOfAttach(fixture.address(), ScriptedWorker::MakeHello("member-9", "box-a"));
  CATCH_CHECK(absl::IsInvalidArgument(unknown));
  CATCH_CHECK(Message(unknown).find("member-1") != std::string::npos);

  v1::Hello newer = ScriptedWorker::MakeHello("member-1", "box-a");
  newer.set_protocol(2);
  CATCH_CHECK(absl::IsFailedPrecondition(StatusOfAttach(fixture.address(), newer)));

  ScriptedWorker silent(fixture.address());
  silent.SendProgress({}, 1);
  CATCH_CHECK(absl::IsInvalidArgument(silent.AwaitEnd()));
}

CATCH_TEST_CASE("Manifests, checkpoints, evaluations and chunks become facts, and two checkpoints are kept") {
  ServiceFixture fixture;
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef task = worker.AwaitAssignment("train/BG")->task();

  Digest manifest;
  std::string manifest_bytes;
  const v1::DataManifestProposal proposal = MakeManifest(task, 0, &manifest, &manifest_bytes);
  CATCH_CHECK(absl::IsFailedPrecondition(worker.Propose(proposal)));
  CATCH_REQUIRE(UploadBlob(fixture.address(), manifest, manifest_bytes).ok());
  CATCH_REQUIRE(worker.Propose(proposal).ok());

  for (int64_t step = 1; step <= 4; ++step) {
    CATCH_REQUIRE(
        Publish(fixture, worker, MakeCheckpoint(task, step, 0, step == 4 ? "chunk_end" : "save_now")).ok());
  }
  v1::EvaluationReport report;
  *report.mutable_task() = task;
  report.mutable_evaluation()->set_specialist("BG");
  report.mutable_evaluation()->set_kind("held_out");
  report.mutable_evaluation()->set_auc(0.75);
  const std::string table = "chunk,clip\n";
  *report.mutable_evaluation()->mutable_score_table() = ToProtoDigest(DigestOf(table));
  CATCH_REQUIRE(UploadBlob(fixture.address(), DigestOf(table), table).ok());
  CATCH_CHECK(worker.Report(report).ok());
  v1::ChunkFinished finished;
  *finished.mutable_task() = task;
  finished.set_step(4);
  CATCH_CHECK(worker.Finish(finished).ok());
  CATCH_CHECK(absl::IsFailedPrecondition(worker.Finish(finished)));

  const auto two_left = [&](const v1::GetStatusResponse& status) {
    const auto size_of = [&](int64_t step) {
      return static_cast<int64_t>(MakeCheckpoint(task, step, 0).bytes.size());
    };
    return status.vault_bytes() ==
           size_of(3) + size_of(4) + static_cast<int64_t>(manifest_bytes.size() + table.size());
  };
  const absl::StatusOr<v1::GetStatusResponse> status = AwaitStatus(fixture.address(), two_left);
  CATCH_REQUIRE(status.ok());
  CATCH_CHECK(TaskOf(*status, "train/BG").chunks_finished() == 1);
  CATCH_CHECK(TaskOf(*status, "train/BG").newest_checkpoint().id() == "BG-000000000004");
  CATCH_CHECK(TaskOf(*status, "train/BG").newest_held_out().auc() == 0.75);
  CATCH_CHECK(status->quarantined() == 1);
  CATCH_CHECK(DownloadBlob(fixture.address(), MakeCheckpoint(task, 4, 0).blob).value() ==
              MakeCheckpoint(task, 4, 0).bytes);
  CATCH_CHECK(absl::IsNotFound(DownloadBlob(fixture.address(), MakeCheckpoint(task, 1, 0).blob).status()));
}

CATCH_TEST_CASE("A stale term is fenced and changes nothing") {
  ServiceFixture fixture;
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  v1::TaskRef stale = worker.AwaitAssignment("train/BG")->task();
  stale.set_term(stale.term() - 1);
  const absl::Status status = Publish(fixture, worker, MakeCheckpoint(stale, 1, 0));
  CATCH_CHECK(absl::IsAborted(status));
  CATCH_CHECK_FALSE(TaskOf(GetStatus(fixture.address()).value(), "train/BG").has_newest_checkpoint());
  worker.SendProgress(stale, 1);
  CATCH_CHECK(worker.Await(v1::Directive::kDrop)->drop().task().term() == stale.term());
}

CATCH_TEST_CASE("A retry is answered as the first was, across a restart too") {
  ServiceFixture fixture;
  const v1::Hello hello = ScriptedWorker::MakeHello("member-1", "box-a");
  v1::CheckpointProposal proposal;
  int64_t events = 0;
  {
    ScriptedWorker worker(fixture.address());
    CATCH_REQUIRE(worker.Attach(hello).ok());
    const CheckpointParts parts = MakeCheckpoint(worker.AwaitAssignment("train/BG")->task(), 1, 0);
    proposal = parts.proposal;
    proposal.set_request_id(NewId());
    CATCH_REQUIRE(UploadBlob(fixture.address(), parts.blob, parts.bytes).ok());
    CATCH_REQUIRE(worker.Propose(proposal).ok());
    CATCH_REQUIRE(worker.Propose(proposal).ok());
    events = GetStatus(fixture.address()).value().events();
    CATCH_CHECK(worker.Propose(proposal).ok());
    CATCH_CHECK(GetStatus(fixture.address()).value().events() == events);
  }
  fixture.Restart();
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(hello).ok());
  CATCH_CHECK(worker.Propose(proposal).ok());
  // One more event than before: that the coordinator started.
  CATCH_CHECK(GetStatus(fixture.address()).value().events() == events + 1);
}

CATCH_TEST_CASE("A restart keeps facts and leases and expires nobody") {
  ServiceFixture fixture;
  v1::Hello hello = ScriptedWorker::MakeHello("member-1", "box-a");
  v1::TaskRef bg;
  {
    ScriptedWorker worker(fixture.address());
    const absl::StatusOr<v1::Welcome> welcome = worker.Attach(hello);
    CATCH_REQUIRE(welcome.ok());
    hello.set_plan_digest(welcome->plan_digest());
    bg = worker.AwaitAssignment("train/BG")->task();
    *hello.add_held() = bg;
    *hello.add_held() = worker.AwaitAssignment("train/AV")->task();
    fixture.Restart();
    CATCH_CHECK(absl::IsUnavailable(worker.AwaitEnd()));
  }
  const v1::TaskStatus task = TaskOf(GetStatus(fixture.address()).value(), "train/BG");
  CATCH_CHECK(task.holder_box() == "box-a");
  CATCH_CHECK(task.term() == bg.term());

  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(hello).ok());
  const absl::StatusOr<v1::Directive> renewed = worker.Await(v1::Directive::kRenewed);
  CATCH_REQUIRE(renewed.ok());
  CATCH_CHECK(renewed->renewed().task().term() == bg.term());
}

CATCH_TEST_CASE("A second box for one member is refused naming the first; the same box takes over") {
  ServiceFixture fixture;
  ScriptedWorker first(fixture.address());
  CATCH_REQUIRE(first.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef task = first.AwaitAssignment("train/BG")->task();

  const absl::Status refused =
      StatusOfAttach(fixture.address(), ScriptedWorker::MakeHello("member-1", "box-b"));
  CATCH_CHECK(absl::IsFailedPrecondition(refused));
  CATCH_CHECK(Message(refused).find("box-a") != std::string::npos);

  ScriptedWorker again(fixture.address());
  CATCH_REQUIRE(again.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  CATCH_CHECK(absl::IsAborted(first.AwaitEnd()));
  CATCH_CHECK(again.AwaitAssignment("train/BG")->task().term() == task.term());
}

CATCH_TEST_CASE(
    "After the handover time another box stands in, from the last checkpoint, with a higher term") {
  ServiceFixture fixture(kShortLeases);
  v1::TaskRef task;
  {
    ScriptedWorker gone(fixture.address());
    CATCH_REQUIRE(gone.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
    task = gone.AwaitAssignment("train/BG")->task();
    CATCH_REQUIRE(Publish(fixture, gone, MakeCheckpoint(task, 7, 0)).ok());
  }
  ScriptedWorker other(fixture.address());
  CATCH_REQUIRE(other.Attach(ScriptedWorker::MakeHello("member-2", "box-b")).ok());
  const v1::TaskRef cm = other.AwaitAssignment("train/CM")->task();
  const v1::TaskRef rr = other.AwaitAssignment("train/RR")->task();
  const absl::StatusOr<v1::Assignment> taken = other.AwaitAssignment("train/BG", {cm, rr});
  CATCH_REQUIRE(taken.ok());
  CATCH_CHECK(taken->task().term() > task.term());
  CATCH_CHECK(taken->base().id() == "BG-000000000007");
}

CATCH_TEST_CASE("Another box takes the member's name once the first is gone for the handover time") {
  ServiceFixture fixture(kShortLeases);
  {
    ScriptedWorker gone(fixture.address());
    CATCH_REQUIRE(gone.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
    CATCH_REQUIRE(gone.AwaitAssignment("train/BG").ok());
  }
  // The lease outlives the handover time here.
  const auto lease_is_dead = [](const v1::GetStatusResponse& status) {
    const google::protobuf::Duration& left = TaskOf(status, "train/BG").lease_left();
    return left.seconds() == 0 && left.nanos() == 0;
  };
  CATCH_REQUIRE(AwaitStatus(fixture.address(), lease_is_dead).ok());
  ScriptedWorker next(fixture.address());
  const absl::Status attached = next.Attach(ScriptedWorker::MakeHello("member-1", "box-b")).status();
  CATCH_CAPTURE(Message(attached));
  CATCH_REQUIRE(attached.ok());
  CATCH_CHECK(next.AwaitAssignment("train/BG")->task().term() == 2);
}

CATCH_TEST_CASE("A save is asked for when the period of training time has passed") {
  ServiceFixture fixture(kLongLeases, "checkpoints { period_seconds: 100 }");
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef task = worker.AwaitAssignment("train/BG")->task();
  worker.SendProgress(task, 1, 99.0);
  CATCH_CHECK(worker.Await(v1::Directive::kRenewed)->renewed().through_update() == 2);
  worker.SendProgress(task, 2, 100.0);
  CATCH_CHECK(worker.Await(v1::Directive::kSaveNow)->save_now().task().task() == "train/BG");
}

CATCH_TEST_CASE("A goodbye releases the tasks and ends the stream in order") {
  ServiceFixture fixture;
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  CATCH_REQUIRE(worker.AwaitAssignment("train/BG").ok());
  v1::WorkerUpdate update;
  update.mutable_goodbye()->set_reason("drained");
  worker.Send(update);
  CATCH_CHECK(worker.AwaitEnd().ok());
  CATCH_CHECK(TaskOf(GetStatus(fixture.address()).value(), "train/BG").holder_box().empty());
}

CATCH_TEST_CASE("A failure that retrying cannot cure pauses the run with its line until it is resumed") {
  ServiceFixture fixture;
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  v1::TaskFailed failed;
  *failed.mutable_task() = worker.AwaitAssignment("train/BG")->task();
  failed.set_code("INVALID_ARGUMENT");
  failed.set_text("chunk 00 holds one class only");
  CATCH_REQUIRE(worker.Fail(failed).ok());
  const v1::TaskStatus task = TaskOf(GetStatus(fixture.address()).value(), "train/BG");
  CATCH_CHECK(task.state() == v1::TaskStatus::STATE_PAUSED);
  CATCH_CHECK(task.reason().find("one class only") != std::string::npos);
}

}  // namespace interceptor::coordinator
