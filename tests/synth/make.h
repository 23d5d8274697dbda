// Makes whole chunks: draws families, renders and encodes their clips on a few threads, writes the zips and
// truth.jsonl.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tests/synth/recipe.h"

namespace interceptor::synth {

struct MakeOptions {
  std::string out;
  int chunks = 10;
  int families = 20;  // in each chunk; given clips are dealt out instead, one family each
  uint64_t seed = 1;
  int threads = 2;
  RecipeOptions recipe;
  // A folder with clips to plant in instead of drawn ones (given.h), of which at most the larger of the
  // recipe's frame counts is used; empty: draw.
  std::string from;
};

// The bytes do not depend on `threads`. INVALID_ARGUMENT when fewer clips are given than chunks asked for.
absl::Status Make(const MakeOptions& options);

}  // namespace interceptor::synth
