// What people and scripts ask, over real gRPC.
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/catch.h"
#include "tests/support/rpc_probe.h"
#include "tests/support/service_fixture.h"

namespace interceptor::coordinator {
namespace {

class Person {
 public:
  explicit Person(const std::string& address) : stub_(v1::ClusterService::NewStub(NewChannel(address))) {}

  // One unary call of the cluster service.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(grpc::Status (v1::ClusterService::Stub::*method)(grpc::ClientContext*,
                                                                                const Request&, Response*),
                               const Request& request) {
    grpc::ClientContext context;
    SetDeadline(context, kTestDeadline);
    Response response;
    ICPT_RETURN_IF_ERROR(FromGrpcStatus((stub_.get()->*method)(&context, request, &response)));
    return response;
  }

  absl::Status Pause(const std::string& reason, const std::string& id = "") {
    v1::PausePlanRequest request;
    request.set_reason(reason);
    request.set_request_id(id);
    return Ask(&v1::ClusterService::Stub::PausePlan, request).status();
  }

 private:
  std::unique_ptr<v1::ClusterService::Stub> stub_;
};

using Stub = v1::ClusterService::Stub;

}  // namespace

CATCH_TEST_CASE("Status says what the plan is and who is there") {
  ServiceFixture fixture;
  const v1::GetStatusResponse status = GetStatus(fixture.address()).value();
  CATCH_CHECK(status.plan_name() == "test");
  CATCH_CHECK(status.plan_digest().size() == 64);
  CATCH_CHECK(status.tasks_size() == 5);
  CATCH_CHECK(status.workers_size() == 3);
  CATCH_CHECK(status.chunks_total() == 2);
  CATCH_CHECK_FALSE(status.insecure());
  CATCH_CHECK_FALSE(status.version().empty());
  CATCH_CHECK(status.disk_free_bytes() != 0);
  CATCH_CHECK(status.has_started_at());
}

CATCH_TEST_CASE("A pause is seen at once, once for each request id, and by those who watch") {
  ServiceFixture fixture;
  Person person(fixture.address());
  const std::string id = NewId();
  CATCH_CHECK(person.Pause("power cut", id).ok());
  CATCH_CHECK(GetStatus(fixture.address()).value().paused());
  CATCH_CHECK(person.Ask(&Stub::ResumePlan, v1::ResumePlanRequest()).ok());
  CATCH_CHECK(person.Pause("power cut", id).ok());
  CATCH_CHECK_FALSE(GetStatus(fixture.address()).value().paused());
  CATCH_CHECK(absl::IsInvalidArgument(person.Pause("x", "no id")));

  CATCH_CHECK(person.Pause("again").ok());
  CATCH_CHECK(AwaitStatus(fixture.address(), [](const auto& status) { return status.paused(); }).ok());
}

CATCH_TEST_CASE("A watch begins at once and ends when the coordinator leaves") {
  ServiceFixture fixture;
  const auto stub = v1::ClusterService::NewStub(NewChannel(fixture.address()));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  const auto reader = stub->WatchStatus(&context, {});
  v1::GetStatusResponse status;
  CATCH_CHECK(reader->Read(&status));
  fixture.Stop();
  while (reader->Read(&status)) {
  }
  CATCH_CHECK(absl::IsUnavailable(FromGrpcStatus(reader->Finish())));
}

CATCH_TEST_CASE("Events come newest first, in pages, by subject") {
  ServiceFixture fixture;
  Person person(fixture.address());
  for (int i = 0; i < 5; ++i) {
    CATCH_REQUIRE(person.Pause(Cat("reason ", i), NewId()).ok());
  }
  v1::ListEventsRequest request;
  request.set_page_size(2);
  request.set_subject("plan");
  int64_t last = 1'000'000;
  int seen = 0;
  do {
    const absl::StatusOr<v1::ListEventsResponse> page = person.Ask(&Stub::ListEvents, request);
    CATCH_REQUIRE(page.ok());
    CATCH_CHECK(page->events_size() <= 2);
    for (const v1::Event& event : page->events()) {
      CATCH_CHECK(event.number() < last);
      CATCH_CHECK(event.subject() == "plan");
      last = event.number();
      ++seen;
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  CATCH_CHECK(seen >= 5);

  request.set_page_token("abc");
  CATCH_CHECK(absl::IsInvalidArgument(person.Ask(&Stub::ListEvents, request).status()));
  request.clear_page_token();
  request.set_page_size(-1);
  CATCH_CHECK(absl::IsInvalidArgument(person.Ask(&Stub::ListEvents, request).status()));
}

CATCH_TEST_CASE("Chunks, checkpoints and evaluations are listed in pages") {
  ServiceFixture fixture;
  Person person(fixture.address());
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef bg = worker.AwaitAssignment("train/BG")->task();
  const v1::TaskRef av = worker.AwaitAssignment("train/AV")->task();
  for (int64_t step = 1; step <= 2; ++step) {
    CATCH_REQUIRE(Publish(fixture, worker, MakeCheckpoint(bg, step, 0)).ok());
    CATCH_REQUIRE(Publish(fixture, worker, MakeCheckpoint(av, step, 0)).ok());
  }
  v1::ListCheckpointsRequest request;
  request.set_specialist("AV");
  const absl::StatusOr<v1::ListCheckpointsResponse> of_av = person.Ask(&Stub::ListCheckpoints, request);
  CATCH_REQUIRE(of_av.ok());
  CATCH_REQUIRE(of_av->checkpoints_size() == 2);
  CATCH_CHECK(of_av->checkpoints(0).id() == "AV-000000000002");

  v1::ListCheckpointsRequest all;
  all.set_page_size(3);
  const absl::StatusOr<v1::ListCheckpointsResponse> first = person.Ask(&Stub::ListCheckpoints, all);
  CATCH_REQUIRE(first.ok());
  CATCH_CHECK(first->checkpoints_size() == 3);
  all.set_page_token(first->next_page_token());
  const absl::StatusOr<v1::ListCheckpointsResponse> second = person.Ask(&Stub::ListCheckpoints, all);
  CATCH_REQUIRE(second.ok());
  CATCH_CHECK(second->checkpoints_size() == 1);
  CATCH_CHECK(second->next_page_token().empty());

  const absl::StatusOr<v1::ListChunksResponse> chunks =
      person.Ask(&Stub::ListChunks, v1::ListChunksRequest());
  CATCH_REQUIRE(chunks.ok());
  CATCH_REQUIRE(chunks->chunks_size() == 2);
  CATCH_CHECK(chunks->chunks(0).members(0) == "member-1");
  CATCH_CHECK(person.Ask(&Stub::ListEvaluations, v1::ListEvaluationsRequest())->evaluations().empty());
}

CATCH_TEST_CASE("A worker is described, drained, and unknown ones are named") {
  ServiceFixture fixture;
  Person person(fixture.address());
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  CATCH_REQUIRE(worker.AwaitAssignment("train/AV").ok());

  v1::DescribeWorkerRequest request;
  request.set_member("member-1");
  const absl::StatusOr<v1::DescribeWorkerResponse> described = person.Ask(&Stub::DescribeWorker, request);
  CATCH_REQUIRE(described.ok());
  CATCH_CHECK(described->worker().box() == "box-a");
  CATCH_CHECK(described->worker().connected());
  CATCH_CHECK(described->tasks_size() == 2);
  CATCH_CHECK(described->recent_events_size() > 0);
  request.set_member("nobody");
  const absl::Status unknown = person.Ask(&Stub::DescribeWorker, request).status();
  CATCH_CHECK(absl::IsNotFound(unknown));
  CATCH_CHECK(Message(unknown).find("nobody") != std::string::npos);

  v1::DrainWorkerRequest drain;
  drain.set_member("member-1");
  CATCH_CHECK(person.Ask(&Stub::DrainWorker, drain).ok());
  CATCH_CHECK(worker.Await(v1::Directive::kDrain).ok());
  drain.set_member("nobody");
  CATCH_CHECK(absl::IsNotFound(person.Ask(&Stub::DrainWorker, drain).status()));
}

CATCH_TEST_CASE("A pinned checkpoint outlives newer ones") {
  ServiceFixture fixture;
  Person person(fixture.address());
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef task = worker.AwaitAssignment("train/BG")->task();
  CATCH_REQUIRE(Publish(fixture, worker, MakeCheckpoint(task, 1, 0)).ok());
  v1::PinCheckpointRequest pin;
  pin.set_id("BG-000000000001");
  CATCH_REQUIRE(person.Ask(&Stub::PinCheckpoint, pin).ok());
  for (int64_t step = 2; step <= 4; ++step) {
    CATCH_REQUIRE(Publish(fixture, worker, MakeCheckpoint(task, step, 0)).ok());
  }
  const auto ids = [&] {
    std::vector<std::string> found;
    const absl::StatusOr<v1::ListCheckpointsResponse> list =
        person.Ask(&Stub::ListCheckpoints, v1::ListCheckpointsRequest());
    CATCH_REQUIRE(list.ok());
    for (const v1::Checkpoint& one : list->checkpoints()) found.push_back(one.id());
    return found;
  };
  CATCH_REQUIRE(AwaitStatus(fixture.address(), [&](const auto&) { return ids().size() == 3; }).ok());
  CATCH_CHECK(ids() == std::vector<std::string>{"BG-000000000004", "BG-000000000003", "BG-000000000001"});
  v1::UnpinCheckpointRequest unpin;
  unpin.set_id("BG-000000000001");
  CATCH_CHECK(person.Ask(&Stub::UnpinCheckpoint, unpin).ok());
  CATCH_CHECK(AwaitStatus(fixture.address(), [&](const auto&) { return ids().size() == 2; }).ok());
  pin.set_id("BG-000000000077");
  CATCH_CHECK(absl::IsNotFound(person.Ask(&Stub::PinCheckpoint, pin).status()));
}

CATCH_TEST_CASE("Health and reflection answer for every service") {
  ServiceFixture fixture;
  const std::shared_ptr<grpc::Channel> channel = NewChannel(fixture.address());
  const absl::StatusOr<std::vector<std::string>> services = ListServices(channel);
  CATCH_REQUIRE(services.ok());
  for (const char* name : {"interceptor.v1.WorkerService", "interceptor.v1.CheckpointService",
                           "interceptor.v1.ClusterService"}) {
    CATCH_CAPTURE(name);
    CATCH_CHECK(CheckHealth(channel, name).value() == 1);
    CATCH_CHECK(std::count(services->begin(), services->end(), name) == 1);
  }
}

CATCH_TEST_CASE("A state folder belongs to one coordinator and one plan") {
  ServiceFixture fixture;
  const absl::Status second = fixture.StartAnother(fixture.state_folder()).status();
  CATCH_CHECK(absl::IsFailedPrecondition(second));
  CATCH_CHECK(Message(second).find(fixture.state_folder()) != std::string::npos);
}

CATCH_TEST_CASE("What a killed coordinator was writing is gone after the next start") {
  ServiceFixture fixture;
  fixture.Stop();
  const std::string left = fixture.state_folder() + "/ballast.tmp-" + std::string(32, 'a');
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), left, "half of the ballast").ok());
  fixture.Restart();
  CATCH_CHECK_FALSE(SystemFiles().Exists(left));
  CATCH_CHECK(SystemFiles().Exists(fixture.state_folder() + "/ballast"));
}

CATCH_TEST_CASE("A journal that was lost is not begun anew") {
  ServiceFixture fixture;
  fixture.Stop();
  const std::string journal = fixture.state_folder() + "/journal.sqlite";
  for (const bool emptied : {true, false}) {
    CATCH_REQUIRE(SystemFiles().Remove(journal).ok());
    if (emptied) CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), journal, "").ok());
    const absl::Status status = fixture.StartAnother(fixture.state_folder()).status();
    CATCH_CHECK(absl::IsDataLoss(status));
    CATCH_CHECK(Message(status).find(journal) != std::string::npos);
  }
}

CATCH_TEST_CASE("A checkpoint is read back when asked, and one found damaged counts no more") {
  ServiceFixture fixture;
  Person person(fixture.address());
  ScriptedWorker worker(fixture.address());
  CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
  const v1::TaskRef task = worker.AwaitAssignment("train/BG").value().task();
  CATCH_REQUIRE(PublishManifest(fixture, worker, task, 0).ok());
  const CheckpointParts checkpoint = MakeCheckpoint(task, 100, 0);
  CATCH_REQUIRE(Publish(fixture, worker, checkpoint).ok());
  v1::VerifyCheckpointRequest request;
  request.set_id("BG-000000000100");
  const auto intact = person.Ask(&Stub::VerifyCheckpoint, request);
  CATCH_REQUIRE(intact.ok());
  CATCH_CHECK(intact->intact());
  CATCH_CHECK(intact->fault().empty());

  const std::string path =
      JoinPath(fixture.state_folder(),
               Cat("vault/blobs/", checkpoint.blob.hex.substr(0, 2), "/", checkpoint.blob.hex));
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, std::string(checkpoint.bytes.size(), 'x')).ok());
  const auto damaged = person.Ask(&Stub::VerifyCheckpoint, request);
  CATCH_REQUIRE(damaged.ok());
  CATCH_CHECK_FALSE(damaged->intact());
  CATCH_CHECK_THAT(damaged->fault(), Catch::Matchers::ContainsSubstring(checkpoint.blob.hex));
  CATCH_CHECK(AwaitStatus(fixture.address(), [](const auto& status) {
                return std::any_of(status.problems().begin(), status.problems().end(),
                                   [](const std::string& line) {
                                     return line.find("BG-000000000100 is damaged") != std::string::npos;
                                   });
              }).ok());
  request.set_id("BG-000000000200");
  CATCH_CHECK(absl::IsNotFound(person.Ask(&Stub::VerifyCheckpoint, request).status()));
}

CATCH_TEST_CASE("A coordinator started on a backup has every event and waits for a person") {
  ServiceFixture fixture;
  Person person(fixture.address());
  CATCH_REQUIRE(person.Pause("before", NewId()).ok());
  CATCH_REQUIRE(person.Ask(&Stub::ResumePlan, v1::ResumePlanRequest()).ok());
  const auto backup = person.Ask(&Stub::Backup, v1::BackupRequest());
  CATCH_INFO(backup.status().ToString());
  CATCH_REQUIRE(backup.ok());
  CATCH_CHECK(backup->events() == GetStatus(fixture.address()).value().events());
  const auto restored = fixture.StartAnother(backup->folder());
  CATCH_REQUIRE(restored.ok());
  const v1::GetStatusResponse status = GetStatus((*restored)->address()).value();
  // Its start, that it is a copy, and the pause.
  CATCH_CHECK(status.events() == backup->events() + 3);
  CATCH_CHECK(status.paused());
  CATCH_REQUIRE(status.problems_size() > 0);
  CATCH_CHECK_THAT(status.problems(0), Catch::Matchers::ContainsSubstring("is a copy"));
}

}  // namespace interceptor::coordinator
