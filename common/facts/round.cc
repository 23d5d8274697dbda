#include "common/facts/round.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace interceptor {

std::string DescribeAbsent(const std::vector<AbsentSpecialist>& absent) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const AbsentSpecialist& each : absent) by_reason[each.reason].push_back(each.specialist);
  std::string text;
  for (const auto& [reason, specialists] : by_reason) {
    text += Cat(text.empty() ? "without " : ", ", ListSpecialists(specialists), " (", reason, ")");
  }
  return text;
}

std::string ListSpecialists(const std::vector<std::string>& specialists) {
  constexpr size_t kShown = 6;
  const size_t shown = std::min(kShown, specialists.size());
  const auto begin = specialists.begin();
  const std::string names = absl::StrJoin(begin, begin + static_cast<std::ptrdiff_t>(shown), ", ");
  return shown == specialists.size() ? names : Cat(names, " and ", specialists.size() - shown, " more");
}

}  // namespace interceptor
