#include "common/base/ids.h"

#include <sys/random.h>

#include <cctype>

#include "absl/strings/escaping.h"
#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor {

std::string NewId() {
  std::string bytes(16, '\0');
  ICPT_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return absl::BytesToHexString(bytes);
}

absl::Status ValidateName(std::string_view what, std::string_view name) {
  bool good = !name.empty() && name.size() <= 64 && std::isalnum(static_cast<unsigned char>(name[0]));
  for (char c : name) good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_');
  if (good) return absl::OkStatus();
  return InvalidArgument(what, " '", name.substr(0, 80), "' must be 1 to 64 letters, digits, '-' or '_'");
}

}  // namespace interceptor
