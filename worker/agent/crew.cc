#include "worker/agent/crew.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/file_system.h"
#include "worker/agent/box.h"
#include "worker/child_protocol/codec.h"

namespace interceptor::worker {
namespace {

// How long a child may take to save and leave before it is killed; B4's snapshot takes seconds.
constexpr absl::Duration kTrainerGrace = absl::Seconds(60);
constexpr absl::Duration kPreparerGrace = absl::Seconds(10);
constexpr absl::Duration kHurriedGrace = absl::Seconds(5);

}  // namespace

std::string CrewMember::Name() const {
  return IsTrainer() ? Cat("interceptor-train ", specialist) : Cat("interceptor-prepare ", chunk);
}

absl::Status Crew::Start(ChildId child, CrewMember member, const ChildCommand& command) {
  ICPT_RETURN_IF_ERROR(children_.Start(child, command));
  alive_[child] = std::move(member);
  return absl::OkStatus();
}

absl::Status Crew::Start(const StartPreparer& start, const std::string& zip) {
  return Start(start.child, {.specialist = "", .chunk = start.chunk, .kill_at = {}},
               {JoinPath(options_.programs, "interceptor-prepare"),
                {zip, "--out", options_.store, "--chunk", start.chunk, "--store-max",
                 Cat(options_.store_bytes_max), "--settings", SettingsPath(options_.work)}});
}

absl::Status Crew::Start(const StartTrainer& start) {
  ChildCommand command{
      JoinPath(options_.programs, "interceptor-train"),
      {"--specialist", start.specialist, "--store", options_.store, "--run",
       RunFolder(options_.work, start.specialist), "--settings", SettingsPath(options_.work), "--data",
       options_.data, "--device", options_.device, "--threads", Cat(options_.threads)}};
  if (!start.resume_path.empty()) {
    command.arguments.insert(command.arguments.end(), {"--resume", start.resume_path});
  }
  return Start(start.child, {.specialist = start.specialist, .chunk = "", .kill_at = {}}, command);
}

void Crew::Tell(ChildId child, const Command& command) {
  const absl::Status status = children_.Send(child, ToJson(command));
  // A child that is gone says so by its exit.
  if (!status.ok() && !absl::IsUnavailable(status))
    ICPT_LOG(kWarning) << "child " << child << ": " << Message(status);
}

void Crew::Stop(const StopChild& stop, MonotonicTime now) {
  const auto member = alive_.find(stop.child);
  if (member == alive_.end()) return;
  if (stop.kind == StopKind::kAtOnce) return children_.Kill(stop.child);
  member->second.kill_at = now + (member->second.IsTrainer() ? kTrainerGrace : kPreparerGrace);
  Tell(stop.child, StopCommand{});
}

void Crew::Hurry(MonotonicTime now) {
  for (auto& [id, member] : alive_) member.kill_at = now + kHurriedGrace;
}

void Crew::KillOverdue(MonotonicTime now) {
  for (auto& [id, member] : alive_) {
    if (!member.kill_at || now < *member.kill_at) continue;
    ICPT_LOG(kWarning) << member.Name() << " did not leave in time: killed";
    member.kill_at.reset();
    children_.Kill(id);
  }
}

std::optional<MonotonicTime> Crew::NextKill() const {
  std::optional<MonotonicTime> next;
  for (const auto& [id, member] : alive_) {
    if (member.kill_at && (!next || *member.kill_at < *next)) next = member.kill_at;
  }
  return next;
}

const CrewMember* Crew::Find(ChildId child) const {
  const auto member = alive_.find(child);
  return member == alive_.end() ? nullptr : &member->second;
}

std::optional<CrewMember> Crew::Dismiss(ChildId child) {
  children_.Forget(child);
  const auto member = alive_.find(child);
  if (member == alive_.end()) return std::nullopt;
  CrewMember gone = std::move(member->second);
  alive_.erase(member);
  return gone;
}

}  // namespace interceptor::worker
