#include "common/base/digest.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr size_t kDigestBytes = 32;

}  // namespace

struct DigestBuilder::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  int64_t size_bytes = 0;
  ~Impl() { EVP_MD_CTX_free(context); }
};

DigestBuilder::DigestBuilder() : impl_(std::make_unique<Impl>()) {
  ICPT_CHECK(EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) == 1);
}
DigestBuilder::~DigestBuilder() = default;
DigestBuilder::DigestBuilder(DigestBuilder&&) noexcept = default;
DigestBuilder& DigestBuilder::operator=(DigestBuilder&&) noexcept = default;

void DigestBuilder::Add(std::string_view bytes) {
  ICPT_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
  impl_->size_bytes += static_cast<int64_t>(bytes.size());
}

Digest DigestBuilder::Finish() {
  std::string bytes(kDigestBytes, '\0');
  unsigned int length = 0;
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  ICPT_CHECK(EVP_DigestFinal_ex(impl_->context, out, &length) == 1 && length == kDigestBytes);
  return {.hex = absl::BytesToHexString(bytes), .size_bytes = impl_->size_bytes};
}

absl::Status ValidateDigestHex(std::string_view hex) {
  const bool plain = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (hex.size() == 2 * kDigestBytes && plain) return absl::OkStatus();
  return InvalidArgument("digest '", hex.substr(0, 80), "' is not 64 lower-case hexadecimal digits");
}

Digest DigestOf(std::string_view bytes) {
  DigestBuilder builder;
  builder.Add(bytes);
  return builder.Finish();
}

uint64_t DigestPrefix64(std::string_view bytes) {
  const Digest digest = DigestOf(bytes);
  return std::stoull(digest.hex.substr(0, 16), nullptr, 16);
}

}  // namespace interceptor
