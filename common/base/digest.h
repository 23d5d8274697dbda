// SHA-256 content digests: how blobs, chunks, plans and manifests are named.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace interceptor {

// The name of some bytes: 64 lower-case hexadecimal digits and the length in bytes.
struct Digest {
  std::string hex;
  int64_t size_bytes = 0;

  friend auto operator<=>(const Digest&, const Digest&) = default;
  bool empty() const { return hex.empty(); }
};

// INVALID_ARGUMENT unless `hex` is 64 lower-case hexadecimal digits.
absl::Status ValidateDigestHex(std::string_view hex);

// Adds bytes piece by piece; one thread.
class DigestBuilder {
 public:
  DigestBuilder();
  ~DigestBuilder();
  DigestBuilder(DigestBuilder&&) noexcept;
  DigestBuilder& operator=(DigestBuilder&&) noexcept;

  void Add(std::string_view bytes);
  // Ends the digest; Add may not follow.
  Digest Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Digest DigestOf(std::string_view bytes);

// The first eight bytes of SHA-256(bytes), big-endian: folds and halves are drawn from it.
uint64_t DigestPrefix64(std::string_view bytes);

}  // namespace interceptor
