// Rows and columns of cleaned text, laid out for a terminal.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/terminal.h"

namespace interceptor::coordinator {

using Lines = std::vector<std::string>;  // without line breaks

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  // One or two lines, top first; both are printed above the column.
  std::vector<std::string> header;
  Align align = Align::kLeft;
  // May be cut, down to shrink_to, when the table is wider than it may be; 0: never cut.
  int shrink_to = 0;
  // At least so wide, so that a table that is redrawn does not jump.
  int width_min = 0;
};

struct Table {
  std::vector<Column> columns;
  // One cell per column.
  std::vector<std::vector<Cell>> rows;
  // Spaces between columns.
  int gap = 2;

  // A cell with the column that it stands in.
  struct Entry {
    Column column;
    Cell cell;
  };
  // Adds a row. Every row names the same columns.
  void Add(const std::vector<Entry>& entries);
};

// Lines without line breaks. The widest shrinkable columns give way until a row is at most `columns_max`
// wide; 0: no limit.
std::vector<std::string> Layout(const Table& table, int columns_max, const Terminal& terminal);

}  // namespace interceptor::coordinator
