#include "coordinator/cli/text.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/text/utf8.h"

namespace interceptor::coordinator {
namespace {

std::string_view Ellipsis(Encoding encoding) { return encoding == Encoding::kUtf8 ? "\u2026" : "..."; }

// Bytes of the longest beginning of `clean` that fits into `columns`.
size_t FittingBytes(std::string_view clean, int columns) {
  int used = 0;
  size_t at = 0;
  while (at < clean.size()) {
    const Utf8Character c = FirstCharacter(clean.substr(at));
    used += TerminalColumns(c.code);
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
    const Utf8Character c = FirstCharacter(wire.substr(at));
    const bool is_shown = c.is_valid && IsVisible(c.code) && (encoding == Encoding::kUtf8 || c.code < 0x80);
    if (is_shown) {
      out.append(wire.substr(at, c.bytes));
    } else if (c.is_valid && c.code >= 0x80) {
      absl::StrAppendFormat(&out, "\\u{%x}", static_cast<unsigned>(c.code));
    } else {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned>(c.code));
    }
    at += c.bytes;
  }
  return out;
}

int ColumnsOf(std::string_view clean) {
  int columns = 0;
  for (size_t at = 0; at < clean.size();) {
    const Utf8Character c = FirstCharacter(clean.substr(at));
    columns += TerminalColumns(c.code);
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
    if (cut == 0) cut = FirstCharacter(clean).bytes;
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
