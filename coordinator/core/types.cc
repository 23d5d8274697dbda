#include "coordinator/core/types.h"

#include "common/text/utf8.h"
#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Utf8Character first = FirstCharacter(text);
    if (clean.size() + first.bytes > kTextBytesMax) break;
    if (!first.is_valid) {
      clean += '?';
    } else if (first.code < 0x20 || first.code == 0x7F) {
      clean += ' ';
    } else {
      clean += text.substr(0, first.bytes);
    }
    text.remove_prefix(first.bytes);
  }
  return clean;
}

}  // namespace interceptor::coordinator
