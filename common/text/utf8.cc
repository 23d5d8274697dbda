#include "common/text/utf8.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace interceptor {
namespace {

const utf8proc_uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

}  // namespace

Utf8Character FirstCharacter(std::string_view text) {
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(Bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (bytes <= 0) return {.bytes = 1, .code = static_cast<unsigned char>(text[0]), .is_valid = false};
  return {.bytes = static_cast<size_t>(bytes), .code = static_cast<char32_t>(code), .is_valid = true};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character first = FirstCharacter(text);
    if (!first.is_valid) return false;
    text.remove_prefix(first.bytes);
  }
  return true;
}

bool IsVisible(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

int TerminalColumns(char32_t code) { return utf8proc_charwidth(static_cast<utf8proc_int32_t>(code)); }

std::string CaselessForm(std::string_view name) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t bytes =
      utf8proc_map(Bytes(name), static_cast<utf8proc_ssize_t>(name.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (bytes < 0) return std::string(name);
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(bytes)};
}

}  // namespace interceptor
