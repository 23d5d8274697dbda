#include "worker/prepare/archive.h"

#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

std::string WriteZip(const ScratchFolder& folder, const std::string& bytes) {
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bytes).ok());
  return path;
}

CATCH_TEST_CASE("entries are listed in order of their paths and read whole") {
  const ScratchFolder folder;
  auto archive = Archive::Open(WriteZip(folder, RawZip({{.name = "b/x.mp4", .bytes = "second"},
                                                        {.name = "b/", .bytes = ""},
                                                        {.name = "a.txt", .bytes = "first"}})));
  CATCH_INFO(Message(archive.status()));
  CATCH_REQUIRE(archive.ok());
  const auto entries = (*archive)->entries();
  CATCH_REQUIRE(entries.size() == 2);
  CATCH_CHECK(entries[0].path == "a.txt");
  CATCH_CHECK(entries[1].path == "b/x.mp4");
  CATCH_CHECK(*(*archive)->Read(entries[1]) == "second");
  CATCH_CHECK(*(*archive)->Read(entries[0]) == "first");
  CATCH_CHECK((*archive)->Read(entries[0], 4).status().code() == absl::StatusCode::kResourceExhausted);
}

CATCH_TEST_CASE("an unsafe entry refuses the whole zip and is named") {
  struct Case {
    RawZipEntry entry;
    const char* named;
  };
  const Case cases[] = {
      {{.name = "/etc/passwd", .bytes = ""}, "absolute"},
      {{.name = "../evil.mp4", .bytes = ""}, "'..'"},
      {{.name = "a/../../evil.mp4", .bytes = ""}, "'..'"},
      {{.name = "a/..", .bytes = ""}, "'..'"},
      {{.name = "a//b.mp4", .bytes = ""}, "leads elsewhere"},
      {{.name = "./a.mp4", .bytes = ""}, "leads elsewhere"},
      {{.name = "..\\evil.mp4", .bytes = ""}, "has a '\\'"},
      {{.name = "a\\b.mp4", .bytes = ""}, "Compress-Archive"},
      {{.name = "C:evil.mp4", .bytes = ""}, "has a ':'"},
      {{.name = "a\nb.mp4", .bytes = ""}, "control"},
      {{.name = "a\x7f.mp4", .bytes = ""}, "control"},
      {{.name = "a\xc0\xaf.mp4", .bytes = ""}, "UTF-8"},
      {{.name = std::string(300, 'a'), .bytes = ""}, "over 255"},
      {{.name = "link.mp4", .bytes = "/etc/passwd", .unix_mode = 0120777}, "link"},
      {{.name = "secret.mp4", .bytes = "0123456789abc", .flags = 1}, "encrypted"},
      {{.name = "odd.mp4", .bytes = "x", .method = 12}, "method 12"},
  };
  for (const Case& c : cases) {
    const ScratchFolder folder;
    const std::string path = WriteZip(folder, RawZip({{.name = "good.mp4", .bytes = "x"}, c.entry}));
    const absl::Status status = Archive::Open(path).status();
    CATCH_INFO(c.named << " -> " << Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(c.named) != std::string::npos);
    CATCH_CHECK(Message(status).find(path) == 0);
  }
}

CATCH_TEST_CASE("a name that stands twice, also in another case, is refused") {
  for (const char* twin : {"a/x.mp4", "A/X.mp4"}) {
    const ScratchFolder folder;
    const std::string path =
        WriteZip(folder, RawZip({{.name = "a/x.mp4", .bytes = "1"}, {.name = twin, .bytes = "2"}}));
    const absl::Status status = Archive::Open(path).status();
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find("stands twice") != std::string::npos);
  }
}

CATCH_TEST_CASE("a zip cut anywhere is told apart from an absent one") {
  const ScratchFolder folder;
  const std::string whole = RawZip({{.name = "a.mp4", .bytes = std::string(200, 'a')}});
  for (size_t size = 0; size < whole.size(); size += 5) {
    const std::string path = WriteZip(folder, whole.substr(0, size));
    const absl::Status status = Archive::Open(path).status();
    CATCH_INFO("size " << size << ": " << Message(status));
    CATCH_REQUIRE(status.code() == absl::StatusCode::kDataLoss);
    CATCH_REQUIRE(Message(status).find("copy it again") != std::string::npos);
    CATCH_REQUIRE(Message(status).find(path) == 0);
  }
  CATCH_CHECK(Archive::Open(folder.File("absent.zip")).status().code() == absl::StatusCode::kNotFound);
}

CATCH_TEST_CASE("one damaged entry leaves the others readable") {
  const ScratchFolder folder;
  const RawZipEntry good{.name = "good.mp4", .bytes = std::string(5000, 'g')};
  const RawZipEntry bad{.name = "bad.mp4", .bytes = std::string(5000, 'b'), .wrong_checksum = true};
  auto archive = Archive::Open(WriteZip(folder, RawZip({good, bad})));
  CATCH_REQUIRE(archive.ok());
  const auto entries = (*archive)->entries();
  CATCH_CHECK((*archive)->Read(entries[0]).status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK((*archive)->Read(entries[1])->size() == 5000);
}

CATCH_TEST_CASE("a damaged local header is that entry's fault alone") {
  const ScratchFolder folder;
  std::string bytes = RawZip({{.name = "bad.mp4", .bytes = "1"}, {.name = "good.mp4", .bytes = "2"}});
  constexpr size_t kNameSizeField = 26;
  bytes[kNameSizeField] = 9;
  auto archive = Archive::Open(WriteZip(folder, bytes));
  CATCH_REQUIRE(archive.ok());
  CATCH_CHECK((*archive)->Read((*archive)->entries()[0]).status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK(*(*archive)->Read((*archive)->entries()[1]) == "2");
}

CATCH_TEST_CASE("libzip reads the directory that was judged, whatever byte of a zip is another one") {
  const ScratchFolder folder;
  const std::string whole =
      RawZip({{.name = "a.mp4", .bytes = "first"}, {.name = "b.mp4", .bytes = "second"}});
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int bits : {1, 2, 4, 128, 255}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      const std::string path = WriteZip(folder, bytes);
      const auto directory = ReadZipDirectory(**SystemFiles().Open(path, OpenMode::kRead));
      const absl::Status status = Archive::Open(path).status();
      CATCH_INFO("byte " << at << " ^ " << bits << ": " << Message(status));
      CATCH_CHECK(Message(status).find("libzip") == std::string::npos);
      if (!directory.ok()) CATCH_CHECK(status.code() == directory.status().code());
    }
  }
}

CATCH_TEST_CASE("names that are one to libzip's hash are refused before libzip compares them") {
  std::vector<RawZipEntry> entries(6000);
  for (size_t i = 0; i < entries.size(); ++i) {
    for (int bit = 0; bit < 13; ++bit) entries[i].name += (i >> bit & 1) != 0 ? "aB" : "b!";
  }
  const ScratchFolder folder;
  const absl::Status status = Archive::Open(WriteZip(folder, RawZip(entries))).status();
  CATCH_CHECK(absl::IsInvalidArgument(status));
  CATCH_CHECK(Message(status).find("one hash") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
