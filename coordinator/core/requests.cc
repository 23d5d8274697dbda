#include "coordinator/core/requests.h"

#include <charconv>
#include <optional>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
namespace {

constexpr std::size_t kHalfDigits = 16;

std::optional<RequestMemory::Key> ParseKey(std::string_view id) {
  if (id.size() != 2 * kHalfDigits) return std::nullopt;
  RequestMemory::Key key{};
  for (uint64_t& half : key) {
    const auto [end, error] = std::from_chars(id.data(), id.data() + kHalfDigits, half, 16);
    if (error != std::errc() || end != id.data() + kHalfDigits) return std::nullopt;
    id.remove_prefix(kHalfDigits);
  }
  return key;
}

}  // namespace

void RequestMemory::Remember(const RequestMark& mark) {
  const std::optional<Key> key = ParseKey(mark.id);
  ICPT_CHECK(key) << "an event carries the malformed request id '" << mark.id << "'";
  if (!fingerprints_.emplace(*key, mark.fingerprint).second) return;
  order_.push_back(*key);
  if (order_.size() > kRequestsRememberedMax) {
    fingerprints_.erase(order_.front());
    order_.pop_front();
  }
}

std::optional<uint64_t> RequestMemory::Find(std::string_view request_id) const {
  const std::optional<Key> key = ParseKey(request_id);
  if (!key) return std::nullopt;
  const uint64_t* fingerprint = FindIn(fingerprints_, *key);
  return fingerprint == nullptr ? std::nullopt : std::optional(*fingerprint);
}

absl::StatusOr<RequestCheck> CheckRequest(const State& state, std::string_view id, std::string_view content,
                                          RequestId rule) {
  if (id.empty() && rule == RequestId::kOptional) return RequestCheck{};
  if (!ParseKey(id)) {
    return InvalidArgument("request_id is '", CleanText(id), "', allowed: 32 hexadecimal digits");
  }
  RequestCheck check;
  check.mark.id = std::string(id);
  check.mark.fingerprint = DigestPrefix64(content);
  const std::optional<uint64_t> before = state.facts.requests.Find(id);
  if (before && *before != check.mark.fingerprint) {
    return InvalidArgument("request_id ", id, " was used for another request: draw a new one");
  }
  check.known = before.has_value();
  return check;
}

}  // namespace interceptor::coordinator
