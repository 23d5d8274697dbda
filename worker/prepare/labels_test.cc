#include "worker/prepare/labels.h"

#include <map>
#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"
#include "worker/prepare/label_sources.h"

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

absl::StatusOr<GateReport> Gate(const std::vector<RawZipEntry>& entries,
                                const PreparationSettings& settings = {}, const std::string* csv = nullptr) {
  const ScratchFolder folder;
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawZip(entries)).ok());
  auto archive = Archive::Open(path);
  CATCH_REQUIRE(archive.ok());
  return PassDataGate(**archive, settings, csv == nullptr ? std::nullopt : std::optional(*csv));
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
      {R"({"f.mp4": {"label": "FAKE", "original": "NaN"}})", "names no \"original\" but \"NaN\""},
      {R"({"f.mp4": {"label": "FAKE", "original": "f.mp4"}})",
       "the originals of 'f.mp4' lead round in a circle"},
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
    return PassDataGate(archive, {}, std::nullopt).status();
  };
  CheckRefused(refusal(12, 11 << 20), "metadata.json files (12) have more than 33554432 bytes together");
  CheckRefused(refusal(3, int64_t{1} << 62), "more than 33554432 bytes together");
  CheckRefused(refusal(10001, 2), "10001 metadata.json files; at most 10000 are read");
}

std::map<std::string, std::string> Families(const absl::StatusOr<GateReport>& report) {
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  std::map<std::string, std::string> families;
  for (const LabelledClip& clip : report->clips) families[clip.name] = clip.original;
  return families;
}

CATCH_TEST_CASE("a REAL whose original is no REAL of the chunk is of no other's family, and that is said") {
  // What pandas and others write for nothing, and names that are nothing's.
  for (const std::string original : {"", "NaN", "nan", "None", "null", "N/A", "r.mp4", "f.mp4", "gone.mp4"}) {
    const auto report = Gate(Sample(R"({"r.mp4": {"label": "REAL", "original": ")" + original +
                                    R"("}, "f.mp4": {"label": "FAKE", "original": "r.mp4"},
                                    "g.mp4": {"label": "REAL", "original": ")" +
                                    original + R"("}})"));
    CATCH_INFO(original);
    const bool is_clip = original == "r.mp4";
    CATCH_CHECK(Families(report) ==
                std::map<std::string, std::string>{
                    {"r.mp4", "r.mp4"}, {"f.mp4", "r.mp4"}, {"g.mp4", is_clip ? "r.mp4" : "g.mp4"}});
    CATCH_REQUIRE(report->notes.size() == (original.empty() ? 0 : 1));
    if (original == "NaN") {
      CATCH_CHECK(
          report->notes[0] ==
          "2 clips name nothing or itself as original (g.mp4 of NaN, r.mp4 of NaN): ignored, each is of "
          "no other's family");
    }
    if (original == "f.mp4" || original == "gone.mp4") {
      CATCH_CHECK(report->notes[0].find("2 REAL clips name an original that is FAKE or not in the chunk") ==
                  0);
    }
  }
}

CATCH_TEST_CASE("a FAKE of a FAKE is of that one's family, and that is said") {
  const auto report = Gate(Sample(R"({"r.mp4": {"label": "REAL"},
      "f.mp4": {"label": "FAKE", "original": "r.mp4"}, "g.mp4": {"label": "FAKE", "original": "f.mp4"}})"));
  CATCH_CHECK(Families(report).at("g.mp4") == "r.mp4");
  CATCH_CHECK(report->notes ==
              std::vector<std::string>{"1 FAKE clip names another FAKE as original (g.mp4 of "
                                       "f.mp4): each is of that one's family"});
}

CATCH_TEST_CASE("a CSV's clips without an original are no family of each other") {
  const std::string csv = "clip,label,original\nr.mp4,REAL,NaN\nf.mp4,FAKE,NaN\ng.mp4,FAKE,None\n";
  const auto report = Gate(Sample(kMetadata), {}, &csv);
  CATCH_CHECK(Families(report) ==
              std::map<std::string, std::string>{{"r.mp4", "r.mp4"}, {"f.mp4", "f.mp4"}, {"g.mp4", "g.mp4"}});
  CATCH_CHECK(report->notes.size() == 1);
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

CATCH_TEST_CASE(
    "a metadata.json in another folder or by another case is named as the cause, with the remedy") {
  CheckRefused(Gate({{.name = "metadata.json", .bytes = kMetadata},
                     {.name = "clips/r.mp4", .bytes = "a"},
                     {.name = "clips/f.mp4", .bytes = "b"}})
                   .status(),
               "2 of these clips lie in another folder than the labels say (clips/f.mp4, labelled as f.mp4, "
               "clips/r.mp4, labelled as r.mp4): move metadata.json beside its clips");
  CheckRefused(
      Gate({{.name = "Metadata.JSON", .bytes = kMetadata}, {.name = "r.mp4", .bytes = "a"}}).status(),
      "the zip has 'Metadata.JSON'; rename it to lower case");
}

CATCH_TEST_CASE("names that differ in case or Unicode form alone are no match, and the refusal says so") {
  // "é" as one character in the labels and as two in the zip, as macOS writes it.
  const std::string labels =
      "{\"caf\u00e9.mp4\": {\"label\": \"REAL\"}, \"F.mp4\": {\"label\": \"FAKE\", "
      "\"original\": \"caf\u00e9.mp4\"}}";
  const std::vector<RawZipEntry> entries = {{.name = "metadata.json", .bytes = labels},
                                            {.name = "cafe\u0301.mp4", .bytes = "a"},
                                            {.name = "f.mp4", .bytes = "b"}};
  CheckRefused(Gate(entries).status(),
               "2 of these names differ from a label in letter case or Unicode normal form alone");
  const std::string csv = "clip,label,original\nF.MP4,FAKE,x.mp4\ncafe\u0301.mp4,REAL,\n";
  CheckRefused(Gate(entries, {.unmatched_share_max = 0}, &csv).status(),
               "(f.mp4 and F.MP4): write both alike");
}

CATCH_TEST_CASE("what is not decoded is named apart from what has no label") {
  auto entries = Sample(kMetadata);
  entries.push_back({.name = "dfdc_train_part_0/x.flv", .bytes = "x"});
  entries.push_back({.name = "dfdc_train_part_0/y.mp4", .bytes = "y"});
  const absl::Status status = Gate(entries, {.unmatched_share_max = 0}).status();
  CheckRefused(status, "1 clip without a label: y.mp4 (y.mp4: metadata.json does not name it)");
  CheckRefused(status, "1 file is of a kind that is not decoded: x.flv (convert it, with its label)");
}

CATCH_TEST_CASE("an original that is a clip but for its spelling would be another family, and is refused") {
  const std::string labels =
      R"({"r.mp4": {"label": "REAL"}, "f.mp4": {"label": "FAKE", "original": "R.mp4"}})";
  CheckRefused(Gate({{.name = "metadata.json", .bytes = labels},
                     {.name = "r.mp4", .bytes = "a"},
                     {.name = "f.mp4", .bytes = "b"}})
                   .status(),
               "(f.mp4 of R.mp4, a clip as r.mp4): write each \"original\" as the clip is named");
}

CATCH_TEST_CASE("a byte-order mark before the plan's CSV is no part of it") {
  const std::string csv =
      "\xEF\xBB\xBF"
      "clip,label,original\nr.mp4,REAL,\nf.mp4,FAKE,r.mp4\ng.mp4,REAL,\n";
  const auto report = Gate(Sample(kMetadata), {}, &csv);
  CATCH_INFO(Message(report.status()));
  CATCH_CHECK(report.ok());
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

CATCH_TEST_CASE("a CSV that names clips by path keeps families together, however it names the originals") {
  const std::string csv =
      "clip,label,original\ndfdc_train_part_0/r.mp4,REAL,\ndfdc_train_part_0/f.mp4,FAKE,r.mp4\n"
      "g.mp4,FAKE,dfdc_train_part_0/r.mp4\n";
  CATCH_CHECK(Families(Gate(Sample(kMetadata), {}, &csv)) ==
              std::map<std::string, std::string>{{"dfdc_train_part_0/r.mp4", "dfdc_train_part_0/r.mp4"},
                                                 {"dfdc_train_part_0/f.mp4", "dfdc_train_part_0/r.mp4"},
                                                 {"g.mp4", "dfdc_train_part_0/r.mp4"}});
}

CATCH_TEST_CASE("where a CSV names paths, one file name in two folders is two clips") {
  const std::vector<RawZipEntry> entries = {{.name = "a/1.mp4", .bytes = "x"},
                                            {.name = "a/2.mp4", .bytes = "y"},
                                            {.name = "b/1.mp4", .bytes = "z"},
                                            {.name = "b/2.mp4", .bytes = "w"},
                                            {.name = "c/3.mp4", .bytes = "v"}};
  std::string csv =
      "clip,label,original\na/1.mp4,REAL,\na/2.mp4,FAKE,1.mp4\nb/1.mp4,REAL,\nb/2.mp4,FAKE,b/1.mp4\n"
      "3.mp4,FAKE,2.mp4\n";
  // In which folder is the original of c/3.mp4?
  CheckRefused(Gate(entries, {.unmatched_share_max = 0}, &csv).status(), "1 clip without a label: 3.mp4");
  csv.replace(csv.rfind("2.mp4"), 5, "b/1.mp4");
  const auto families = Families(Gate(entries, {}, &csv));
  CATCH_CHECK(families.at("a/2.mp4") == "a/1.mp4");
  CATCH_CHECK(families.at("b/2.mp4") == "b/1.mp4");
  CATCH_CHECK(families.at("3.mp4") == "b/1.mp4");
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
  const auto report = Gate(entries);
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->notes.empty());
}

CATCH_TEST_CASE("what macOS, Windows and file servers put beside clips is left out and counted") {
  const char* names[] = {"__MACOSX/dfdc_train_part_0/._r.mp4",
                         "dfdc_train_part_0/._r.mp4",
                         "dfdc_train_part_0/.DS_Store",
                         "dfdc_train_part_0/Thumbs.db",
                         "dfdc_train_part_0/Desktop.ini",
                         "dfdc_train_part_0/@eaDir/r.mp4/SYNOVIDEO_VIDEO_SCREENSHOT.jpg",
                         ".Spotlight-V100/x.mp4",
                         ".Trashes/501/x.mp4",
                         ".Trash-1000/files/metadata.json"};
  auto entries = Sample(kMetadata);
  for (const char* name : names) entries.push_back({.name = name, .bytes = "x"});
  const auto report = Gate(entries);
  CATCH_INFO(Message(report.status()));
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->clips.size() == 3);
  CATCH_REQUIRE(report->notes.size() == 1);
  CATCH_CHECK(report->notes[0].find("9 files (") == 0);
  // A list of a folder's files made labels of them, too.
  std::string metadata = kMetadata;
  metadata.insert(1, R"("._r.mp4": {"label": "REAL"}, ".DS_Store": {"label": "REAL"},)");
  entries[0].bytes = metadata;
  CATCH_CHECK(Gate(entries, {.unmatched_share_max = 0}).ok());
}

}  // namespace
}  // namespace interceptor::worker
