// UTF-8 and what Unicode says of a character, by utf8proc. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace interceptor {

struct Utf8Character {
  size_t bytes = 1;   // 1 for a byte that begins no character
  char32_t code = 0;  // the byte's value there
  bool is_valid = false;
};

// The character that `text` begins with. Overlong forms, surrogates and what is cut off are no character
// (RFC 3629, section 4).
// REQUIRES: text is not empty
Utf8Character FirstCharacter(std::string_view text);

bool IsUtf8(std::string_view text);

// False for what shows nothing by itself or changes how its neighbours are shown: control and format
// characters, line and paragraph separators, private use and what Unicode has not assigned.
bool IsVisible(char32_t code);

// Columns of a terminal: two for East Asian wide characters and pictures (Unicode Standard Annex 11), none for
// combining marks.
int TerminalColumns(char32_t code);

// Equal for names that differ in letter case or normal form alone, such as the composed "é" that most programs
// write and the decomposed one of macOS. Text that is not UTF-8 stays as it is.
std::string CaselessForm(std::string_view name);

}  // namespace interceptor
