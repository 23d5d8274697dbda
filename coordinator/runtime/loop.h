// The coordinator's one thread of decisions. It takes what has been submitted as a batch, then
//   1. decides and applies each command in turn, each against the state with the earlier ones applied,
//   2. appends the durable events of the whole batch in one transaction with one sync,
//   3. has a status snapshot published (of a large fleet every few seconds, and without waiting for it), and
//      releases replies and effects in order.
// Nothing of a batch is seen outside before its sync.
//
// A full disk: the ballast is dropped, which makes room for the batch; until it can be stowed again the loop
// is read-only: what carries a request_id is refused with RESOURCE_EXHAUSTED, while ticks go on, so that
// removals are journaled and carried out. When even that room is used up nothing more is decided until the
// batch is durable. Any other journal error leaves an unknown outcome, and the process exits to recover by
// replay.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "common/base/steady_wait.h"
#include "common/base/task_thread.h"
#include "common/io/file_system.h"
#include "coordinator/core/decide.h"
#include "coordinator/journal/event_log.h"
#include "coordinator/runtime/backup.h"
#include "coordinator/runtime/ballast.h"
#include "coordinator/runtime/incarnation_file.h"
#include "coordinator/runtime/status_publisher.h"
#include "coordinator/vault/blob_store.h"

namespace interceptor::coordinator {

// A worker stream as the loop sees it. Called on the loop's thread, and Close also on Leave's; must not
// block, nor call the loop back.
class SessionSink {
 public:
  virtual ~SessionSink() = default;
  virtual void Send(const Directive& directive) = 0;
  // The last call.
  virtual void Close(const absl::Status& status) = 0;
};

class Loop {
 public:
  struct Options {
    PlanFacts plan;
    std::string state_folder;
    absl::Duration tick_interval = absl::Milliseconds(250);
    int64_t ballast_bytes = int64_t{4} << 20;
    // Called on the loop's thread when the journal's outcome is unknown; must not return in a real program.
    std::function<void(const absl::Status&)> on_fatal;
  };
  // All must outlive the loop; the log is its own from Start to Stop.
  struct Parts {
    const FileSystem& files;
    const Clock& clock;
    EventLog& log;
    BlobStore& vault;
  };

  // Replays the journal, decides the start, sweeps the vault, and runs. Errors are the journal's and the
  // core's: FAILED_PRECONDITION when the folder belongs to another plan.
  static absl::StatusOr<std::unique_ptr<Loop>> Start(Options options, Parts parts);
  // Stops.
  ~Loop();

  // Called on the loop's thread once the outcome is durable, or at once on the caller's with
  // RESOURCE_EXHAUSTED (too much is queued) or UNAVAILABLE (stopped). Must not block. May be empty.
  using Answer = std::function<void(absl::StatusOr<Reply>)>;
  void Submit(CommandBody body, Answer answer);

  // Names a stream that is about to say hello; effects for it go to `sink` from its welcome on.
  SessionId NewSession(std::shared_ptr<SessionSink> sink);
  // The stream is over. OK for one that the loop has closed.
  void EndSession(SessionId session);
  // Closes every stream with `status` and ends every watch.
  void Leave(const absl::Status& status);

  // Reads the journal between two batches; answered on the loop's thread, or at once with UNAVAILABLE.
  using EventsAnswer = std::function<void(absl::StatusOr<std::vector<NumberedFact>>)>;
  void ReadEvents(EventQuery query, EventsAnswer answer);

  // Copies the state folder between two batches; answered on the loop's thread, or at once with UNAVAILABLE.
  using BackupAnswer = std::function<void(absl::StatusOr<BackupReport>)>;
  void MakeBackup(BackupAnswer answer);

  // Reads a blob back whole, tells the core what was found, and answers with it: OK, NOT_FOUND or DATA_LOSS,
  // any other error when it could not be read. On a thread of its own or the loop's.
  using VerifyAnswer = std::function<void(const absl::Status&)>;
  void VerifyBlob(const Digest& blob, VerifyAnswer answer);

  // Never waits.
  std::shared_ptr<const Snapshot> snapshot() const { return publisher_.snapshot(); }

  // As of StatusPublisher; Leave ends the watches. A watcher must not call the loop back.
  int64_t Watch(StatusPublisher::Watcher watcher) { return publisher_.Watch(std::move(watcher)); }
  void Unwatch(int64_t watch) { publisher_.Unwatch(watch); }

  // Decides what is queued, then ends the thread. Later calls answer UNAVAILABLE.
  void Stop();

 private:
  struct Submitted {
    CommandBody body;
    Answer answer;
  };
  // Called once: with OK on the loop's thread between two batches, or with the reason why it never will be.
  using Question = std::function<void(const absl::Status&)>;
  using Item = std::variant<Submitted, Question>;

  // What happens when a command's events are durable.
  struct Release {
    Answer answer;
    absl::StatusOr<Reply> reply;
    std::vector<Effect> effects;
  };
  struct Batch {
    std::vector<Event> events;  // applied, not published
    std::vector<Fact> facts;    // the durable ones of them
    std::vector<Release> releases;
    bool tick_soon = false;
  };

  Loop(Options options, Parts parts);

  // start.cc
  absl::Status Recover();
  absl::Status CheckBlobs();

  void Ask(Question question);
  void Run();
  // False when the loop has stopped and nothing is queued.
  bool TakeBatch(std::deque<Item>& items);
  void DecideOne(Submitted submitted, Batch& batch);
  void DecideTick(Batch& batch);
  void ReportSpace(Batch& batch);
  // False when the process must end.
  bool Commit(Batch batch);
  absl::Status Append(const std::vector<Fact>& facts);
  bool RetryStuck();
  void ReleaseAll(std::vector<Release> releases);
  void CarryOut(const Effect& effect);
  void RemoveFromVault(const Digest& blob);
  void ReadBack(const Digest& blob, const VerifyAnswer& answer);
  void KeepIncarnation();
  void Refuse(std::deque<Item> items);
  absl::Status ReadOnlyStatus() const;
  void PublishWhenDue() {
    if (parts_.clock.Now() >= next_publish_) Publish();
  }
  void Publish();
  StatusPublisher::Moment ThisMoment();
  void Fail(const absl::Status& status);
  std::shared_ptr<SessionSink> FindSink(SessionId session);

  const Options options_;
  const Parts parts_;
  StatusPublisher publisher_;

  // The loop's thread only.
  State state_;
  Ballast ballast_;
  IncarnationFile incarnation_file_;
  // Applied, and not durable because the disk is full; nothing else is decided meanwhile.
  std::optional<Batch> stuck_;
  // Streams that ended meanwhile.
  std::vector<SessionId> ended_while_stuck_;
  MonotonicTime next_tick_;
  MonotonicTime next_space_report_;
  MonotonicTime next_publish_;
  bool dead_ = false;

  mutable absl::Mutex queue_mutex_;
  SteadyCondition queue_changed_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool stopping_ ABSL_GUARDED_BY(queue_mutex_) = false;

  absl::Mutex sessions_mutex_;
  SessionId last_session_ ABSL_GUARDED_BY(sessions_mutex_) = 0;
  std::map<SessionId, std::shared_ptr<SessionSink>> sinks_ ABSL_GUARDED_BY(sessions_mutex_);

  std::thread thread_;
  TaskThread reader_;  // reads blobs back
};

}  // namespace interceptor::coordinator
