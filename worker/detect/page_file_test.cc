#include "worker/detect/page_file.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/judged_clip.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a page's name is safe, says which video, and differs by the path") {
  CATCH_CHECK(PageName("a/clip.mp4").starts_with("clip.mp4-"));
  CATCH_CHECK(PageName("a/clip.mp4").size() == std::string("clip.mp4-").size() + 12 + 5);
  CATCH_CHECK(PageName("a/clip.mp4") != PageName("b/clip.mp4"));
  CATCH_CHECK(PageName("-").starts_with("stdin-"));
  for (const std::string& hostile : {std::string("x/..\\<b>\"&'\n \xff.mp4"), std::string("x/.hidden"),
                                     std::string("x/-rf"), "x/" + std::string(400, 'n')}) {
    const std::string name = PageName(hostile);
    CATCH_INFO(name);
    CATCH_CHECK(std::ranges::all_of(name, [](unsigned char letter) {
      return absl::ascii_isalnum(letter) || letter == '.' || letter == '_' || letter == '-';
    }));
    CATCH_CHECK_FALSE((name.starts_with('.') || name.starts_with('-')));
    CATCH_CHECK((name.size() < 120 && name.ends_with(".html")));
  }
}

CATCH_TEST_CASE("a page is written whole, and one that cannot be is named") {
  const ScratchFolder folder;
  const JudgedClip judged;
  const std::string line = judged.Line({1, 2});
  CATCH_REQUIRE(WritePage(SystemFiles(), folder.File(""), "a/b.mp4", line, judged.bundle, &judged.clip).ok());
  const auto page = ReadWholeFile(SystemFiles(), folder.File(PageName("a/b.mp4")));
  CATCH_REQUIRE(page.ok());
  CATCH_CHECK(page->ends_with("</html>\n"));
  const absl::Status lost =
      WritePage(SystemFiles(), folder.File("gone"), "a/b.mp4", line, judged.bundle, &judged.clip);
  CATCH_CHECK_THAT(Message(lost),
                   Catch::Matchers::ContainsSubstring(PageName("a/b.mp4") + " was not written"));
}

}  // namespace
}  // namespace interceptor::worker
