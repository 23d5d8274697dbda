#include "tests/simulation/agent_host.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "tests/simulation/box.h"
#include "tests/simulation/integrator.h"
#include "tests/simulation/preparer.h"
#include "tests/simulation/trainer.h"

namespace interceptor::simulation {
namespace {

constexpr absl::Duration kScanPeriod = absl::Seconds(1);
constexpr absl::Duration kTrainerGrace = absl::Seconds(60);
constexpr absl::Duration kPreparerGrace = absl::Seconds(10);
constexpr absl::Duration kHurriedGrace = absl::Seconds(5);
// So often in a row an agent may wake up for nothing before it counts as spinning.
constexpr int kIdleWakesMax = 50;

}  // namespace

AgentHost::AgentHost(Box& box, std::string name, Draws draws)
    : box_(box), process_(box.world(), std::move(name)), draws_(draws) {}

void AgentHost::Start() {
  if (process_.alive()) return;
  process_.Begin();
  incarnation_ = draws_.Id();
  session_ = std::make_unique<worker::Session>(incarnation_);
  children_.clear();
  pending_.clear();
  recalled_.clear();
  trusted_.clear();
  base_steps_.clear();
  knows_chunks_ = stop_asked_ = feeding_ = heard_ = said_hello_ = false;
  told_.clear();
  wake_at_.reset();
  idle_wakes_ = attempt_ = 0;
  connection_.reset();
  server_.reset();
  uploads_.clear();
  downloads_.clear();
  uploading_.reset();
  fault_ = absl::OkStatus();
  process_.Tell(Cat("starts as ", incarnation_.substr(0, 8)));
  Feed(worker::StoreSeen{});
  Scan();
  TryConnect();
}

void AgentHost::End(bool silent) {
  if (!process_.alive()) return;
  process_.End();
  for (const auto& [id, child] : std::exchange(children_, {})) child->Kill();
  if (connection_ == nullptr) return;
  std::function<void()> end;
  if (!silent)
    end = [&host = box_.coordinator(), server = server_, life = box_.coordinator().process().life()] {
      host.process().RunIn(life, [server] { server->OnEnd(); });
    };
  connection_->up->Break(std::move(end));
  connection_->down->Break(nullptr);
  connection_.reset();
}

std::vector<Child*> AgentHost::Children() {
  std::vector<Child*> children;
  for (const auto& [id, child] : children_) children.push_back(child);
  return children;
}

int64_t AgentHost::BaseStepOf(const std::string& specialist) const {
  const auto found = base_steps_.find(specialist);
  return found == base_steps_.end() ? 0 : found->second;
}

// --- the loop ---

void AgentHost::Feed(const worker::SessionInput& input) {
  pending_.push_back(input);
  Drain();
}

void AgentHost::Drain() {
  if (std::exchange(feeding_, true)) return;
  const int life = process_.life();
  while (!pending_.empty()) {
    const worker::SessionInput input = std::move(pending_.front());
    pending_.pop_front();
    const worker::SessionOutputs outputs = session_->Handle(input, box_.machine().Now());
    const bool idle = outputs.empty() && std::holds_alternative<worker::Ticked>(input);
    idle_wakes_ = idle ? idle_wakes_ + 1 : 0;
    for (const worker::SessionOutput& output : outputs) {
      std::visit([this](const auto& value) { Do(value); }, output);
      if (life != process_.life()) return;
    }
  }
  feeding_ = false;
  ScheduleWake();
}

void AgentHost::ScheduleWake() {
  const std::optional<MonotonicTime> wake = session_->NextWake();
  if (!wake || (wake_at_ && *wake_at_ <= *wake)) return;
  const MonotonicTime now = box_.machine().Now();
  if (idle_wakes_ > kIdleWakesMax && *wake <= now) {
    box_.world().Violate("I26 a waiting worker does not spin",
                         Cat(process_.name(), " wakes for nothing again and again"));
    return;
  }
  wake_at_ = wake;
  const absl::Duration wait = std::max(absl::ZeroDuration(), *wake - now);
  process_.Post(box_.machine().InWorld(wait) + absl::Microseconds(1), [this, at = *wake] {
    if (wake_at_ != at) return;
    wake_at_.reset();
    Feed(worker::Ticked{});
  });
}

void AgentHost::AskToStop() {
  if (!process_.alive()) return;
  process_.Tell("is asked to stop");
  if (!std::exchange(stop_asked_, true)) {
    for (const auto& [id, child] : children_) {
      box_.world().After(kHurriedGrace, [child = child] { child->Kill(); });
    }
  }
  Feed(worker::StopAsked{});
}

void AgentHost::LeaveWith(const absl::Status& status) {
  const int life = process_.life();
  if (fault_.ok()) fault_ = status;
  AskToStop();
  if (life == process_.life()) AskToStop();
}

void AgentHost::OnChild(worker::ChildId child, const worker::SessionInput& input) {
  const auto member = children_.find(child);
  if (const auto* exited = std::get_if<worker::ChildExited>(&input)) {
    if (member != children_.end()) {
      const std::string specialist = member->second->specialist();
      if (!specialist.empty()) box_.checks().ledger.EndWasHeard(box_.name(), specialist);
      children_.erase(member);
    }
    const int life = process_.life();
    Feed(worker::StoreSeen{LookAtStore(box_.disk(), box_.chunk_names(), trusted_)});
    if (life == process_.life()) Feed(*exited);
    return;
  }
  if (member == children_.end()) return;
  if (const auto* built = std::get_if<worker::ManifestBuilt>(&input))
    trusted_.insert(built->stored.manifest.chunk);
  Feed(input);
}

void AgentHost::Scan() {
  OnFilesSeen();
  process_.Post(kScanPeriod, [this] { Scan(); });
}

void AgentHost::OnFilesSeen() {
  if (!knows_chunks_) return;
  const worker::ChunkFiles files = box_.LookAtZips();
  if (files == told_) return;
  told_ = files;
  Feed(worker::ChunkFilesSeen{files});
}

void AgentHost::OnDirective(const Directive& directive) {
  const auto* core = std::get_if<coordinator::Directive>(&directive);
  if (core == nullptr || !std::holds_alternative<coordinator::Renewed>(*core)) {
    process_.Tell(Cat("<- ", Describe(directive)));
  }
  worker::SessionInput input = ToInput(directive, box_.options());
  if (const auto* welcome = std::get_if<coordinator::Welcome>(&directive)) {
    last_coordinator_ = {box_.options().plan.digest, welcome->coordinator};
    knows_chunks_ = true;
    Feed(worker::StoreSeen{LookAtStore(box_.disk(), box_.chunk_names(), trusted_)});
  }
  if (auto* assigned = std::get_if<worker::Assigned>(&input)) {
    Recall(*assigned);
    Feed(worker::StoreSeen{LookAtStore(box_.disk(), box_.chunk_names(), trusted_)});
  }
  Feed(input);
}

void AgentHost::Recall(worker::Assigned& assigned) {
  const std::string specialist = SpecialistOf(assigned.task.task);
  if (specialist.empty()) return;
  base_steps_[specialist] = assigned.base ? assigned.base->step : 0;
  if (recalled_.insert(specialist).second) assigned.memory = LoadRunMemory(box_.disk(), specialist);
  for (int chunk = 0; chunk < assigned.next_chunk; ++chunk) {
    ReleaseChunk(box_.disk(), box_.chunk_names()[static_cast<size_t>(chunk)], specialist);
  }
}

// --- outputs to children and disk ---

void AgentHost::Do(const worker::StartPreparer& start) {
  auto child = std::make_shared<Preparer>(box_, start.child, start.chunk);
  every_child_.push_back(child);
  children_[start.child] = child.get();
  child->Start();
}

void AgentHost::Do(const worker::StartTrainer& start) {
  for (const auto& [id, child] : children_) {
    if (child->specialist() != start.specialist || !child->process().alive()) continue;
    box_.world().Violate("one trainer a run folder",
                         Cat(process_.name(), ": ", start.specialist, " has two"));
  }
  auto child = std::make_shared<Trainer>(box_, start.child, start);
  every_child_.push_back(child);
  children_[start.child] = child.get();
  child->Start();
}

void AgentHost::Do(const worker::StartIntegrator& start) {
  for (const auto& [id, child] : children_) {
    if (dynamic_cast<Integrator*>(child) != nullptr && child->process().alive())
      box_.world().Violate("one integrator a results folder", Cat(process_.name(), " has two"));
  }
  auto child = std::make_shared<Integrator>(box_, start);
  every_child_.push_back(child);
  children_[start.child] = child.get();
  child->Start();
}

void AgentHost::Do(const worker::GiveChunk& give) {
  const auto child = children_.find(give.child);
  if (child == children_.end()) return;
  child->second->process().Post(absl::ZeroDuration(),
                                [child = child->second, give] { child->OnOrder(give); });
}

void AgentHost::Do(const worker::SaveCheckpoint& save) {
  const auto child = children_.find(save.child);
  if (child == children_.end()) return;
  child->second->process().Post(absl::ZeroDuration(), [child = child->second] { child->OnSave(); });
}

void AgentHost::Do(const worker::StopChild& stop) {
  const auto found = children_.find(stop.child);
  if (found == children_.end()) return;
  Child* child = found->second;
  if (stop.kind == worker::StopKind::kAtOnce) return child->Kill();
  const bool trainer = !child->specialist().empty();
  box_.world().After(trainer ? kTrainerGrace : kPreparerGrace, [child] { child->Kill(); });
  child->process().Post(absl::ZeroDuration(), [child] { child->OnStop(); });
}

void AgentHost::Do(const worker::DeleteFile& file) { box_.disk().files.erase(file.path); }

void AgentHost::Do(const worker::RememberRun& remember) {
  // The run was dropped and its checkpoints are gone: what they held need not come back.
  if (remember.memory.empty()) box_.checks().ledger.Excuse(box_.name(), remember.specialist);
  box_.checks().ledger.MemoryWritten(box_.name(), remember.specialist, !box_.disk().full);
  if (box_.disk().full) {
    process_.Tell("cannot remember: the disk is full");
    pending_.push_back(worker::NotRemembered{remember.specialist});
    return;
  }
  if (remember.memory.empty()) {
    box_.disk().memories.erase(remember.specialist);
  } else {
    box_.disk().memories[remember.specialist] = remember.memory;
  }
}

void AgentHost::Do(const worker::ReferChunk& refer) {
  box_.disk().refs[refer.chunk].insert(refer.specialist);
}

void AgentHost::Do(const worker::ReleaseChunk& release) {
  ReleaseChunk(box_.disk(), release.chunk, release.specialist);
  pending_.push_back(worker::StoreSeen{LookAtStore(box_.disk(), box_.chunk_names(), trusted_)});
}

void AgentHost::Do(const worker::Leave& leave) {
  process_.Tell(Cat("leaves: ", leave.reason));
  // What was said is still sent; the stream then ends in order.
  if (connection_ != nullptr) {
    connection_->up->Close(
        [&host = box_.coordinator(), server = server_, life = box_.coordinator().process().life()] {
          host.process().RunIn(life, [server] { server->OnEnd(); });
        });
    connection_->down->Break(nullptr);
    connection_.reset();
  }
  End(false);
  box_.OnAgentLeft();
}

}  // namespace interceptor::simulation
