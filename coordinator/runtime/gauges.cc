#include "coordinator/runtime/gauges.h"

#include <algorithm>

namespace interceptor::coordinator {

Gauges::Gauges(Metrics& metrics)
    : metrics_(metrics),
      events_(metrics.AddCounter("interceptor_coordinator_events_total", "Events journaled.")),
      commit_seconds_(metrics.AddHistogram("interceptor_coordinator_commit_seconds",
                                           "Time of one journal transaction, syncs included.",
                                           {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3})),
      sessions_(metrics.AddGauge("interceptor_coordinator_sessions", "Workers connected.")),
      vault_bytes_(metrics.AddGauge("interceptor_coordinator_vault_bytes", "Bytes of whole blobs.")),
      disk_free_bytes_(
          metrics.AddGauge("interceptor_coordinator_disk_free_bytes", "Free on the vault's disk.")),
      problems_(metrics.AddGauge("interceptor_coordinator_problems", "Lines of problems in the status.")) {}

void Gauges::Committed(int events, absl::Duration took) {
  events_.Add(events);
  commit_seconds_.Observe(absl::ToDoubleSeconds(took));
}

void Gauges::Published(const StatusView& view, absl::Time now) {
  sessions_.Set(static_cast<double>(std::count_if(view.workers.begin(), view.workers.end(),
                                                  [](const WorkerView& w) { return w.connected; })));
  vault_bytes_.Set(static_cast<double>(view.vault_bytes));
  disk_free_bytes_.Set(static_cast<double>(view.disk_free_bytes));
  problems_.Set(static_cast<double>(view.problems.size()));
  for (const TaskView& task : view.tasks) {
    if (!task.newest_checkpoint.has_value()) continue;
    const Checkpoint& newest = task.newest_checkpoint->checkpoint;
    Gauge*& age = checkpoint_age_[newest.specialist];
    if (age == nullptr) {
      age = &metrics_.AddGauge("interceptor_coordinator_checkpoint_age_seconds",
                               "Since the newest checkpoint was committed.",
                               {{"specialist", newest.specialist}});
    }
    age->Set(absl::ToDoubleSeconds(now - newest.committed_at));
  }
}

}  // namespace interceptor::coordinator
