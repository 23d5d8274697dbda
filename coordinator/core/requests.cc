#include "coordinator/core/requests.h"

#include <optional>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
namespace {

std::optional<int> HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<RequestMemory::Key> ParseKey(std::string_view id) {
  if (id.size() != 32) return std::nullopt;
  RequestMemory::Key key{};
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::optional<int> digit = HexValue(id[i]);
    if (!digit) return std::nullopt;
    key[i / 16] = key[i / 16] << 4 | static_cast<uint64_t>(*digit);
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
  const auto found = fingerprints_.find(*key);
  if (found == fingerprints_.end()) return std::nullopt;
  return found->second;
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
