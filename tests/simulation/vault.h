// The vault on a simulated disk: whole blobs are synced before they count, parts of uploads are not. What it
// answers and refuses follows coordinator/vault/blob_store.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/simulation/blob.h"
#include "tests/simulation/draws.h"

namespace interceptor::simulation {

class Vault {
 public:
  explicit Vault(Draws draws) : draws_(draws) {}

  // Whole, with that length; its bytes may have changed since.
  bool Has(const Digest& blob) const;
  // Reads it whole: NOT_FOUND, or DATA_LOSS when its bytes are others.
  absl::Status Verify(const Digest& blob) const;
  // Bytes of its part.
  int64_t Query(const Digest& blob) const;
  // Appends `bytes` of `body` at `offset`; with the last one the blob is checked and becomes whole.
  //   OUT_OF_RANGE  the part is of another length    DATA_LOSS  the bytes are another blob's
  struct Piece {
    Digest blob;
    BodyPtr body;
    int64_t offset = 0;
    int64_t bytes = 0;
    absl::Time now;
  };
  absl::Status Append(const Piece& piece);
  absl::StatusOr<BodyPtr> Read(const Digest& blob) const;
  void Remove(const Digest& blob) { blobs_.erase(blob.hex); }
  // A fault: other bytes of the same length.
  void Flip(const Digest& blob);
  // Somebody restores it from a copy.
  void PutBack(const BodyPtr& body, absl::Time now) { blobs_[body->digest.hex] = {body, now}; }
  // Blobs that `referenced` does not name, and parts, when last written before `older_than`.
  std::vector<Digest> Sweep(const std::vector<Digest>& referenced, absl::Time older_than);

  // Parts lose what was not synced.
  void PowerLoss();

  int64_t total_bytes() const;
  int64_t bytes_on_disk() const;
  std::vector<Digest> List() const;

 private:
  struct Whole {
    BodyPtr body;
    absl::Time modified;
    bool flipped = false;
  };
  struct Part {
    std::vector<BodyPtr> pieces;  // whose bytes came, in order
    int64_t bytes = 0;
    absl::Time modified;
  };
  Draws draws_;
  std::map<std::string, Whole> blobs_;  // by SHA-256
  std::map<std::string, Part> parts_;
};

}  // namespace interceptor::simulation
