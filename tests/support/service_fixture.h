// A coordinator in this process on a scratch folder and a unix socket, as the tests of this room want it: two
// members who train a pair each, one who integrates, two chunks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "coordinator/service/coordinator.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_worker.h"

namespace interceptor::coordinator {

// Nothing runs out while a test on a busy machine is slow; and the opposite.
inline constexpr std::string_view kLongLeases =
    "scheduling { lease_ttl_seconds: 3600 handover_seconds: 3600 stall_seconds: 3600 }";
inline constexpr std::string_view kShortLeases =
    "scheduling { lease_ttl_seconds: 3 handover_seconds: 1 stall_seconds: 3600 }";

class ServiceFixture {
 public:
  // `extra` goes into the plan: "checkpoints { keep_latest: 3 }".
  explicit ServiceFixture(std::string_view scheduling = kLongLeases, std::string_view extra = "");

  // Stops the coordinator if it runs and starts it on the same folder.
  void Restart();
  absl::StatusOr<std::unique_ptr<Coordinator>> StartAnother(const std::string& state_folder);
  void Stop();

  const std::string& address() const { return coordinator_->address(); }
  std::string state_folder() const { return folder_.File("state"); }
  const v1::Plan& plan() const { return plan_; }

 private:
  ScratchFolder folder_;
  std::string plan_text_;
  v1::Plan plan_;
  std::unique_ptr<Coordinator> coordinator_;
};

// A blob of its own for every step, uploaded, and its proposal.
struct CheckpointParts {
  std::string bytes;
  Digest blob;
  v1::CheckpointProposal proposal;
};
CheckpointParts MakeCheckpoint(const v1::TaskRef& task, int64_t step, int chunk,
                               const std::string& reason = "save_now");
// Uploads and proposes.
absl::Status Publish(ServiceFixture& fixture, ScriptedWorker& worker, const CheckpointParts& checkpoint);

// Uploads and proposes the manifest of a chunk, the same from every box.
v1::DataManifestProposal MakeManifest(const v1::TaskRef& task, int chunk, Digest* blob, std::string* bytes);
absl::Status PublishManifest(ServiceFixture& fixture, ScriptedWorker& worker, const v1::TaskRef& task,
                             int chunk);

}  // namespace interceptor::coordinator
