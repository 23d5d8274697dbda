// One box: a machine with a disk, a link to the coordinator, zips that arrive, and an agent that somebody
// starts again when it dies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/agent_host.h"
#include "tests/simulation/box_disk.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/process.h"

namespace interceptor::simulation {

class Box {
 public:
  struct Setup {
    std::string name;
    std::string member;
    uint64_t number = 0;
  };
  Box(World& world, const Options& options, CoordinatorHost& coordinator, const Setup& setup);

  World& world() { return world_; }
  const Options& options() const { return options_; }
  CoordinatorHost& coordinator() { return coordinator_; }
  Checks& checks() { return coordinator_.checks(); }
  Machine& machine() { return machine_; }
  Link& link() { return link_; }
  BoxDisk& disk() { return disk_; }
  AgentHost& agent() { return agent_; }
  const std::string& name() const { return name_; }
  const std::string& member() const { return member_; }
  const std::string& id() const { return id_; }
  const std::vector<std::string>& chunk_names() const { return chunk_names_; }

  // --- zips ---
  void Arrive(const std::string& chunk, absl::Duration after);
  // The copy here is another file than the others'.
  void SpoilZip(const std::string& chunk);
  // Copies it again so that it has this digest, and clears what was built from the wrong one.
  void MendZip(const std::string& chunk, const std::string& sha256);
  // Clears what differs from the committed manifest, as the message asks.
  void MendStore(const std::string& chunk, const Digest& committed);
  std::string ZipOf(const std::string& chunk) const;
  // What the inventory says now; goes on hashing.
  worker::ChunkFiles LookAtZips();
  // What a preparer makes of this chunk's zip: the same on every box that has the same file.
  BodyPtr BuildManifest(const std::string& chunk);

  // --- life ---
  void Start();
  void KillAgent(absl::Duration down);
  void PowerOff(absl::Duration down);
  // The box sleeps: nothing of it moves, its connections stay open.
  void Suspend(absl::Duration duration);
  void PauseAgent(absl::Duration duration);
  // A blockage of the link; each side gives its streams up after a while, the coordinator unless `half_open`.
  void Partition(bool up, bool down, absl::Duration duration, bool half_open);
  // Stays down until Start.
  void Retire();
  void Heal();

  void OnAgentLeft();
  void OnBaseMissing(const Digest& blob, const std::string& specialist);

 private:
  void StartLater(absl::Duration after);
  void ResumeAll();

  World& world_;
  const Options& options_;
  CoordinatorHost& coordinator_;
  const std::string name_;
  const std::string member_;
  Draws draws_;
  const std::string id_;
  std::vector<std::string> chunk_names_;
  Machine machine_;
  Link link_;
  BoxDisk disk_;
  std::map<std::string, std::string> zips_;  // chunk -> digest of the copy that is here
  std::string hashing_;
  MonotonicTime hashed_at_;
  bool retired_ = false;
  int starts_planned_ = 0;
  AgentHost agent_;
};

}  // namespace interceptor::simulation
