#include "worker/prepare/labels.h"

#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

constexpr char kMetadata[] = R"({
  "r.mp4": {"label": "REAL", "split": "train", "original": null},
  "f.mp4": {"label": "FAKE", "split": "train", "original": "r.mp4"},
  "g.mp4": {"label": "FAKE", "split": "train", "original": "elsewhere.mp4"}})";

std::vector<RawZipEntry> Sample(const std::string& metadata) {
  return {{.name = "dfdc_train_part_0/metadata.json", .bytes = metadata},
          {.name = "dfdc_train_part_0/r.mp4", .bytes = "r"},
          {.name = "dfdc_train_part_0/f.mp4", .bytes = "f"},
          {.name = "dfdc_train_part_0/g.mp4", .bytes = "g"}};
}

absl::StatusOr<GateReport> Gate(const std::vector<RawZipEntry>& entries, const GateRules& rules = {},
                                const std::string* csv = nullptr) {
  const ScratchFolder folder;
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawZip(entries)).ok());
  auto archive = Archive::Open(path);
  CATCH_REQUIRE(archive.ok());
  return PassDataGate(**archive, rules, csv);
}

void CheckRefused(const absl::Status& status, const std::string& named) {
  CATCH_INFO(named << " -> " << Message(status));
  CATCH_CHECK((absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status)));
  CATCH_CHECK(Message(status).find(named) != std::string::npos);
  CATCH_CHECK(Message(status).find("00.zip") != std::string::npos);
}

CATCH_TEST_CASE("metadata.json labels clips by exact key and families by the original, present or not") {
  const auto report = Gate(Sample(kMetadata));
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  CATCH_REQUIRE(report->clips.size() == 3);
  CATCH_CHECK(report->clips[0].name == "f.mp4");
  CATCH_CHECK(report->clips[0].label == Label::kFake);
  CATCH_CHECK(report->clips[0].original == "r.mp4");
  CATCH_CHECK(report->clips[1].original == "elsewhere.mp4");
  CATCH_CHECK(report->clips[2].name == "r.mp4");
  CATCH_CHECK(report->clips[2].label == Label::kReal);
  CATCH_CHECK(report->clips[2].original == "r.mp4");
  CATCH_CHECK(report->reals == 1);
  CATCH_CHECK(report->fakes == 2);
}

CATCH_TEST_CASE("the gate says what was found, what was expected and what the sampler will do") {
  const auto report = Gate(Sample(kMetadata));
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(
      report->text ==
      "1 REAL and 2 FAKE: 66.7 % fake where the plan expects 50.0 %. The sampler takes every FAKE once an "
      "epoch and every REAL about 2.0 times, so that each batch is half real and half fake.");
}

CATCH_TEST_CASE("several folders bring their own metadata") {
  auto entries = Sample(kMetadata);
  entries.push_back({.name = "dfdc_train_part_1/metadata.json", .bytes = R"({"s.mp4": {"label": "REAL"}})"});
  entries.push_back({.name = "dfdc_train_part_1/s.mp4", .bytes = "s"});
  const auto report = Gate(entries);
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->reals == 2);
}

CATCH_TEST_CASE("what the metadata gets wrong is refused by name") {
  const char* cases[][2] = {
      {"{", "metadata.json"},
      {"[]", "metadata.json"},
      {R"({"r.mp4": 7})", "\"r.mp4\" is not an object"},
      {R"({"r.mp4": {"split": "train"}})", "\"r.mp4\" has no \"label\""},
      {R"({"r.mp4": {"label": "real"}})", "it must be REAL or FAKE"},
      {R"({"f.mp4": {"label": "FAKE"}})", "names no \"original\""},
      {R"({"r.mp4": {"label": "REAL"}, "r.mp4": {"label": "FAKE"}})", "r.mp4"},
      {R"({"f.mp4": {"label": "FAKE", "original": "g.mp4"}, "g.mp4": {"label": "FAKE", "original": "f.mp4"}})",
       "circle"},
  };
  for (const auto& c : cases) CheckRefused(Gate(Sample(c[0]), {.unmatched_share_max = 1}).status(), c[1]);
}

// An archive of which nothing may be read.
class UnreadArchive final : public Archive {
 public:
  explicit UnreadArchive(std::vector<ArchiveEntry> entries) : entries_(std::move(entries)) {}
  std::span<const ArchiveEntry> entries() const override { return entries_; }
  const std::string& path() const override { return path_; }
  absl::StatusOr<std::string> Read(const ArchiveEntry& entry, int64_t) override {
    CATCH_FAIL(entry.path << " is read");
    return std::string();
  }

 private:
  const std::string path_ = "00.zip";
  const std::vector<ArchiveEntry> entries_;
};

CATCH_TEST_CASE("metadata of more bytes or files than are read is refused before any is read") {
  const auto refusal = [](int files, int64_t bytes_each) {
    std::vector<ArchiveEntry> entries;
    for (int i = 0; i < files; ++i) {
      entries.push_back({.path = std::to_string(i) + "/metadata.json", .size_bytes = bytes_each});
    }
    UnreadArchive archive(std::move(entries));
    return PassDataGate(archive, {}, nullptr).status();
  };
  CheckRefused(refusal(12, 11 << 20), "metadata.json files (12) have more than 33554432 bytes together");
  CheckRefused(refusal(3, int64_t{1} << 62), "more than 33554432 bytes together");
  CheckRefused(refusal(10001, 2), "10001 metadata.json files; at most 10000 are read");
}

CATCH_TEST_CASE("a chunk without any labels is refused, never guessed") {
  CheckRefused(Gate({{.name = "a.mp4", .bytes = "a"}, {.name = "fake_b.mp4", .bytes = "b"}}).status(),
               "no metadata.json");
}

CATCH_TEST_CASE("a chunk of one class is refused") {
  CheckRefused(Gate({{.name = "metadata.json", .bytes = R"({"a.mp4": {"label": "REAL"}})"},
                     {.name = "a.mp4", .bytes = "a"}})
                   .status(),
               "one class only: 1 REAL and 0 FAKE");
}

CATCH_TEST_CASE("names that do not match by exact key are refused past the plan's limit") {
  // Same letters, other case: not the same key.
  const std::string metadata =
      R"({"R.mp4": {"label": "REAL"}, "f.mp4": {"label": "FAKE", "original": "r.mp4"},
          "g.mp4": {"label": "FAKE", "original": "r.mp4"}, "s.mp4": {"label": "REAL"}})";
  auto entries = Sample(metadata);
  entries.push_back({.name = "dfdc_train_part_0/s.mp4", .bytes = "s"});
  CheckRefused(Gate(entries).status(), "2 of 5 names do not match");
  const auto allowed = Gate(entries, {.unmatched_share_max = 0.4});
  CATCH_REQUIRE(allowed.ok());
  CATCH_CHECK(allowed->clips.size() == 3);
  CATCH_CHECK(allowed->unlabelled.at("r.mp4") == "no label: metadata.json does not name it");
}

CATCH_TEST_CASE(
    "one bad clip does not refuse a small chunk, and none is allowed where the plan allows none") {
  CATCH_CHECK(UnmatchedMax(30, 0.01) == 1);
  CATCH_CHECK(UnmatchedMax(1000, 0.01) == 10);
  CATCH_CHECK(UnmatchedMax(30, 0) == 0);
}

CATCH_TEST_CASE("one clip name in two folders is refused") {
  auto entries = Sample(kMetadata);
  entries.push_back({.name = "b/metadata.json", .bytes = R"({"r.mp4": {"label": "REAL"}})"});
  entries.push_back({.name = "b/r.mp4", .bytes = "r"});
  CheckRefused(Gate(entries).status(), "'r.mp4' stands twice");
}

CATCH_TEST_CASE("folders named real and fake are labels, and one file name may stand in both") {
  const auto report =
      Gate({{.name = "set/real/1.mp4", .bytes = "a"}, {.name = "set/fake/1.mp4", .bytes = "b"}});
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->clips[0].name == "set/fake/1.mp4");
  CATCH_CHECK(report->clips[0].label == Label::kFake);
  CATCH_CHECK(report->clips[0].original == "set/fake/1.mp4");
  CATCH_CHECK(report->clips[1].label == Label::kReal);
  CheckRefused(Gate({{.name = "real/1.mp4", .bytes = "a"},
                     {.name = "fake/1.mp4", .bytes = "b"},
                     {.name = "real/fake/2.mp4", .bytes = "c"},
                     {.name = "3.mp4", .bytes = "d"}})
                   .status(),
               "2 clips without a label");
}

CATCH_TEST_CASE("the plan's CSV stands above the chunk's own labels") {
  const std::string csv =
      "clip,label,original\nr.mp4,FAKE,x.mp4\r\nf.mp4,REAL,\n\ng.mp4,REAL,\nother.mp4,REAL,\n";
  const auto report = Gate(Sample(kMetadata), {}, &csv);
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->reals == 2);
  CATCH_CHECK(report->clips[2].label == Label::kFake);
  CATCH_CHECK(report->clips[2].original == "x.mp4");
}

CATCH_TEST_CASE("a CSV that names clips by path keeps families together") {
  const std::string csv =
      "clip,label,original\ndfdc_train_part_0/r.mp4,REAL,\ndfdc_train_part_0/f.mp4,FAKE,dfdc_train_part_0/"
      "r.mp4\n"
      "g.mp4,FAKE,dfdc_train_part_0/r.mp4\n";
  const auto report = Gate(Sample(kMetadata), {}, &csv);
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  for (const LabelledClip& clip : report->clips) CATCH_CHECK(clip.original == "r.mp4");
}

CATCH_TEST_CASE("a malformed CSV is refused by line") {
  const char* cases[][2] = {{"", "no lines"},
                            {"clip,label\n", "line 1"},
                            {"clip,label,original\na.mp4,REAL\n", "line 2"},
                            {"clip,label,original\na.mp4,REAL,,\n", "line 2"},
                            {"clip,label,original\na.mp4,real,\n", "line 2"},
                            {"clip,label,original\n,REAL,\n", "line 2"},
                            {"clip,label,original\n\"a\",REAL,\n", "line 2"},
                            {"clip,label,original\na.mp4,REAL,\na.mp4,REAL,\n", "line 3"}};
  for (const auto& c : cases) {
    const absl::Status status = ParseLabelsCsv(c[0]).status();
    CATCH_INFO(c[1] << " -> " << Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(c[1]) != std::string::npos);
  }
}

CATCH_TEST_CASE("media that are not decoded are told, not passed over") {
  auto entries = Sample(kMetadata);
  entries.push_back({.name = "dfdc_train_part_0/old.MPG", .bytes = "x"});
  const auto report = Gate(entries, {.unmatched_share_max = 0.5});
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  CATCH_REQUIRE(report->unlabelled.count("old.MPG") == 1);
  CATCH_CHECK(report->unlabelled.at("old.MPG").find("not decoded") != std::string::npos);
}

CATCH_TEST_CASE("what is no clip is left alone") {
  auto entries = Sample(kMetadata);
  entries.push_back({.name = "dfdc_train_part_0/README.txt", .bytes = "x"});
  entries.push_back({.name = "__MACOSX/dfdc_train_part_0/._r.mp4", .bytes = "x"});
  CATCH_CHECK(Gate(entries).ok());
}

}  // namespace
}  // namespace interceptor::worker
