#include "worker/prepare/text.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/io/file_system.h"
#include "common/text/utf8.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kNamedMax = 3;

bool IsObeyed(char32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool turns = code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
                     (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
                     code == 0xfeff;
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

std::string Printable(std::string_view text, size_t bytes_max) {
  std::string printable;
  while (!text.empty()) {
    if (printable.size() >= bytes_max) return printable + "...";
    const Utf8Character first = FirstCharacter(text);
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
