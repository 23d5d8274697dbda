#include "tests/simulation/vault.h"

#include <algorithm>
#include <set>

#include "common/base/status.h"

namespace interceptor::simulation {

bool Vault::Has(const Digest& blob) const {
  const auto found = blobs_.find(blob.hex);
  return found != blobs_.end() && found->second.body->digest == blob;
}

absl::Status Vault::Verify(const Digest& blob) const { return Read(blob).status(); }

void Vault::Flip(const Digest& blob) {
  const auto found = blobs_.find(blob.hex);
  if (found != blobs_.end()) found->second.flipped = true;
}

int64_t Vault::Query(const Digest& blob) const {
  const auto part = parts_.find(blob.hex);
  return part == parts_.end() ? 0 : part->second.bytes;
}

absl::Status Vault::Append(const Piece& piece) {
  if (Has(piece.blob)) return absl::OkStatus();
  Part& part = parts_[piece.blob.hex];
  if (piece.offset == 0) part = Part{};
  if (piece.offset != part.bytes) {
    return absl::OutOfRangeError(Cat(part.bytes, " bytes of blob ", piece.blob.hex, " are here"));
  }
  part.pieces.push_back(piece.body);
  part.bytes += piece.bytes;
  part.modified = piece.now;
  if (part.bytes < piece.blob.size_bytes) return absl::OkStatus();
  const bool right = std::all_of(part.pieces.begin(), part.pieces.end(),
                                 [&](const BodyPtr& body) { return body->digest == piece.blob; });
  parts_.erase(piece.blob.hex);
  if (!right) return DataLoss("blob ", piece.blob.hex, ": its bytes are another's");
  blobs_[piece.blob.hex] = {piece.body, piece.now};
  return absl::OkStatus();
}

absl::StatusOr<BodyPtr> Vault::Read(const Digest& blob) const {
  const auto found = blobs_.find(blob.hex);
  if (found == blobs_.end()) return NotFound("blob ", blob.hex, " is not in the vault");
  if (found->second.flipped) return DataLoss("blob ", blob.hex, ": its bytes are others");
  return found->second.body;
}

std::vector<Digest> Vault::Sweep(const std::vector<Digest>& referenced, absl::Time older_than) {
  std::set<std::string> keep;
  for (const Digest& blob : referenced) keep.insert(blob.hex);
  std::vector<Digest> gone;
  for (const auto& [hex, whole] : blobs_) {
    if (!keep.contains(hex) && whole.modified < older_than) gone.push_back(whole.body->digest);
  }
  for (const Digest& blob : gone) Remove(blob);
  std::erase_if(parts_, [older_than](const auto& part) { return part.second.modified < older_than; });
  return gone;
}

void Vault::PowerLoss() {
  for (auto& [hex, part] : parts_) {
    part.bytes = static_cast<int64_t>(draws_.Below(static_cast<uint64_t>(part.bytes) + 1));
  }
}

int64_t Vault::total_bytes() const {
  int64_t total = 0;
  for (const auto& [hex, whole] : blobs_) total += whole.body->digest.size_bytes;
  return total;
}

int64_t Vault::bytes_on_disk() const {
  int64_t total = total_bytes();
  for (const auto& [hex, part] : parts_) total += part.bytes;
  return total;
}

std::vector<Digest> Vault::List() const {
  std::vector<Digest> blobs;
  for (const auto& [hex, whole] : blobs_) blobs.push_back(whole.body->digest);
  return blobs;
}

}  // namespace interceptor::simulation
