#include "worker/agent/child_registry.h"

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
constexpr absl::Duration kGrace = absl::Seconds(10);
constexpr absl::Duration kHurriedGrace = absl::Seconds(5);

// By ChildKind.
constexpr std::string_view kPrograms[] = {"interceptor-prepare", "interceptor-train",
                                          "interceptor-integrate"};

std::string_view Program(ChildKind kind) { return kPrograms[static_cast<size_t>(kind)]; }

}  // namespace

std::string RegisteredChild::Name() const { return Cat(Program(kind), " ", subject); }

absl::Status ChildRegistry::Start(ChildId id, RegisteredChild child, std::vector<std::string> arguments) {
  const std::string program = JoinPath(options_.programs, Program(child.kind));
  ICPT_RETURN_IF_ERROR(children_.Start(id, {program, std::move(arguments)}));
  alive_[id] = std::move(child);
  return absl::OkStatus();
}

absl::Status ChildRegistry::Start(const StartPreparer& start, const std::string& zip) {
  return Start(start.child, {ChildKind::kPreparer, start.chunk},
               {zip, "--out", options_.store, "--chunk", start.chunk, "--store-max",
                Cat(options_.store_bytes_max), "--settings", SettingsPath(options_.work)});
}

absl::Status ChildRegistry::Start(const StartTrainer& start) {
  std::vector<std::string> arguments = {"--specialist", start.specialist,
                                        "--store",      options_.store,
                                        "--run",        RunFolder(options_.work, start.specialist),
                                        "--settings",   SettingsPath(options_.work),
                                        "--data",       options_.data,
                                        "--device",     options_.device,
                                        "--threads",    Cat(options_.threads)};
  if (!start.resume_path.empty()) arguments.insert(arguments.end(), {"--resume", start.resume_path});
  return Start(start.child, {ChildKind::kTrainer, start.specialist}, std::move(arguments));
}

absl::Status ChildRegistry::Start(const StartIntegrator& start, uint64_t seed) {
  std::vector<std::string> arguments = {TablesFolder(options_.work), "--chunk", start.chunk, "--index",
                                        Cat(start.round.chunk),      "--seed",  Cat(seed),   "--out",
                                        ResultsFolder(options_.work)};
  for (const Evaluation& evaluation : start.round.evaluations) {
    arguments.insert(arguments.end(), {"--specialist", evaluation.specialist});
  }
  for (const AbsentSpecialist& absent : start.round.absent) {
    arguments.insert(arguments.end(), {"--absent", Cat(absent.specialist, "=", absent.reason)});
  }
  return Start(start.child, {ChildKind::kIntegrator, start.chunk}, std::move(arguments));
}

void ChildRegistry::Send(ChildId id, const Command& command) {
  const absl::Status status = children_.Send(id, ToJson(command));
  // A child that is gone says so by its exit.
  if (!status.ok() && !absl::IsUnavailable(status))
    ICPT_LOG(kWarning) << "child " << id << ": " << Message(status);
}

void ChildRegistry::Stop(const StopChild& stop, MonotonicTime now) {
  const auto child = alive_.find(stop.child);
  if (child == alive_.end()) return;
  if (stop.kind == StopKind::kAtOnce) return children_.Kill(stop.child);
  child->second.kill_at = now + (child->second.kind == ChildKind::kTrainer ? kTrainerGrace : kGrace);
  Send(stop.child, StopCommand{});
}

void ChildRegistry::Hurry(MonotonicTime now) {
  for (auto& [id, child] : alive_) child.kill_at = now + kHurriedGrace;
}

void ChildRegistry::KillOverdue(MonotonicTime now) {
  for (auto& [id, child] : alive_) {
    if (!child.kill_at || now < *child.kill_at) continue;
    ICPT_LOG(kWarning) << child.Name() << " did not leave in time: killed";
    child.kill_at.reset();
    children_.Kill(id);
  }
}

std::optional<MonotonicTime> ChildRegistry::NextKill() const {
  std::optional<MonotonicTime> next;
  for (const auto& [id, child] : alive_) {
    if (child.kill_at && (!next || *child.kill_at < *next)) next = child.kill_at;
  }
  return next;
}

const RegisteredChild* ChildRegistry::Find(ChildId id) const {
  const auto child = alive_.find(id);
  return child == alive_.end() ? nullptr : &child->second;
}

std::optional<RegisteredChild> ChildRegistry::Remove(ChildId id) {
  children_.Forget(id);
  const auto found = alive_.find(id);
  if (found == alive_.end()) return std::nullopt;
  RegisteredChild child = std::move(found->second);
  alive_.erase(found);
  return child;
}

}  // namespace interceptor::worker
