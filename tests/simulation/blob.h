// Files that are named by their digest: checkpoints, data manifests, score tables. Their bytes are short
// texts; a checkpoint's nominal size is a million bytes, so that disks fill as real ones do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/digest.h"
#include "worker/sampling/types.h"

namespace interceptor::simulation {

// Everything a trainer goes on from.
struct Model {
  std::string specialist;
  Cursor cursor;
  int64_t step = 0;
  double training_seconds = 0;
  // Stands for the weights: a hash of every step since the start and of what it was made from.
  uint64_t weights = 0;
  std::vector<std::string> manifests;
  // Digests of the published files that this state descends from.
  std::vector<std::string> lineage;
};

struct Body {
  Digest digest;
  Model model;  // of a checkpoint or snapshot
};
using BodyPtr = std::shared_ptr<const Body>;

// A published checkpoint or, told apart by `kind`, a recovery snapshot.
BodyPtr MakeModelFile(const Model& model, std::string_view kind);
BodyPtr MakeTextFile(std::string_view text);

}  // namespace interceptor::simulation
