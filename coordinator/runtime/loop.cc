#include "coordinator/runtime/loop.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/runtime/pace.h"

namespace interceptor::coordinator {
namespace {

// About a second of the busiest fleet; beyond it callers are told to come back.
constexpr size_t kQueueMax = 16'384;
// Bounds the time between a batch's first decision and its sync.
constexpr size_t kBatchMax = 512;
constexpr absl::Duration kSpaceInterval = absl::Seconds(5);
// Between two tries to append a batch that a full disk refused.
constexpr absl::Duration kStuckInterval = absl::Seconds(1);

template <typename Command>
constexpr bool kIsRequest = requires(const Command& command) {
  command.request_id;
};

// What carries a request_id is somebody's wish and can be sent again.
bool IsRequest(const CommandBody& body) {
  return std::visit([]<typename Command>(const Command&) { return kIsRequest<Command>; }, body);
}

// The vault is asked on the loop's thread, where blobs are removed, so the answer holds while deciding.
void LookIntoVault(const BlobStore& vault, CommandBody& body) {
  if (auto* manifest = std::get_if<ManifestProposed>(&body)) {
    manifest->blob_verified = vault.Has(manifest->manifest.blob);
  } else if (auto* checkpoint = std::get_if<CheckpointProposed>(&body)) {
    checkpoint->blob_verified = vault.Has(checkpoint->checkpoint.blob);
  } else if (auto* evaluation = std::get_if<EvaluationReported>(&body)) {
    evaluation->blob_verified = vault.Has(evaluation->evaluation.score_table);
  }
}

}  // namespace

Loop::Loop(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      ballast_(parts.files, options_.state_folder, options_.ballast_bytes),
      incarnation_file_(parts.files, options_.state_folder) {}

Loop::~Loop() { Stop(); }

void Loop::Stop() {
  {
    absl::MutexLock lock(&queue_mutex_);
    stopping_ = true;
    queue_changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Loop::Submit(CommandBody body, Answer answer) {
  absl::Status refused;
  {
    absl::MutexLock lock(&queue_mutex_);
    // That a stream ended must not get lost: nothing else says it.
    const bool must_take = std::holds_alternative<SessionClosed>(body);
    if (stopping_) {
      refused = Unavailable("the coordinator is going down");
    } else if (queue_.size() >= kQueueMax && !must_take) {
      refused = ResourceExhausted("the coordinator has ", queue_.size(), " commands queued; the limit is ",
                                  kQueueMax, ": send it again later");
    } else {
      queue_.push_back(Submitted{std::move(body), std::move(answer)});
      if (queue_.size() == 1) queue_changed_.NotifyAll();
      return;
    }
  }
  if (answer) answer(refused);
}

void Loop::Ask(Question question) {
  {
    absl::MutexLock lock(&queue_mutex_);
    if (!stopping_ && queue_.size() < kQueueMax) {
      queue_.push_back(std::move(question));
      if (queue_.size() == 1) queue_changed_.NotifyAll();
      return;
    }
  }
  question(Unavailable("the coordinator is going down or overloaded"));
}

void Loop::ReadEvents(EventQuery query, EventsAnswer answer) {
  Ask([this, query = std::move(query), answer = std::move(answer)](const absl::Status& may) {
    answer(may.ok() ? parts_.log.Read(query) : may);
  });
}

void Loop::MakeBackup(BackupAnswer answer) {
  Ask([this, answer = std::move(answer)](const absl::Status& may) {
    if (!may.ok()) return answer(may);
    // The state is ahead of the journal then, and there is no room.
    if (stuck_.has_value()) return answer(ReadOnlyStatus());
    const BackupParts parts{parts_.files, parts_.log, parts_.vault, options_.state_folder};
    answer(BackUp(parts, state_.facts, parts_.clock.WallTime()));
  });
}

void Loop::VerifyBlob(const Digest& blob, VerifyAnswer answer) {
  reader_.Post([this, blob, answer = std::move(answer)] { ReadBack(blob, answer); });
}

SessionId Loop::NewSession(std::shared_ptr<SessionSink> sink) {
  absl::MutexLock lock(&sessions_mutex_);
  sinks_[++last_session_] = std::move(sink);
  return last_session_;
}

void Loop::EndSession(SessionId session) {
  {
    absl::MutexLock lock(&sessions_mutex_);
    sinks_.erase(session);
  }
  Submit(SessionClosed{session}, nullptr);
}

void Loop::Leave(const absl::Status& status) {
  std::map<SessionId, std::shared_ptr<SessionSink>> sinks;
  {
    absl::MutexLock lock(&sessions_mutex_);
    sinks.swap(sinks_);
  }
  for (const auto& [session, sink] : sinks) sink->Close(status);
  publisher_.EndWatches();
}

std::shared_ptr<SessionSink> Loop::FindSink(SessionId session) {
  absl::MutexLock lock(&sessions_mutex_);
  const auto found = sinks_.find(session);
  return found == sinks_.end() ? nullptr : found->second;
}

void Loop::Run() {
  std::deque<Item> items;
  while (!dead_ && TakeBatch(items)) {
    if (stuck_.has_value()) {
      Refuse(std::exchange(items, {}));
      if (parts_.clock.Now() >= next_tick_ && !RetryStuck()) break;
      continue;
    }
    Batch batch;
    std::vector<Question> questions;
    for (Item& item : std::exchange(items, {})) {
      if (auto* question = std::get_if<Question>(&item)) {
        questions.push_back(std::move(*question));
      } else {
        DecideOne(std::move(std::get<Submitted>(item)), batch);
      }
    }
    if (parts_.clock.Now() >= next_space_report_) ReportSpace(batch);
    const bool tick_due = parts_.clock.Now() >= next_tick_;
    if (tick_due || batch.tick_soon) DecideTick(batch);
    const bool durable = !batch.facts.empty();
    const bool committed = Commit(std::move(batch));
    for (const Question& question : questions) {
      question(committed ? absl::OkStatus() : Unavailable("the coordinator's journal failed"));
    }
    if (!committed) break;
    if (tick_due && !durable && !stuck_.has_value()) PublishWhenDue();
  }
  {
    absl::MutexLock lock(&queue_mutex_);
    stopping_ = true;
    items.insert(items.end(), std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
  }
  for (Item& item : items) {
    const absl::Status gone = Unavailable("the coordinator is going down");
    if (const auto* question = std::get_if<Question>(&item)) {
      (*question)(gone);
    } else if (Answer& answer = std::get<Submitted>(item).answer) {
      answer(gone);
    }
  }
}

bool Loop::TakeBatch(std::deque<Item>& items) {
  const absl::Duration wait = std::max(absl::ZeroDuration(), next_tick_ - parts_.clock.Now());
  absl::MutexLock lock(&queue_mutex_);
  queue_changed_.Await(queue_mutex_, wait, [this] { return stopping_ || !queue_.empty(); });
  const absl::Duration more = GatheringTime(state_);
  if (more > absl::ZeroDuration()) queue_changed_.Await(queue_mutex_, more, [this] { return stopping_; });
  while (!queue_.empty() && items.size() < kBatchMax) {
    items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return !stopping_ || !items.empty();
}

void Loop::DecideOne(Submitted submitted, Batch& batch) {
  if (!ballast_.stowed() && IsRequest(submitted.body)) {
    if (submitted.answer) submitted.answer(ReadOnlyStatus());
    return;
  }
  LookIntoVault(parts_.vault, submitted.body);
  absl::StatusOr<Decision> decision =
      Decide(state_, {parts_.clock.WallTime(), std::move(submitted.body)}, parts_.clock.Now());
  if (!decision.ok()) {
    // Held back like any other answer: what it was refused for may stand in this very batch.
    batch.releases.push_back({std::move(submitted.answer), decision.status(), {}});
    return;
  }
  for (Event& event : decision->events) {
    Apply(state_, event);
    if (IsDurable(event)) batch.facts.push_back(std::get<Fact>(event));
    batch.events.push_back(std::move(event));
  }
  batch.releases.push_back(
      {std::move(submitted.answer), std::move(decision->reply), std::move(decision->effects)});
  batch.tick_soon = batch.tick_soon || decision->tick_soon;
}

void Loop::DecideTick(Batch& batch) {
  next_tick_ = parts_.clock.Now() + TickInterval(state_, options_.tick_interval);
  DecideOne({TickCommand{}, nullptr}, batch);
}

void Loop::ReportSpace(Batch& batch) {
  next_space_report_ = parts_.clock.Now() + kSpaceInterval;
  if (!ballast_.stowed()) {
    const absl::Status stowed = ballast_.Stow();
    ICPT_LOG(kInfo) << (stowed.ok() ? "the disk has room again: taking requests"
                                    : Cat("still read-only: ", stowed));
  }
  const absl::StatusOr<int64_t> free_bytes = parts_.vault.FreeBytes();
  if (!free_bytes.ok()) {
    ICPT_LOG(kWarning) << "cannot measure the disk: " << free_bytes.status();
    return;
  }
  DecideOne({SpaceReported{*free_bytes, parts_.vault.total_bytes()}, nullptr}, batch);
}

absl::Status Loop::Append(const std::vector<Fact>& facts) {
  if (facts.empty()) return absl::OkStatus();
  absl::Status appended = parts_.log.Append(facts);
  if (absl::IsResourceExhausted(appended) && ballast_.stowed()) {
    ICPT_LOG(kError) << "read-only until the disk has room again: " << appended;
    const absl::Status dropped = ballast_.Drop();
    if (!dropped.ok()) ICPT_LOG(kError) << "cannot give the ballast back: " << dropped;
    appended = parts_.log.Append(facts);
  }
  return appended;
}

bool Loop::Commit(Batch batch) {
  const absl::Status appended = Append(batch.facts);
  if (absl::IsResourceExhausted(appended)) {
    // Callers are told at once; what they asked for happens when there is room. Effects wait for that.
    for (Release& release : batch.releases) {
      if (Answer answer = std::exchange(release.answer, nullptr)) answer(ReadOnlyStatus());
    }
    stuck_ = std::move(batch);
    next_tick_ = parts_.clock.Now() + kStuckInterval;
    Publish();
    return true;
  }
  if (!appended.ok()) {
    Fail(appended);
    for (Release& release : batch.releases) {
      if (release.answer) release.answer(Unavailable("the coordinator's journal failed"));
    }
    return false;
  }
  publisher_.Follow(std::move(batch.events));
  if (!batch.facts.empty()) {
    KeepIncarnation();
    PublishWhenDue();
  }
  ReleaseAll(std::move(batch.releases));
  return true;
}

bool Loop::RetryStuck() {
  next_tick_ = parts_.clock.Now() + kStuckInterval;
  next_publish_ = {};  // whatever comes of it is shown at once
  if (!Commit(*std::exchange(stuck_, std::nullopt))) return false;
  if (stuck_.has_value()) return true;
  for (const SessionId session : std::exchange(ended_while_stuck_, {}))
    Submit(SessionClosed{session}, nullptr);
  return true;
}

void Loop::ReleaseAll(std::vector<Release> releases) {
  for (Release& release : releases) {
    if (release.answer) release.answer(std::move(release.reply));
    for (const Effect& effect : release.effects) CarryOut(effect);
  }
}

void Loop::CarryOut(const Effect& effect) {
  if (const auto* send = std::get_if<SendDirective>(&effect)) {
    if (const std::shared_ptr<SessionSink> sink = FindSink(send->session)) sink->Send(send->directive);
  } else if (const auto* close = std::get_if<CloseSession>(&effect)) {
    const std::shared_ptr<SessionSink> sink = FindSink(close->session);
    if (sink == nullptr) return;
    sink->Close(close->status);
    absl::MutexLock lock(&sessions_mutex_);
    sinks_.erase(close->session);
  } else if (const auto* remove = std::get_if<RemoveBlob>(&effect)) {
    RemoveFromVault(remove->blob);
  } else {
    VerifyBlob(std::get<CheckBlob>(effect).blob, [](const absl::Status&) {});
  }
}

void Loop::ReadBack(const Digest& blob, const VerifyAnswer& answer) {
  const absl::Status found = parts_.vault.Verify(blob);
  if (found.ok() || absl::IsNotFound(found) || absl::IsDataLoss(found)) {
    Submit(BlobChecked{blob, found.ok()}, [answer, found](const absl::StatusOr<Reply>&) { answer(found); });
    return;
  }
  // That the disk did not answer proves nothing; the core asks again.
  ICPT_LOG(kWarning) << "cannot read blob " << blob.hex << " back: " << Message(found);
  answer(found);
}

void Loop::RemoveFromVault(const Digest& blob) {
  const absl::Status removed = parts_.vault.Remove(blob);
  if (removed.ok()) {
    Submit(BlobRemoved{blob}, nullptr);
    return;
  }
  // The core asks again until it hears that the blob is gone.
  ICPT_LOG(kWarning) << "cannot remove blob " << blob.hex << " from the vault: " << removed;
}

// Before anybody hears of it. Without the file an older journal put back is noticed by the boxes only.
void Loop::KeepIncarnation() {
  const absl::Status kept = incarnation_file_.Keep(NewestStart(state_.facts));
  if (!kept.ok()) ICPT_LOG(kWarning) << "cannot keep the number of this start: " << kept;
}

void Loop::Refuse(std::deque<Item> items) {
  for (Item& item : items) {
    if (const auto* question = std::get_if<Question>(&item)) {
      (*question)(absl::OkStatus());
      continue;
    }
    Submitted& submitted = std::get<Submitted>(item);
    if (const auto* closed = std::get_if<SessionClosed>(&submitted.body)) {
      ended_while_stuck_.push_back(closed->session);
    }
    if (submitted.answer) submitted.answer(ReadOnlyStatus());
  }
}

absl::Status Loop::ReadOnlyStatus() const {
  return ResourceExhausted("the coordinator is read-only: the disk of ", options_.state_folder,
                           " is full; free some space there and it goes on by itself, then send this again");
}

StatusPublisher::Moment Loop::ThisMoment() {
  return {.now = parts_.clock.Now(),
          .at = parts_.clock.WallTime(),
          .vault_bytes = parts_.vault.total_bytes(),
          .problem = ballast_.stowed() ? "" : Message(ReadOnlyStatus())};
}

void Loop::Publish() {
  const bool at_once = IsShownAtOnce(state_);
  if (!at_once) next_publish_ = parts_.clock.Now() + ShowInterval(state_);
  publisher_.Publish(ThisMoment(), /*wait=*/at_once);
}

void Loop::Fail(const absl::Status& status) {
  dead_ = true;
  options_.on_fatal(status);
}

}  // namespace interceptor::coordinator
