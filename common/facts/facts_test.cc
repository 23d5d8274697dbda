#include <cmath>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "common/facts/checkpoint.h"
#include "common/facts/evaluation.h"
#include "common/facts/failure.h"
#include "common/facts/plan_rules.h"
#include "common/facts/task.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("a status code is read back from its name, and an unknown name is UNKNOWN") {
  for (int i = 1; i <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    CATCH_CHECK(ParseStatusCode(absl::StatusCodeToString(code)) == code);
  }
  CATCH_CHECK(ParseStatusCode("OK") == absl::StatusCode::kUnknown);
  CATCH_CHECK(ParseStatusCode("data_loss") == absl::StatusCode::kUnknown);
  CATCH_CHECK(ParseStatusCode("") == absl::StatusCode::kUnknown);
}

CATCH_TEST_CASE("only a retryable lack of space counts as a full disk") {
  CATCH_CHECK(IsDiskFull({absl::StatusCode::kResourceExhausted, "store", true}));
  CATCH_CHECK_FALSE(IsDiskFull({absl::StatusCode::kResourceExhausted, "a limit", false}));
  CATCH_CHECK_FALSE(IsDiskFull({absl::StatusCode::kDataLoss, "bad zip", true}));
}

CATCH_TEST_CASE("names of phases, reasons and kinds are those of the wire") {
  CATCH_CHECK(ToString(Phase::kWaitingForTurn) == "waiting for turn");
  CATCH_CHECK(ParseSaveReason(ToString(SaveReason::kChunkEnd)) == SaveReason::kChunkEnd);
  CATCH_CHECK(ParseSaveReason("save_now") == SaveReason::kSaveNow);
  CATCH_CHECK_FALSE(ParseSaveReason("later").has_value());
  CATCH_CHECK(ParseEvaluationKind("held_out") == EvaluationKind::kHeldOut);
  CATCH_CHECK(ParseEvaluationKind(ToString(EvaluationKind::kLookAhead)) == EvaluationKind::kLookAhead);
  CATCH_CHECK(ParseEvaluationKind(ToString(EvaluationKind::kValidation)) == EvaluationKind::kValidation);
  CATCH_CHECK_FALSE(ParseEvaluationKind("").has_value());
  CATCH_CHECK(MakeCheckpointId("BG", 1024) == "BG-000000001024");
  CATCH_CHECK(TrainTask("BG") == "train/BG");
  CATCH_CHECK(SpecialistOf("train/BG") == "BG");
  CATCH_CHECK(SpecialistOf("integrate").empty());
}

CATCH_TEST_CASE("a validation is told with its interval and what it is above the best one") {
  Evaluation validation;
  validation.kind = EvaluationKind::kValidation;
  validation.step = validation.best_step = 500;
  validation.log_loss = 0.52;
  validation.log_loss_low = 0.48;
  validation.log_loss_high = 0.57;
  CATCH_CHECK(DescribeValidation(validation) == "log loss 0.520 [0.480, 0.570], the best so far");
  validation.step = 1000;
  CATCH_CHECK(DescribeValidation(validation) ==
              "log loss 0.520 [0.480, 0.570], not beyond its best at step 500");
  validation.rise_low = 0.02;
  validation.rise_high = 0.15;
  validation.worse_in_a_row = 1;
  CATCH_CHECK(DescribeValidation(validation) ==
              "log loss 0.520 [0.480, 0.570], 0.020 to 0.150 above its best at step 500");
  CATCH_CHECK_FALSE(ShowsOverfitting(validation));
  validation.worse_in_a_row = 2;
  validation.too_few = true;
  CATCH_CHECK(DescribeValidation(validation) ==
              "log loss 0.520 [0.480, 0.570] (too few families), 0.020 to 0.150 "
              "above its best at step 500, 2 times in a row");
  CATCH_CHECK(ShowsOverfitting(validation));
}

CATCH_TEST_CASE("a checkpoint covers the chunks before its cursor, and its own when the chunk ended") {
  Checkpoint checkpoint;
  checkpoint.cursor = {2, 1, 50, 0};
  checkpoint.reason = SaveReason::kSaveNow;
  CATCH_CHECK(ChunksCovered(checkpoint) == 2);
  checkpoint.reason = SaveReason::kChunkEnd;
  CATCH_CHECK(ChunksCovered(checkpoint) == 3);
  // A trainer that has moved its cursor to the next chunk's start means the same end.
  checkpoint.cursor = {3, 0, 0, 0};
  CATCH_CHECK(ChunksCovered(checkpoint) == 3);
}

CATCH_TEST_CASE("a number is held to its field's range, and not-a-number to every range") {
  FieldFaults faults;
  faults.InRange("recipe.batch_size", 2);
  faults.InRange("recipe.learning_rate", 1.0);
  CATCH_CHECK(faults.ToStatus().ok());
  faults.InRange("recipe.learning_rate", 0.0);
  faults.InRange("recipe.batch_size", 4098);
  faults.InRange("recipe.dropout", std::nan(""));
  faults.InRange("recipe.stages[1].pace", RangeOf("recipe.stages.pace"), 1.5);
  CATCH_CHECK(
      Message(faults.ToStatus()) ==
      "recipe.learning_rate is 0, allowed: more than 0, at most 1; recipe.batch_size is 4098, allowed: 2 "
      "to 4096; recipe.dropout is nan, allowed: 0 to 0.9; recipe.stages[1].pace is 1.5, allowed: 0 to 1");
}

CATCH_TEST_CASE("the first twelve faults are shown, and how many more there are") {
  FieldFaults faults;
  for (int i = 0; i < 14; ++i) faults.Add("x");
  CATCH_CHECK(Message(faults.ToStatus()).ends_with("x; x; and 2 more"));
}

CATCH_TEST_CASE("alarms are told by slice and by kind of mistake; without one nothing is told") {
  BiasReport report = SampleBias().after;
  CATCH_CHECK(DescribeAlarms(report) ==
              "brightness dark: reals called fake 0.50 [0.25, 0.75] more often than elsewhere");
  report.slices[0].false_negative = {.estimate = 0.25, .low = 0.125, .high = 0.5, .too_few = false};
  report.slices[0].false_negative_p = 0.03125;
  report.collapsed = report.one_class = true;
  CATCH_CHECK(DescribeAlarms(report) ==
              "collapsed: it says nearly the same of every clip, P(fake) spreads over 0.875; "
              "it calls 50 % of the clips fake, classes weighed alike; "
              "brightness dark: reals called fake 0.50 [0.25, 0.75] more often than elsewhere, "
              "fakes called real 0.25 [0.12, 0.50] more often than elsewhere");
  // A gap that cannot be told from none is not told beside one that can.
  report = SampleBias().after;
  report.slices[0].false_negative = {.estimate = 0.25, .low = 0.125, .high = 0.5, .too_few = false};
  report.slices[0].false_negative_p = 0.0625;
  CATCH_CHECK(DescribeAlarms(report).find("fakes called real") == std::string::npos);
  report.slices[0].alarm = false;
  CATCH_CHECK(DescribeAlarms(report).empty());
}

}  // namespace
}  // namespace interceptor
