#include "coordinator/cli/sheet.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/cli/format.h"

namespace interceptor::coordinator {

int Limit(const Terminal& terminal) { return terminal.interactive ? terminal.columns : 0; }

Terminal Inside(Terminal terminal) {
  terminal.columns -= 2;
  return terminal;
}

void Sheet::Title(std::string_view title) {
  if (!lines_.empty()) lines_.emplace_back();
  lines_.push_back(Paint(title, Tone::kStrong, terminal_));
}

void Sheet::Field(std::string_view name, const std::string& value, Tone tone) {
  if (value.empty() || value == kNothing) return;
  constexpr int kIndent = 20;
  std::string head = Pad(Cat("  ", name), kIndent, Align::kLeft);
  const int width = terminal_.interactive ? std::max(20, terminal_.columns - kIndent) : ColumnsOf(value);
  for (const std::string& line : Wrap(value, width, 1000, terminal_.encoding)) {
    lines_.push_back(Paint(head, Tone::kFaint, terminal_) + Paint(line, tone, terminal_));
    head.assign(kIndent, ' ');
  }
}

void Sheet::Rows(const Lines& rows) {
  for (const std::string& row : rows) lines_.push_back(row.empty() ? row : Cat("  ", row));
}

}  // namespace interceptor::coordinator
