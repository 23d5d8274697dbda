#include "common/metrics/metrics.h"

#include "tests/support/catch.h"

namespace interceptor {

CATCH_TEST_CASE("Metrics stand in the text with their labels and values") {
  Metrics metrics;
  Counter& events = metrics.AddCounter("events_total", "Events.");
  events.Add();
  events.Add(2);
  metrics.AddGauge("age_seconds", "Age.", {{"specialist", "BG"}}).Set(7);
  metrics.AddGauge("age_seconds", "Age.", {{"specialist", "AV"}}).Set(8);
  metrics.AddHistogram("commit_seconds", "Commits.", {0.01, 0.1}).Observe(0.05);
  CATCH_CHECK(&metrics.AddCounter("events_total", "Events.") == &events);

  const std::string text = metrics.Text();
  CATCH_CAPTURE(text);
  CATCH_CHECK(text.find("# HELP events_total Events.") != std::string::npos);
  CATCH_CHECK(text.find("\nevents_total 3\n") != std::string::npos);
  CATCH_CHECK(text.find("age_seconds{specialist=\"BG\"} 7\n") != std::string::npos);
  CATCH_CHECK(text.find("age_seconds{specialist=\"AV\"} 8\n") != std::string::npos);
  CATCH_CHECK(text.find("commit_seconds_bucket{le=\"0.1\"} 1\n") != std::string::npos);
}

}  // namespace interceptor
