// Rules about the order of durable facts: terms (I7), chunks (I12), steps and bases of checkpoints (I14,
// I21), data manifests (I18), and what retention may let go (I18, I19, I20). Sees every fact once, in order,
// with the facts before it.
#pragma once

#include <set>
#include <string>

#include "coordinator/core/state.h"
#include "tests/simulation/options.h"
#include "tests/simulation/vault.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class FactCheck {
 public:
  FactCheck(World& world, const Options& options, const Vault& vault)
      : world_(world), options_(options), vault_(vault) {}

  void See(const coordinator::Fact& fact, const coordinator::Facts& before);

  // A fault took this blob: its absence is nobody's mistake.
  void Damaged(const Digest& blob) {
    damaged_.insert(blob.hex);
    once_damaged_.insert(blob.hex);
  }
  void PutBack(const Digest& blob) { damaged_.erase(blob.hex); }
  // A blob left the vault on the coordinator's order, by a removal or by the sweep at its start.
  void Removed(const Digest& blob, bool swept, const coordinator::Facts& durable);
  // A box was told to start from this blob and did not find it.
  void BaseMissing(const Digest& blob, const std::string& task);
  // Everything is over.
  void AtTheEnd(const coordinator::Facts& facts);

 private:
  struct Looker;
  void CheckThere(std::string_view what, const Digest& blob);

  World& world_;
  const Options& options_;
  const Vault& vault_;
  std::set<std::string> damaged_;  // and not whole again
  std::set<std::string> once_damaged_;
};

}  // namespace interceptor::simulation
