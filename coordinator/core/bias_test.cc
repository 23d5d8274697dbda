// What the coordinator makes of a run's bias.
#include <algorithm>
#include <limits>

#include "coordinator/core/queries.h"
#include "coordinator/core/status_view.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

CATCH_TEST_CASE("a run that goes on elsewhere samples its next chunk as the bias that was recorded asks") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", s.plan.chunks[0].name).ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100, SaveReason::kChunkEnd).ok());
  EvaluationReported scored = s.MakeEvaluation(ana, "train/BG", 0);
  scored.evaluation.bias = SampleBias();
  CATCH_REQUIRE(s.Do(scored).ok());
  CATCH_REQUIRE(s.Do(ChunkFinished{ana, s.NextId(), s.Ref("train/BG"), 0, 100, 100}).ok());
  s.Restart();
  const SessionId again = s.Attach("ana");
  const auto sent = s.Sent<Assignment>(again);
  const auto bg =
      std::ranges::find_if(sent, [](const Assignment& each) { return each.task.task == "train/BG"; });
  CATCH_REQUIRE(bg != sent.end());
  CATCH_CHECK(bg->next_chunk == 1);
  CATCH_CHECK(bg->sampling == SampleBias().next_sampling);
}

CATCH_TEST_CASE("a bias in alarm is a problem and an event; what is out of bounds is refused") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  EvaluationReported scored = s.MakeEvaluation(ana, "train/BG", 0);
  scored.evaluation.bias = SampleBias();
  for (const double share : {0.0, -0.25, 0.4}) {
    EvaluationReported wrong = scored;
    wrong.request_id = s.NextId();
    wrong.evaluation.bias->next_sampling[0].share = share;
    CATCH_CHECK(absl::IsInvalidArgument(s.Do(wrong)));
  }
  EvaluationReported wrong = scored;
  wrong.request_id = s.NextId();
  wrong.evaluation.bias->after.slices[0].false_positive.low = std::numeric_limits<double>::quiet_NaN();
  CATCH_CHECK(absl::IsInvalidArgument(s.Do(wrong)));
  wrong = scored;
  wrong.request_id = s.NextId();
  wrong.evaluation.bias->after.slices[0].slice = "dark\nall is well";
  CATCH_CHECK(absl::IsInvalidArgument(s.Do(wrong)));
  CATCH_REQUIRE(s.Do(scored).ok());
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(std::ranges::any_of(view.problems, [](const std::string& line) {
    return line.find("train/BG is biased after chunk index 0: brightness dark") != std::string::npos &&
           line.find("the next chunk is sampled against it") != std::string::npos;
  }));
  CATCH_CHECK(Describe(EvaluationRecorded{scored.evaluation}).kind == "bias_alarm");
}

}  // namespace
}  // namespace interceptor::coordinator
