#include "coordinator/cli/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace interceptor::coordinator {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Characters that show nothing by themselves or change how their neighbours are shown (Unicode categories Cc,
// Cf, Zl, Zp, Co and the tag characters).
constexpr auto kHidden = std::to_array<Range>({
    {0x00, 0x1f},
    {0x7f, 0x9f},
    {0xad, 0xad},
    {0x61c, 0x61c},
    {0x180e, 0x180e},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xe000, 0xf8ff},
    {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},
    {0xfffe, 0xffff},
    {0xe0000, 0xe0fff},
    {0xf0000, 0x10ffff},
});

constexpr auto kCombining = std::to_array<Range>({
    {0x300, 0x36f},
    {0x483, 0x489},
    {0x591, 0x5bd},
    {0x610, 0x61a},
    {0x64b, 0x65f},
    {0x6d6, 0x6dc},
    {0xe31, 0xe31},
    {0xe34, 0xe3a},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},
});

// East Asian Width W and F (Unicode Standard Annex 11), pictures among them.
constexpr auto kWide = std::to_array<Range>({
    {0x1100, 0x115f},
    {0x2329, 0x232a},
    {0x2e80, 0x303e},
    {0x3041, 0x4dbf},
    {0x4e00, 0xa4cf},
    {0xa960, 0xa97c},
    {0xac00, 0xd7a3},
    {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},
    {0xff00, 0xff60},
    {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
});

template <size_t N>
bool In(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.last; });
}

struct Character {
  char32_t value;
  size_t bytes;
};

// The character that `text` begins with; nothing when its first byte begins no shortest-form UTF-8 sequence.
std::optional<Character> Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Character{lead, 1};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return std::nullopt;
  char32_t value = lead & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[bytes] || value > 0x10ffff || surrogate) return std::nullopt;
  return Character{value, bytes};
}

int ColumnsOf(char32_t c) { return In(kCombining, c) ? 0 : In(kWide, c) ? 2 : 1; }

std::string_view Ellipsis(Encoding encoding) { return encoding == Encoding::kUtf8 ? "\u2026" : "..."; }

// Bytes of the longest beginning of `clean` that fits into `columns`.
size_t FittingBytes(std::string_view clean, int columns) {
  int used = 0;
  size_t at = 0;
  while (at < clean.size()) {
    const Character c = Decode(clean.substr(at)).value_or(Character{'?', 1});
    used += ColumnsOf(c.value);
    if (used > columns) break;
    at += c.bytes;
  }
  return at;
}

}  // namespace

std::string Clean(std::string_view wire, Encoding encoding) {
  std::string out;
  out.reserve(wire.size());
  for (size_t at = 0; at < wire.size();) {
    const std::optional<Character> c = Decode(wire.substr(at));
    const bool visible = c && !In(kHidden, c->value) && (encoding == Encoding::kUtf8 || c->value < 0x80);
    if (visible) {
      out.append(wire.substr(at, c->bytes));
    } else {
      std::array<char, 16> escape;
      const unsigned value = c ? static_cast<unsigned>(c->value) : static_cast<unsigned char>(wire[at]);
      std::snprintf(escape.data(), escape.size(), c && value >= 0x80 ? "\\u{%x}" : "\\x%02x", value);
      out.append(escape.data());
    }
    at += c ? c->bytes : 1;
  }
  return out;
}

int ColumnsOf(std::string_view clean) {
  int columns = 0;
  for (size_t at = 0; at < clean.size();) {
    const Character c = Decode(clean.substr(at)).value_or(Character{'?', 1});
    columns += ColumnsOf(c.value);
    at += c.bytes;
  }
  return columns;
}

std::string Fit(std::string_view clean, int columns, Encoding encoding) {
  if (ColumnsOf(clean) <= columns) return std::string(clean);
  const std::string_view ellipsis = Ellipsis(encoding);
  const int left = columns - ColumnsOf(ellipsis);
  if (left < 1) return std::string(clean.substr(0, FittingBytes(clean, columns)));
  return std::string(clean.substr(0, FittingBytes(clean, left))).append(ellipsis);
}

std::string Pad(std::string_view clean, int columns, Align align) {
  const std::string spaces(static_cast<size_t>(std::max(0, columns - ColumnsOf(clean))), ' ');
  return align == Align::kLeft ? std::string(clean) + spaces : spaces + std::string(clean);
}

std::vector<std::string> Wrap(std::string_view clean, int columns, int lines_max, Encoding encoding) {
  columns = std::max(columns, 1);
  std::vector<std::string> lines;
  while (static_cast<int>(lines.size()) + 1 < lines_max && ColumnsOf(clean) > columns) {
    size_t cut = FittingBytes(clean, columns);
    // A character wider than the line still has to go somewhere.
    if (cut == 0) cut = Decode(clean).value_or(Character{'?', 1}).bytes;
    const size_t space = clean.substr(0, cut + 1).rfind(' ');
    if (space != std::string_view::npos && space > 0) cut = space;
    lines.emplace_back(clean.substr(0, cut));
    clean.remove_prefix(cut);
    clean.remove_prefix(std::min(clean.find_first_not_of(' '), clean.size()));
  }
  if (!clean.empty() || lines.empty()) lines.push_back(Fit(clean, columns, encoding));
  return lines;
}

}  // namespace interceptor::coordinator
