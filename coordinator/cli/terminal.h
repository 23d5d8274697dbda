// What the place that output goes to can show. Decided once from the facts of the process, then passed as a
// value.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/cli/text.h"

namespace interceptor::coordinator {

// How a piece of text is meant; colour only repeats what the words say already.
enum class Tone { kPlain, kStrong, kFaint, kGood, kWarning, kBad };

struct Terminal {
  // A person looks at it: lines are cut to the width, `watch` redraws in place.
  bool interactive = false;
  bool colour = false;
  Encoding encoding = Encoding::kAscii;
  int columns = 80;
  int rows = 24;
};

// Environment variables are empty when unset.
struct TerminalFacts {
  bool is_terminal = false;
  // Of the window; 0 when unknown.
  int columns = 0;
  int rows = 0;
  std::string no_color;
  std::string term;
  std::string lc_all;
  std::string lc_ctype;
  std::string lang;
};

// Colour needs a terminal that is not "dumb" and an empty NO_COLOR (no-color.org). The encoding is that of
// the locale (LC_ALL, then LC_CTYPE, then LANG).
Terminal DescribeTerminal(const TerminalFacts& facts);

// The facts of file descriptor `fd` and of this process.
TerminalFacts ReadTerminalFacts(int fd);

// `text` in the colour of `tone`, or as it is where there is no colour.
std::string Paint(std::string_view text, Tone tone, const Terminal& terminal);

}  // namespace interceptor::coordinator
