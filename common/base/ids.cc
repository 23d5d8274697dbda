#include "common/base/ids.h"

#include <sys/random.h>

#include <array>
#include <cctype>

#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor {

std::string NewId() {
  std::array<unsigned char, 16> bytes{};
  ICPT_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (unsigned char byte : bytes) {
    id.push_back(kDigits[byte >> 4]);
    id.push_back(kDigits[byte & 15]);
  }
  return id;
}

absl::Status ValidateName(std::string_view what, std::string_view name) {
  bool good = !name.empty() && name.size() <= 64 && std::isalnum(static_cast<unsigned char>(name[0]));
  for (char c : name) good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_');
  if (good) return absl::OkStatus();
  return InvalidArgument(what, " '", name.substr(0, 80), "' must be 1 to 64 letters, digits, '-' or '_'");
}

}  // namespace interceptor
