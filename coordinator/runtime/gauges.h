// What the coordinator measures of itself.
#pragma once

#include <map>
#include <string>

#include "common/metrics/metrics.h"
#include "coordinator/core/status_view.h"

namespace interceptor::coordinator {

// Committed and Published by one thread each.
class Gauges {
 public:
  // `metrics` must outlive it.
  explicit Gauges(Metrics& metrics);

  void Committed(int events, absl::Duration took);
  void Published(const StatusView& view, absl::Time now);

 private:
  Metrics& metrics_;
  Counter& events_;
  Histogram& commit_seconds_;
  Gauge& sessions_;
  Gauge& vault_bytes_;
  Gauge& disk_free_bytes_;
  Gauge& problems_;
  std::map<std::string, Gauge*> checkpoint_age_;
};

}  // namespace interceptor::coordinator
