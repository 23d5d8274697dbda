#include "common/text/utf8.h"

#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("UTF-8 is distinguished from what only looks like it") {
  CATCH_CHECK(IsUtf8(""));
  CATCH_CHECK(IsUtf8("\xe2\x82\xac \xf0\x9f\x8e\xac"));
  CATCH_CHECK_FALSE(IsUtf8("\xc0\xaf"));          // overlong
  CATCH_CHECK_FALSE(IsUtf8("\xed\xa0\x80"));      // a surrogate
  CATCH_CHECK_FALSE(IsUtf8("\xf5\x80\x80\x80"));  // beyond the last character
  CATCH_CHECK_FALSE(IsUtf8("\xe2\x82"));          // cut off
}

CATCH_TEST_CASE("a byte that begins no character is one by itself") {
  const Utf8Character broken = FirstCharacter("\xe2\x82");
  CATCH_CHECK_FALSE(broken.is_valid);
  CATCH_CHECK(broken.bytes == 1);
  CATCH_CHECK(broken.code == 0xe2);
  const Utf8Character nul = FirstCharacter(std::string_view("\0x", 2));
  CATCH_CHECK(nul.is_valid);
  CATCH_CHECK(nul.code == 0);
  const Utf8Character euro = FirstCharacter("\u20acx");
  CATCH_CHECK(euro.bytes == 3);
  CATCH_CHECK(euro.code == 0x20ac);
}

CATCH_TEST_CASE("what hides or reorders text is not visible") {
  for (const char32_t code :
       {U'\x1b', U'\x7f', U'\u009b', U'\u00ad', U'\u200b', U'\u202e', U'\u2028', U'\ufeff', U'\ue000'}) {
    CATCH_CHECK_FALSE(IsVisible(code));
  }
  for (const char32_t code : {U' ', U'a', U'\u00e9', U'\u0301', U'\u6f22', U'\U0001f3ac'})
    CATCH_CHECK(IsVisible(code));
}

CATCH_TEST_CASE("wide characters take two columns, combining marks none") {
  CATCH_CHECK(TerminalColumns(U'a') == 1);
  CATCH_CHECK(TerminalColumns(U'\u6f22') == 2);
  CATCH_CHECK(TerminalColumns(U'\U0001f3ac') == 2);
  CATCH_CHECK(TerminalColumns(U'\u0301') == 0);
}

CATCH_TEST_CASE("names that differ in case or normal form alone have one caseless form") {
  CATCH_CHECK(CaselessForm("caf\u00e9.MP4") == CaselessForm("cafe\u0301.mp4"));
  CATCH_CHECK(CaselessForm("cafe.mp4") != CaselessForm("caf\u00e9.mp4"));
  CATCH_CHECK(CaselessForm("\xff.mp4") == "\xff.mp4");
}

}  // namespace
}  // namespace interceptor
