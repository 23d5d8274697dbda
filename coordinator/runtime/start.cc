// From a state folder to a loop that runs: replay, decide the start, look after the vault.

#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/runtime/loop.h"

namespace interceptor::coordinator {
namespace {

// A blob that nothing refers to may be one whose manifest is still on its way; after a day it is not.
constexpr absl::Duration kOrphanAge = absl::Hours(24);

}  // namespace

absl::StatusOr<std::unique_ptr<Loop>> Loop::Start(Options options, Parts parts) {
  if (!options.on_fatal) {
    options.on_fatal = [](const absl::Status& status) {
      ICPT_LOG(kError) << "cannot go on, the journal's last commit has an unknown outcome: " << status
                       << "; start again to recover";
      std::_Exit(1);
    };
  }
  std::unique_ptr<Loop> loop(new Loop(std::move(options), parts));
  ICPT_RETURN_IF_ERROR(loop->Recover());
  loop->thread_ = std::thread([raw = loop.get()] { raw->Run(); });
  return loop;
}

absl::Status Loop::Recover() {
  ICPT_RETURN_IF_ERROR(parts_.log.Replay([this](const NumberedFact& numbered) {
    Apply(state_, Event(numbered.fact));
    return absl::OkStatus();
  }));

  ICPT_ASSIGN_OR_RETURN(const KeptStart kept, incarnation_file_.Read());
  const Command start{parts_.clock.WallTime(), StartCommand{options_.plan, NewId(), kept}};
  ICPT_ASSIGN_OR_RETURN(Decision decision, Decide(state_, start, parts_.clock.Now()));
  Batch batch;
  for (const Event& event : decision.events) {
    Apply(state_, event);
    if (IsDurable(event)) batch.facts.push_back(std::get<Fact>(event));
  }
  batch.releases.push_back({nullptr, Reply(Done{}), std::move(decision.effects)});

  // A start with a full disk is not refused: status must be readable, and space may come back.
  const absl::Status stowed = ballast_.Stow();
  if (!stowed.ok()) ICPT_LOG(kWarning) << "starting read-only: " << stowed;
  const absl::Status appended = Append(batch.facts);
  if (absl::IsResourceExhausted(appended)) {
    stuck_ = std::move(batch);
  } else {
    ICPT_RETURN_IF_ERROR(appended);
    KeepIncarnation();
    ReleaseAll(std::move(batch.releases));
    ICPT_RETURN_IF_ERROR(CheckBlobs());
  }
  next_tick_ = parts_.clock.Now();
  next_space_report_ = parts_.clock.Now();
  publisher_.Begin(state_, ThisMoment());
  return absl::OkStatus();
}

absl::Status Loop::CheckBlobs() {
  ICPT_ASSIGN_OR_RETURN(const int swept, parts_.vault.Sweep(ReferencedBlobs(state_.facts),
                                                            parts_.clock.WallTime() - kOrphanAge));
  if (swept > 0) ICPT_LOG(kInfo) << "swept " << swept << " files that nothing refers to from the vault";
  for (const Digest& blob : ReferencedBlobs(state_.facts)) {
    if (parts_.vault.Has(blob) || state_.facts.removals.count(blob) > 0) continue;
    ICPT_LOG(kError) << "blob " << blob.hex << " is missing from the vault";
    Submit(BlobChecked{blob, false}, nullptr);
  }
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
