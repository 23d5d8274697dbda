#include "worker/detect/videos.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("files stand as they are named, folders for the videos in and below them") {
  const ScratchFolder folder;
  CATCH_REQUIRE(SystemFiles().MakeFolder(folder.File("in/deep")).ok());
  for (const char* name : {"in/b.MP4", "in/a.mkv", "in/notes.txt", "in/deep/c.webm", "odd.bin"}) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File(name), "bytes").ok());
  }
  const auto found = FindVideos({folder.File("odd.bin"), folder.File("in"), "-"});
  CATCH_REQUIRE(found.ok());
  CATCH_CHECK(found->paths == std::vector<std::string>{folder.File("odd.bin"), folder.File("in/a.mkv"),
                                                       folder.File("in/b.MP4"), folder.File("in/deep/c.webm"),
                                                       "-"});
  CATCH_CHECK(found->skipped == 1);
  CATCH_CHECK(*ReadVideo(folder.File("odd.bin")) == "bytes");
}

CATCH_TEST_CASE("what is not there, holds no video or is empty is named") {
  const ScratchFolder folder;
  const absl::Status absent = FindVideos({folder.File("gone.mp4")}).status();
  CATCH_CHECK(absl::IsNotFound(absent));
  CATCH_CHECK_THAT(Message(absent), Catch::Matchers::ContainsSubstring("gone.mp4 is not there"));
  CATCH_REQUIRE(SystemFiles().MakeFolder(folder.File("empty")).ok());
  CATCH_CHECK_THAT(Message(FindVideos({folder.File("empty")}).status()),
                   Catch::Matchers::ContainsSubstring("holds no video"));
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("nothing.mp4"), "").ok());
  CATCH_CHECK_THAT(Message(ReadVideo(folder.File("nothing.mp4")).status()),
                   Catch::Matchers::ContainsSubstring("empty"));
}

}  // namespace
}  // namespace interceptor::worker
