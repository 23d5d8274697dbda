// Text for a terminal. What came over the wire is material of others: it is cleaned before it is shown, so
// that no name, reason or event can move the cursor, change colours, reorder or hide what stands around it.
// Pure; a column is one cell of a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace interceptor::coordinator {

enum class Encoding { kAscii, kUtf8 };

// `wire` with everything that is not plainly visible written out: control characters and bytes that are not
// UTF-8 as \x1b, marks that reorder or hide text as \u{202e}; with kAscii every character beyond ASCII too.
// A line break becomes \x0a, so the answer is one line.
std::string Clean(std::string_view wire, Encoding encoding);

// Terminal columns of cleaned text: East Asian wide characters and pictures take two, combining marks none.
int ColumnsOf(std::string_view clean);

// At most `columns` wide; what is cut off is marked by an ellipsis ("..." with kAscii).
std::string Fit(std::string_view clean, int columns, Encoding encoding);

enum class Align { kLeft, kRight };

// Filled up with spaces to `columns`; longer text stays as it is.
std::string Pad(std::string_view clean, int columns, Align align);

// Lines of at most `columns`, broken between words where that is possible. What goes beyond `lines_max` is
// cut off with an ellipsis. Never empty.
std::vector<std::string> Wrap(std::string_view clean, int columns, int lines_max, Encoding encoding);

}  // namespace interceptor::coordinator
