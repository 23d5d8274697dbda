#include "worker/prepare/text.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/io/file_system.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kNamedMax = 3;

struct Character {
  size_t bytes = 1;  // 1 for a byte that begins no character
  uint32_t code = 0;
  bool is_valid = false;
};

Character FirstCharacter(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t extra = lead < 0x80                   ? 0
                       : lead >= 0xc2 && lead < 0xe0 ? 1
                       : lead >= 0xe0 && lead < 0xf0 ? 2
                       : lead >= 0xf0 && lead < 0xf5 ? 3
                                                     : text.size();
  if (extra >= text.size()) return {};
  uint32_t code = extra == 0 ? lead : lead & (0x3fu >> extra);
  for (size_t k = 1; k <= extra; ++k) {
    const auto next = static_cast<unsigned char>(text[k]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3f);
  }
  const bool is_overlong = (extra == 2 && code < 0x800) || (extra == 3 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  return is_overlong || is_surrogate || code > 0x10ffff ? Character{} : Character{extra + 1, code, true};
}

bool IsObeyed(uint32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool turns = (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                     (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
  return is_control || turns;
}

}  // namespace

std::string ChunkOf(std::string_view zip_path) {
  const std::string name = BaseName(zip_path);
  return name.substr(0, name.find('.'));
}

void Examples::Add(std::string example) {
  if (count_++ < kNamedMax) named_.push_back(std::move(example));
}

std::string Examples::Text() const {
  return absl::StrJoin(named_, ", ") + (count_ > kNamedMax ? ", ..." : "");
}

std::string ShownBytes(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value >= 1e9 ? absl::StrFormat("%.1f GB", value / 1e9) : absl::StrFormat("%.1f MB", value / 1e6);
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Character first = FirstCharacter(text);
    if (!first.is_valid) return false;
    text.remove_prefix(first.bytes);
  }
  return true;
}

std::string Printable(std::string_view text, size_t bytes_max) {
  std::string printable;
  while (!text.empty()) {
    if (printable.size() >= bytes_max) return printable + "...";
    const Character first = FirstCharacter(text);
    if (first.is_valid && !IsObeyed(first.code)) {
      printable.append(text.substr(0, first.bytes));
    } else {
      printable += '?';
    }
    text.remove_prefix(first.bytes);
  }
  return printable;
}

}  // namespace interceptor::worker
