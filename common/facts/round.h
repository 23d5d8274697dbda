// A round: the results of every run after one chunk, which the integrating member joins. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/facts/evaluation.h"

namespace interceptor {

struct AbsentSpecialist {
  std::string specialist;
  std::string reason;

  friend bool operator==(const AbsentSpecialist&, const AbsentSpecialist&) = default;
};

struct Round {
  int chunk = 0;
  std::vector<Evaluation> evaluations;  // held-out, in the plan's order of specialists
  std::vector<AbsentSpecialist> absent;
  bool last = false;  // of the plan

  friend bool operator==(const Round&, const Round&) = default;
};

// "without LL, TM (no held-out result ...)"; empty when nobody is absent.
std::string DescribeAbsent(const std::vector<AbsentSpecialist>& absent);

// "BG, AV, CM, RR, LL, TM and 4 more"
std::string ListSpecialists(const std::vector<std::string>& specialists);

}  // namespace interceptor
