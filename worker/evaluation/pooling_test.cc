#include "worker/evaluation/pooling.h"

#include <cmath>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("the mean of the largest third finds a fake that is altered in a part of its length") {
  const std::vector<double> windows = {-1, 5, -2, 4, 0, -3};
  CATCH_CHECK(Pool(windows, Pooling::kMean) == 0.5);
  CATCH_CHECK(Pool(windows, Pooling::kTopMean) == 4.5);
  CATCH_CHECK(Pool(std::vector<double>{-7, -9}, Pooling::kTopMean) == -7);
  CATCH_CHECK(Pool(std::vector<double>{-7}, Pooling::kTopMean) == -7);
}

CATCH_TEST_CASE("a confident vote asks the sure windows where enough of them agree, else all") {
  CATCH_CHECK(Pool(std::vector<double>{2, 4, 0, 0, -1}, Pooling::kConfidentVote) == 3);
  CATCH_CHECK(Pool(std::vector<double>{4, 0, 0, 0, 1}, Pooling::kConfidentVote) == 1);
  CATCH_CHECK(Pool(std::vector<double>{-2, -4, -2, -4, -3, -2, -4, -2, -4, 1}, Pooling::kConfidentVote) ==
              -3);
  CATCH_CHECK(Pool(std::vector<double>{-2, -4, 1}, Pooling::kConfidentVote) == -5.0 / 3);
}

CATCH_TEST_CASE("a row of a table that kept no windows has its mean under every pooling") {
  ScoreRow row;
  row.logit = 0.25;
  for (const Pooling pooling : kAllPoolings) {
    CATCH_CHECK(FusedLogit(row, pooling) == 0.25);
    CATCH_CHECK(ParsePooling(ToString(pooling)) == pooling);
  }
  row.windows = {1, 2, 6};
  CATCH_CHECK(FusedLogit(row, Pooling::kTopMean) == 6);
  CATCH_CHECK_FALSE(ParsePooling("median").has_value());
}

}  // namespace
}  // namespace interceptor::worker
