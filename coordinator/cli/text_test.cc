#include "coordinator/cli/text.h"

#include <limits>

#include "common/facts/task.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/table.h"
#include "coordinator/cli/terminal.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {
namespace {

CATCH_TEST_CASE("Text from the wire cannot steer the terminal") {
  const Encoding utf8 = Encoding::kUtf8;
  CATCH_CHECK(Clean("\x1b[2Jx", utf8) == "\\x1b[2Jx");
  CATCH_CHECK(Clean("a\nb\tc\r\x7f", utf8) == "a\\x0ab\\x09c\\x0d\\x7f");
  CATCH_CHECK(Clean(std::string("a\0b", 3), utf8) == "a\\x00b");
  // C1 controls are escape sequences to some terminals, in UTF-8 and as bare bytes.
  CATCH_CHECK(Clean("\u0085\u009b", utf8) == "\\u{85}\\u{9b}");
  CATCH_CHECK(Clean("\x9b[2J", utf8) == "\\x9b[2J");
  // What reorders or hides.
  CATCH_CHECK(Clean("\u202etxt.exe\u2066\u200b\ufeff\u2028", utf8) ==
              "\\u{202e}txt.exe\\u{2066}\\u{200b}\\u{feff}\\u{2028}");
  CATCH_CHECK(Clean("caf\u00e9 \u6f22", utf8) == "caf\u00e9 \u6f22");
  CATCH_CHECK(Clean("caf\u00e9 \u6f22", Encoding::kAscii) == "caf\\u{e9} \\u{6f22}");
}

CATCH_TEST_CASE("Bytes that are not UTF-8 are shown as bytes") {
  const Encoding utf8 = Encoding::kUtf8;
  CATCH_CHECK(Clean("\xff", utf8) == "\\xff");
  CATCH_CHECK(Clean("\xc0\xaf", utf8) == "\\xc0\\xaf");                  // overlong
  CATCH_CHECK(Clean("\xe0\x80\xaf", utf8) == "\\xe0\\x80\\xaf");         // overlong
  CATCH_CHECK(Clean("\xed\xa0\x80", utf8) == "\\xed\\xa0\\x80");         // a surrogate
  CATCH_CHECK(Clean("\xf4\x90\x80\x80", utf8).substr(0, 4) == "\\xf4");  // beyond the last character
  CATCH_CHECK(Clean("x\xe2\x82", utf8) == "x\\xe2\\x82");                // cut off
}

CATCH_TEST_CASE("Columns are counted as a terminal shows them") {
  CATCH_CHECK(ColumnsOf("abc") == 3);
  CATCH_CHECK(ColumnsOf("\u6f22\u5b57") == 4);
  CATCH_CHECK(ColumnsOf("e\u0301") == 1);
  CATCH_CHECK(Fit("abcdef", 6, Encoding::kUtf8) == "abcdef");
  CATCH_CHECK(Fit("abcdef", 5, Encoding::kUtf8) == "abcd\u2026");
  CATCH_CHECK(Fit("abcdef", 5, Encoding::kAscii) == "ab...");
  // A wide character that would be cut in half is left out.
  CATCH_CHECK(Fit("\u6f22\u5b57\u6f22", 4, Encoding::kUtf8) == "\u6f22\u2026");
  CATCH_CHECK(Fit("abcdef", 2, Encoding::kAscii) == "ab");
  CATCH_CHECK(Pad("\u6f22", 4, Align::kRight) == "  \u6f22");
  CATCH_CHECK(Pad("toolong", 3, Align::kLeft) == "toolong");
}

CATCH_TEST_CASE("Wrapping breaks between words and ends at its limit") {
  CATCH_CHECK(Wrap("one two three", 8, 9, Encoding::kAscii) == std::vector<std::string>{"one two", "three"});
  CATCH_CHECK(Wrap("abcdefghij", 4, 9, Encoding::kAscii) == std::vector<std::string>{"abcd", "efgh", "ij"});
  CATCH_CHECK(Wrap("one two three four", 8, 2, Encoding::kAscii) ==
              std::vector<std::string>{"one two", "three..."});
  CATCH_CHECK(Wrap("", 8, 2, Encoding::kAscii) == std::vector<std::string>{""});
  CATCH_CHECK(Wrap("\u6f22\u5b57", 1, 9, Encoding::kUtf8).size() == 2);
}

CATCH_TEST_CASE("Colour needs a terminal, no NO_COLOR and a TERM that is not dumb") {
  TerminalFacts facts;
  facts.is_terminal = true;
  facts.term = "xterm";
  facts.lang = "en_GB.UTF-8";
  CATCH_CHECK(DescribeTerminal(facts).colour);
  CATCH_CHECK(DescribeTerminal(facts).interactive);
  CATCH_CHECK(DescribeTerminal(facts).encoding == Encoding::kUtf8);
  facts.lc_all = "C";
  CATCH_CHECK(DescribeTerminal(facts).encoding == Encoding::kAscii);
  facts.no_color = "1";
  CATCH_CHECK_FALSE(DescribeTerminal(facts).colour);
  CATCH_CHECK(DescribeTerminal(facts).interactive);
  facts.no_color = "";
  facts.term = "dumb";
  CATCH_CHECK_FALSE(DescribeTerminal(facts).colour);
  CATCH_CHECK_FALSE(DescribeTerminal(facts).interactive);
  facts.term = "xterm";
  facts.is_terminal = false;
  CATCH_CHECK_FALSE(DescribeTerminal(facts).colour);

  CATCH_CHECK(Paint("x", Tone::kBad, {.colour = true}) == "\x1b[1;31mx\x1b[0m");
  CATCH_CHECK(Paint("x", Tone::kBad, {.colour = false}) == "x");
}

CATCH_TEST_CASE("A table gives up width in its widest column that may be cut") {
  Table table;
  table.columns = {{{"NAME"}, Align::kLeft, 4}, {{"SIZE"}, Align::kRight}};
  table.rows = {{{"abcdefgh"}, {"12"}}, {{"xy"}, {"1234567"}}};
  CATCH_CHECK(Layout(table, 0, {}) ==
              std::vector<std::string>{"NAME         SIZE", "abcdefgh       12", "xy        1234567"});
  CATCH_CHECK(Layout(table, 14, {}) ==
              std::vector<std::string>{"NAME      SIZE", "ab...       12", "xy     1234567"});
  // Below its least width the table stays too wide rather than losing a number.
  CATCH_CHECK(ColumnsOf(Layout(table, 5, {})[1]) == 13);
}

CATCH_TEST_CASE("What was not measured is a dash") {
  CATCH_CHECK(Count(0) == "-");
  CATCH_CHECK(Measured(0, 3) == "-");
  CATCH_CHECK(Rate(0) == "-");
  CATCH_CHECK(Bytes(0) == "-");
  CATCH_CHECK(UtcTime({}) == "-");
  v1::Evaluation one_class;
  one_class.set_fakes(10);
  one_class.set_auc(0.5);
  CATCH_CHECK(AucWithInterval(one_class) == "-");
}

CATCH_TEST_CASE("Numbers are short and keep their meaning") {
  CATCH_CHECK(Age(absl::Seconds(-5)) == "0s");
  CATCH_CHECK(Age(absl::Seconds(99)) == "99s");
  CATCH_CHECK(Age(absl::Seconds(100)) == "1m");
  CATCH_CHECK(Age(absl::Minutes(134)) == "2h14m");
  CATCH_CHECK(Age(absl::Minutes(121)) == "2h01m");
  CATCH_CHECK(Age(absl::Hours(31)) == "31h");
  CATCH_CHECK(Age(absl::Hours(24 * 9)) == "9d");
  CATCH_CHECK(Bytes(999) == "999 B");
  CATCH_CHECK(Bytes(140'900'000) == "141 MB");
  CATCH_CHECK(Bytes(9'800'000'000) == "9.8 GB");
  CATCH_CHECK(Bytes(999'999'999) == "1.0 GB");
  CATCH_CHECK(Count(999999) == "999999");
  CATCH_CHECK(Count(1234567) == "1.23M");
  CATCH_CHECK(Count(123456789) == "123.5M");
  CATCH_CHECK(Measured(1e300, 3) == "1e+300");
  CATCH_CHECK(Rate(9.94) == "9.9");
  CATCH_CHECK(Rate(812.4) == "812");
  CATCH_CHECK(Rate(12345) == "12.3k");
  CATCH_CHECK(Measured(std::numeric_limits<double>::quiet_NaN(), 3) == "nan");
  CATCH_CHECK(Bar(3, 10, 5, Encoding::kAscii) == "#....");
  CATCH_CHECK(Bar(3, 10, 5, Encoding::kUtf8) == "\u2588\u258c\u2591\u2591\u2591");
  CATCH_CHECK(Bar(12, 10, 2, Encoding::kAscii) == "##");
  CATCH_CHECK(Bar(0, 0, 5, Encoding::kUtf8).empty());
  CATCH_CHECK(WithReason("paused", "one class only") == "paused: one class only");
  CATCH_CHECK(WithReason("waiting", "waiting for anna's worker") == "waiting for anna's worker");
  CATCH_CHECK(WithReason("waiting", "") == "waiting");
  CATCH_CHECK(SpecialistOf("train/BG") == "BG");
  CATCH_CHECK(SpecialistOf("integrate").empty());
}

}  // namespace
}  // namespace interceptor::coordinator
