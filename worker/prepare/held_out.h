// Whether what is held out can be judged on.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// The held-out clips of a chunk and of all before it.
class HeldOutClips {
 public:
  void Add(const std::string& family, Label label);

  // INVALID_ARGUMENT, naming the `chunks` they are of, where REAL or FAKE is missing: results over them would
  // be none.
  absl::Status Check(std::string_view chunks, const EvaluationSettings& evaluation) const;

 private:
  std::set<std::string> families_;
  int64_t reals_ = 0;
  int64_t fakes_ = 0;
};

}  // namespace interceptor::worker
