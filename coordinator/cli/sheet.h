// One thing as titled parts: names on the left, values on the right, tables below.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "coordinator/cli/table.h"
#include "coordinator/cli/terminal.h"

namespace interceptor::coordinator {

// How wide a table may be: as the terminal is, elsewhere without a limit (0).
int Limit(const Terminal& terminal);
// The terminal that is left inside an indented part of a sheet.
Terminal Inside(Terminal terminal);

// Long values are wrapped on a terminal, which outlives the sheet.
class Sheet {
 public:
  explicit Sheet(const Terminal& terminal) : terminal_(terminal) {}

  void Title(std::string_view title);
  // `value` is cleaned already. Nothing is printed for an empty one and for kNothing.
  void Field(std::string_view name, const std::string& value, Tone tone = Tone::kPlain);
  void Rows(const Lines& rows);
  Lines Take() { return std::move(lines_); }

 private:
  const Terminal& terminal_;
  Lines lines_;
};

}  // namespace interceptor::coordinator
