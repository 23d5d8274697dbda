#include "coordinator/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

bool NamesUtf8(std::string locale) {
  absl::AsciiStrToLower(&locale);
  return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view ColourCode(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kStrong:
      return "1";
    case Tone::kFaint:
      return "2";
    case Tone::kGood:
      return "32";
    case Tone::kWarning:
      return "33";
    case Tone::kBad:
      return "1;31";
  }
  return "";
}

}  // namespace

Terminal DescribeTerminal(const TerminalFacts& facts) {
  Terminal terminal;
  const bool dumb = facts.term.empty() || facts.term == "dumb";
  terminal.interactive = facts.is_terminal && !dumb;
  terminal.colour = terminal.interactive && facts.no_color.empty();
  const std::string& locale = !facts.lc_all.empty()     ? facts.lc_all
                              : !facts.lc_ctype.empty() ? facts.lc_ctype
                                                        : facts.lang;
  terminal.encoding = NamesUtf8(locale) ? Encoding::kUtf8 : Encoding::kAscii;
  if (facts.columns > 0) terminal.columns = facts.columns;
  if (facts.rows > 0) terminal.rows = facts.rows;
  return terminal;
}

TerminalFacts ReadTerminalFacts(int fd) {
  TerminalFacts facts;
  facts.is_terminal = isatty(fd) == 1;
  winsize window{};
  if (facts.is_terminal && ioctl(fd, TIOCGWINSZ, &window) == 0) {
    facts.columns = window.ws_col;
    facts.rows = window.ws_row;
  }
  facts.no_color = Environment("NO_COLOR");
  facts.term = Environment("TERM");
  facts.lc_all = Environment("LC_ALL");
  facts.lc_ctype = Environment("LC_CTYPE");
  facts.lang = Environment("LANG");
  return facts;
}

std::string Paint(std::string_view text, Tone tone, const Terminal& terminal) {
  if (!terminal.colour || tone == Tone::kPlain || text.empty()) return std::string(text);
  return Cat("\x1b[", ColourCode(tone), "m", text, "\x1b[0m");
}

}  // namespace interceptor::coordinator
