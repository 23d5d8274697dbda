#include "tests/simulation/box.h"

#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::simulation {
namespace {

constexpr int64_t kZipBytes = 10'000;

}  // namespace

Box::Box(World& world, const Options& options, CoordinatorHost& coordinator, const Setup& setup)
    : world_(world),
      options_(options),
      coordinator_(coordinator),
      name_(setup.name),
      member_(setup.member),
      draws_(options.seed, "box", setup.number),
      id_(draws_.Id()),
      machine_(world, Draws(options.seed, "box machine", setup.number)),
      link_(world, Draws(options.seed, "link", setup.number)),
      agent_(*this, Cat(setup.name, "/agent"), Draws(options.seed, "agent", setup.number)) {
  for (const coordinator::PlanChunk& chunk : options.plan.chunks) chunk_names_.push_back(chunk.name);
}

void Box::Arrive(const std::string& chunk, absl::Duration after) {
  world_.After(after, [this, chunk] { zips_.emplace(chunk, ZipDigest(chunk)); });
}

void Box::SpoilZip(const std::string& chunk) {
  if (!zips_.contains(chunk)) return;
  world_.Tell(name_, Cat("chunk ", chunk, " is another file now"));
  zips_[chunk] = DigestOf(Cat("wrong zip ", chunk, " of ", name_)).hex;
  disk_.hashed.erase(chunk);
}

void Box::MendZip(const std::string& chunk, const std::string& sha256) {
  const std::string before = std::exchange(zips_[chunk], sha256);
  if (before != sha256) disk_.hashed.erase(chunk);
  const auto stored = disk_.store.find(chunk);
  if (stored != disk_.store.end() && stored->second.manifest.chunk_sha256 != sha256)
    disk_.store.erase(stored);
}

void Box::MendStore(const std::string& chunk, const Digest& committed) {
  const auto stored = disk_.store.find(chunk);
  if (stored != disk_.store.end() && stored->second.manifest.blob != committed) disk_.store.erase(stored);
}

std::string Box::ZipOf(const std::string& chunk) const {
  const auto zip = zips_.find(chunk);
  return zip == zips_.end() ? "" : zip->second;
}

worker::ChunkFiles Box::LookAtZips() {
  if (!hashing_.empty() && world_.now() >= hashed_at_) {
    disk_.hashed[hashing_] = ZipOf(hashing_);
    hashing_.clear();
  }
  worker::ChunkFiles files;
  for (const auto& [chunk, sha256] : zips_) {
    const auto hashed = disk_.hashed.find(chunk);
    const bool known = hashed != disk_.hashed.end() && hashed->second == sha256;
    files[chunk] = {kZipBytes, known ? sha256 : ""};
    if (known || !hashing_.empty()) continue;
    hashing_ = chunk;
    hashed_at_ = world_.now() + options_.timing.hash;
  }
  return files;
}

BodyPtr Box::BuildManifest(const std::string& chunk) {
  return MakeTextFile(Cat("manifest|", chunk, "|", ZipOf(chunk)));
}

void Box::Start() {
  retired_ = false;
  agent_.Start();
}

void Box::StartLater(absl::Duration after) {
  world_.After(after, [this, planned = ++starts_planned_] {
    if (!retired_ && planned == starts_planned_) agent_.Start();
  });
}

void Box::KillAgent(absl::Duration down) {
  if (!agent_.process().alive()) return;
  agent_.process().Tell("is killed");
  agent_.End(false);
  StartLater(down);
}

void Box::PowerOff(absl::Duration down) {
  if (!agent_.process().alive()) return;
  agent_.process().Tell("loses power");
  agent_.End(true);
  hashing_.clear();
  StartLater(down);
}

void Box::ResumeAll() {
  for (Child* child : agent_.Children()) child->process().Resume();
  agent_.process().Resume();
}

void Box::Suspend(absl::Duration duration) {
  if (!agent_.process().alive()) return;
  world_.Tell(name_, "is suspended");
  agent_.process().Pause();
  for (Child* child : agent_.Children()) child->process().Pause();
  world_.After(duration, [this] { ResumeAll(); });
}

void Box::PauseAgent(absl::Duration duration) {
  if (!agent_.process().alive()) return;
  agent_.process().Tell("is stopped by a signal");
  agent_.process().Pause();
  world_.After(duration, [this, life = agent_.process().life()] {
    if (agent_.process().life() == life) agent_.process().Resume();
  });
}

void Box::Partition(bool up, bool down, absl::Duration duration, bool half_open) {
  if (!link_.open()) return;
  world_.Tell(name_, Cat("is cut off", up ? "" : " downwards", down ? "" : " upwards",
                         half_open ? ", half open" : ""));
  link_.Block(up, down);
  const int blockage = link_.blockages();
  world_.After(kKeepalive, [this, blockage, half_open] {
    if (link_.blockages() != blockage) return;
    agent_.LoseConnection(half_open ? AgentHost::Loss::kHalfOpen : AgentHost::Loss::kBothGave);
  });
  world_.After(duration, [this, blockage] {
    if (link_.blockages() != blockage) return;
    world_.Tell(name_, "can be reached again");
    link_.Unblock();
  });
}

void Box::Retire() {
  retired_ = true;
  agent_.End(false);
}

void Box::Heal() {
  disk_.full = false;
  link_.SetSlow(false);
  if (!link_.open()) link_.Unblock();
  for (Child* child : agent_.Children()) child->Halt(false);
  ResumeAll();
}

// A supervisor starts a worker that gave up; one that was told to go stays away until a person starts it.
void Box::OnAgentLeft() {
  if (!agent_.fault().ok()) StartLater(draws_.Between(absl::Seconds(2), absl::Seconds(20)));
}

void Box::OnBaseMissing(const Digest& blob, const std::string& specialist) {
  const coordinator::State& durable = checks().journal.durable();
  const std::string task = TrainTask(specialist);
  const auto facts = durable.facts.tasks.find(task);
  // Only the present holder gets its base.
  if (facts == durable.facts.tasks.end() || !facts->second.holder || facts->second.holder->box != id_) return;
  if (facts->second.base.empty()) return;
  const coordinator::CheckpointFacts* base = coordinator::FindCheckpoint(durable, facts->second.base);
  if (base != nullptr && base->checkpoint.blob != blob) return;
  checks().facts.BaseMissing(blob, task);
}

}  // namespace interceptor::simulation
