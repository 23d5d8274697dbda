#include "coordinator/cli/table.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"

namespace interceptor::coordinator {
namespace {

std::vector<int> NaturalWidths(const Table& table) {
  std::vector<int> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    int width = table.columns[i].width_min;
    for (const std::string& line : table.columns[i].header) width = std::max(width, ColumnsOf(line));
    for (const std::vector<Cell>& row : table.rows) {
      ICPT_CHECK(row.size() == table.columns.size()) << row.size() << " cells, " << table.columns.size();
      width = std::max(width, ColumnsOf(row[i].text));
    }
    widths.push_back(width);
  }
  return widths;
}

void Shrink(const Table& table, int columns_max, std::vector<int>& widths) {
  const int gaps = table.gap * static_cast<int>(widths.size() - 1);
  while (std::accumulate(widths.begin(), widths.end(), gaps) > columns_max) {
    int widest = -1;
    for (int i = 0; i < static_cast<int>(widths.size()); ++i) {
      const int floor = table.columns[i].shrink_to;
      const bool can_give = floor > 0 && widths[i] > floor;
      if (can_give && (widest < 0 || widths[i] > widths[widest])) widest = i;
    }
    if (widest < 0) return;
    --widths[widest];
  }
}

// Appends one cell; the last column is not filled up, so no line ends in spaces.
void AppendCell(const Cell& cell, int width, Align align, const Terminal& terminal, std::string& line) {
  const std::string fitted = Fit(cell.text, width, terminal.encoding);
  const std::string spaces(static_cast<size_t>(std::max(0, width - ColumnsOf(fitted))), ' ');
  if (align == Align::kRight) line += spaces;
  line += Paint(fitted, cell.tone, terminal);
  if (align == Align::kLeft) line += spaces;
}

std::string Line(const Table& table, const std::vector<Cell>& cells, const std::vector<int>& widths,
                 const Terminal& terminal) {
  size_t last = cells.size();
  while (last > 0 && cells[last - 1].text.empty()) --last;
  std::string line;
  for (size_t i = 0; i < last; ++i) {
    if (i > 0) line.append(static_cast<size_t>(table.gap), ' ');
    const bool ends_line = i + 1 == last && table.columns[i].align == Align::kLeft;
    const int width = ends_line ? std::min(widths[i], ColumnsOf(cells[i].text)) : widths[i];
    AppendCell(cells[i], width, table.columns[i].align, terminal, line);
  }
  return line;
}

}  // namespace

void Table::Add(const std::vector<Entry>& entries) {
  columns.clear();
  rows.emplace_back();
  for (const Entry& entry : entries) {
    columns.push_back(entry.column);
    rows.back().push_back(entry.cell);
  }
}

std::vector<std::string> Layout(const Table& table, int columns_max, const Terminal& terminal) {
  std::vector<int> widths = NaturalWidths(table);
  if (columns_max > 0) Shrink(table, columns_max, widths);
  size_t header_lines = 0;
  for (const Column& column : table.columns) header_lines = std::max(header_lines, column.header.size());
  std::vector<std::string> lines;
  for (size_t h = 0; h < header_lines; ++h) {
    std::vector<Cell> cells;
    for (const Column& column : table.columns) {
      const size_t missing = header_lines - column.header.size();
      cells.push_back({h < missing ? "" : column.header[h - missing], Tone::kFaint});
    }
    lines.push_back(Line(table, cells, widths, terminal));
  }
  for (const std::vector<Cell>& row : table.rows) lines.push_back(Line(table, row, widths, terminal));
  return lines;
}

}  // namespace interceptor::coordinator
