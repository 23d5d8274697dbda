// The loop with a journal that fails on command: what is answered when, and what a full disk does.
#include "coordinator/runtime/loop.h"

#include <optional>

#include "absl/synchronization/notification.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {
namespace {

constexpr absl::Duration kDeadline = absl::Minutes(10);

// In memory; holds back, refuses or breaks on command. Safe from any thread, unlike the real one.
class FakeLog : public EventLog {
 public:
  absl::Status Append(const std::vector<Fact>& facts) override {
    absl::MutexLock lock(&mutex_);
    const auto open = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
    appends_ += facts.empty() ? 0 : 1;
    mutex_.AwaitWithTimeout(absl::Condition(&open), kDeadline);
    if (refusals_ > 0) {
      --refusals_;
      return ResourceExhausted("database or disk is full");
    }
    if (broken_) return Internal("disk I/O error");
    for (const Fact& fact : facts) facts_.push_back({static_cast<int64_t>(facts_.size()) + 1, fact});
    return absl::OkStatus();
  }
  absl::Status Replay(const std::function<absl::Status(const NumberedFact&)>& visit) const override {
    for (const NumberedFact& fact : facts()) ICPT_RETURN_IF_ERROR(visit(fact));
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<NumberedFact>> Read(const EventQuery&) const override { return facts(); }
  int64_t size() const override { return static_cast<int64_t>(facts().size()); }
  absl::Status Backup(const std::string&) const override { return absl::OkStatus(); }

  std::vector<NumberedFact> facts() const {
    absl::MutexLock lock(&mutex_);
    return facts_;
  }
  void Hold(bool held) {
    absl::MutexLock lock(&mutex_);
    held_ = held;
  }
  void Refuse(int times) {
    absl::MutexLock lock(&mutex_);
    refusals_ = times;
  }
  void Break() {
    absl::MutexLock lock(&mutex_);
    broken_ = true;
  }
  // Waits until Append has been called that often with something.
  void AwaitAppends(int count) const {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return appends_ >= count; };
    CATCH_REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&reached), kDeadline));
  }
  int appends() const {
    absl::MutexLock lock(&mutex_);
    return appends_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<NumberedFact> facts_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  int appends_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One answer, from the loop's thread to the test's.
class Answered {
 public:
  Loop::Answer Sink() {
    return [state = state_](const absl::StatusOr<Reply>& reply) {
      absl::MutexLock lock(&state->mutex);
      state->status = reply.status();
    };
  }
  bool has_value() const {
    absl::MutexLock lock(&state_->mutex);
    return state_->status.has_value();
  }
  absl::Status Await() const {
    absl::MutexLock lock(&state_->mutex);
    const auto there = [this] { return state_->status.has_value(); };
    CATCH_REQUIRE(state_->mutex.AwaitWithTimeout(absl::Condition(&there), kDeadline));
    return *state_->status;
  }

 private:
  struct State {
    absl::Mutex mutex;
    std::optional<absl::Status> status;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class LoopFixture {
 public:
  explicit LoopFixture(int more_members = 0)
      : more_members_(more_members),
        vault_(*BlobStore::Open(SystemFiles(), {.folder = folder_.File("vault")})) {
    Start();
  }

  void Start() {
    loop_.reset();
    Loop::Options options;
    options.plan.name = "test";
    options.plan.digest = DigestOf("plan").hex;
    options.plan.members = {{"member-1", {"BG", "AV"}, false}, {"member-4", {}, true}};
    for (int i = 0; i < more_members_; ++i) {
      options.plan.members.push_back({Cat("more-", i), {Cat("X", i), Cat("Y", i)}, false});
    }
    options.plan.chunks = {{"00", ""}};
    options.plan.lease_ttl = absl::Hours(1);
    options.plan.handover = absl::Hours(1);
    options.plan.stall = absl::Hours(1);
    options.plan.checkpoint_period = absl::Seconds(60);
    options.state_folder = folder_.path();
    options.tick_interval = absl::Milliseconds(20);
    options.on_fatal = [this](const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      fatal_ = status;
    };
    absl::StatusOr<std::unique_ptr<Loop>> loop = Loop::Start(
        options,
        {.files = files_, .clock = SystemClock(), .log = log_, .vault = *vault_});
    CATCH_REQUIRE(loop.ok());
    loop_ = *std::move(loop);
  }

  Answered Pause(const std::string& reason) {
    Answered answered;
    loop_->Submit(PausePlan{NewId(), reason}, answered.Sink());
    return answered;
  }

  // Waits for a published snapshot that `wanted` holds of.
  void AwaitSnapshot(const std::function<bool(const Snapshot&)>& wanted) {
    absl::Mutex mutex;
    bool seen = false;
    const int64_t watch = loop_->Watch([&](const std::shared_ptr<const Snapshot>& snapshot) {
      absl::MutexLock lock(&mutex);
      seen = seen || (snapshot != nullptr && wanted(*snapshot));
    });
    bool reached = false;
    {
      absl::MutexLock lock(&mutex);
      reached = mutex.AwaitWithTimeout(absl::Condition(&seen), kDeadline);
    }
    loop_->Unwatch(watch);
    CATCH_REQUIRE(reached);
  }

  absl::Status AwaitFatal() {
    absl::MutexLock lock(&mutex_);
    const auto failed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !fatal_.ok(); };
    CATCH_REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&failed), kDeadline));
    return fatal_;
  }

  bool HasBallast() const { return SystemFiles().Exists(folder_.File("ballast")); }

  const int more_members_;
  ScratchFolder folder_;
  FaultyFileSystem files_;
  FakeLog log_;
  std::unique_ptr<BlobStore> vault_;
  absl::Mutex mutex_;
  absl::Status fatal_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Loop> loop_;
};

}  // namespace

CATCH_TEST_CASE("Nothing is answered or seen before its events are durable") {
  LoopFixture fixture;
  fixture.log_.Hold(true);
  const int before = fixture.log_.appends();
  const Answered first = fixture.Pause("first");
  fixture.log_.AwaitAppends(before + 1);
  CATCH_CHECK_FALSE(first.has_value());
  CATCH_CHECK_FALSE(fixture.loop_->snapshot()->view.paused);
  fixture.log_.Hold(false);
  CATCH_CHECK(first.Await().ok());
  CATCH_CHECK(fixture.loop_->snapshot()->view.paused);
}

CATCH_TEST_CASE("What is queued while a batch is written is one batch with one transaction") {
  LoopFixture fixture;
  fixture.log_.Hold(true);
  const int before = fixture.log_.appends();
  const Answered first = fixture.Pause("first");
  fixture.log_.AwaitAppends(before + 1);
  std::vector<Answered> rest;
  for (int i = 0; i < 50; ++i) rest.push_back(fixture.Pause(Cat("reason ", i)));
  fixture.log_.Hold(false);
  for (const Answered& one : rest) CATCH_CHECK(one.Await().ok());
  CATCH_CHECK(fixture.log_.appends() == before + 2);
}

CATCH_TEST_CASE("A journal error of unknown outcome ends the process and answers nobody with success") {
  LoopFixture fixture;
  fixture.log_.Break();
  const Answered answered = fixture.Pause("x");
  CATCH_CHECK(Message(fixture.AwaitFatal()).find("disk I/O error") != std::string::npos);
  CATCH_CHECK(absl::IsUnavailable(answered.Await()));
  CATCH_CHECK(absl::IsUnavailable(fixture.Pause("y").Await()));
}

CATCH_TEST_CASE("A full disk: the ballast makes room, requests are refused, and it heals by itself") {
  LoopFixture fixture;
  CATCH_CHECK(fixture.HasBallast());
  fixture.log_.Refuse(1);
  fixture.files_.FailFromCall(3, ResourceExhausted("no space"));  // two are the ballast's removal
  CATCH_CHECK(fixture.Pause("fits into the ballast").Await().ok());
  CATCH_CHECK_FALSE(fixture.HasBallast());
  const absl::Status refused = fixture.Pause("too late").Await();
  CATCH_CHECK(absl::IsResourceExhausted(refused));
  CATCH_CHECK(Message(refused).find("read-only") != std::string::npos);
  CATCH_CHECK(fixture.loop_->snapshot()->view.problems.front().find("read-only") != std::string::npos);
  fixture.files_.Heal();
  fixture.AwaitSnapshot([](const Snapshot& snapshot) {
    return snapshot.view.problems.empty() ||
           snapshot.view.problems.front().find("read-only") == std::string::npos;
  });
  CATCH_CHECK(fixture.HasBallast());
  CATCH_CHECK(fixture.Pause("again").Await().ok());
}

CATCH_TEST_CASE("A disk without any room holds the batch back and shows only what is durable") {
  LoopFixture fixture;
  fixture.log_.Refuse(1'000'000);
  const Answered asked = fixture.Pause("kept");
  CATCH_CHECK(absl::IsResourceExhausted(asked.Await()));
  CATCH_CHECK_FALSE(fixture.loop_->snapshot()->view.paused);
  CATCH_CHECK(absl::IsResourceExhausted(fixture.Pause("refused").Await()));
  fixture.log_.Refuse(0);
  fixture.AwaitSnapshot([](const Snapshot& snapshot) { return snapshot.view.paused; });
}

CATCH_TEST_CASE("While a large fleet's status is published the loop goes on, and nobody who asks waits") {
  LoopFixture fixture(/*more_members=*/50);
  absl::Notification published;
  absl::Notification go_on;
  const int64_t watch = fixture.loop_->Watch([&](const std::shared_ptr<const Snapshot>& snapshot) {
    if (snapshot == nullptr || published.HasBeenNotified()) return;
    published.Notify();
    go_on.WaitForNotificationWithTimeout(kDeadline);
  });
  CATCH_REQUIRE(published.WaitForNotificationWithTimeout(kDeadline));
  for (int i = 0; i < 10; ++i) CATCH_CHECK(fixture.Pause(Cat("reason ", i)).Await().ok());
  CATCH_CHECK(fixture.loop_->snapshot() != nullptr);
  go_on.Notify();
  fixture.AwaitSnapshot([](const Snapshot& snapshot) { return snapshot.view.paused; });
  fixture.loop_->Unwatch(watch);
}

CATCH_TEST_CASE("A start rebuilds what the journal says") {
  LoopFixture fixture;
  CATCH_REQUIRE(fixture.Pause("kept").Await().ok());
  fixture.loop_->Stop();
  fixture.Start();
  CATCH_CHECK(fixture.loop_->snapshot()->view.paused);
  CATCH_CHECK(fixture.loop_->snapshot()->view.incarnation == 2);
}

CATCH_TEST_CASE("Stopping answers what is queued and refuses what comes later") {
  LoopFixture fixture;
  const Answered queued = fixture.Pause("queued");
  fixture.loop_->Stop();
  CATCH_CHECK(queued.Await().ok());
  CATCH_CHECK(absl::IsUnavailable(fixture.Pause("late").Await()));
}

}  // namespace interceptor::coordinator
