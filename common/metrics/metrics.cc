#include "common/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

#include "absl/synchronization/mutex.h"

namespace interceptor {
namespace {

class CounterHandle : public Counter {
 public:
  explicit CounterHandle(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class GaugeHandle : public Gauge {
 public:
  explicit GaugeHandle(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }

 private:
  prometheus::Gauge& gauge_;
};

class HistogramHandle : public Histogram {
 public:
  explicit HistogramHandle(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

using Key = std::pair<std::string, Metrics::Labels>;

// The handle under `key`, made by `make` when it is new.
template <typename Handle, typename Make>
Handle& FindOrMake(std::map<Key, std::unique_ptr<Handle>>& handles, Key key, const Make& make) {
  std::unique_ptr<Handle>& handle = handles[std::move(key)];
  if (handle == nullptr) handle = std::make_unique<Handle>(make());
  return *handle;
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  absl::Mutex mutex;
  std::map<Key, std::unique_ptr<CounterHandle>> counters;
  std::map<Key, std::unique_ptr<GaugeHandle>> gauges;
  std::map<Key, std::unique_ptr<HistogramHandle>> histograms;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::AddCounter(const std::string& name, const std::string& help, const Labels& labels) {
  absl::MutexLock lock(&impl_->mutex);
  return FindOrMake(impl_->counters, {name, labels}, [&] {
    return CounterHandle(
        prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels));
  });
}

Gauge& Metrics::AddGauge(const std::string& name, const std::string& help, const Labels& labels) {
  absl::MutexLock lock(&impl_->mutex);
  return FindOrMake(impl_->gauges, {name, labels}, [&] {
    return GaugeHandle(prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add(labels));
  });
}

Histogram& Metrics::AddHistogram(const std::string& name, const std::string& help,
                                 const std::vector<double>& bounds, const Labels& labels) {
  absl::MutexLock lock(&impl_->mutex);
  return FindOrMake(impl_->histograms, {name, labels}, [&] {
    return HistogramHandle(
        prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry).Add(labels, bounds));
  });
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace interceptor
