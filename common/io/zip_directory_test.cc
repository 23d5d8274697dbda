#include "common/io/zip_directory.h"

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/raw_zip.h"

namespace interceptor {
namespace {

// A file in memory; reads fail from `fails_at` on.
class TextFile : public File {
 public:
  explicit TextFile(std::string text, int64_t fails_at = -1) : text_(std::move(text)), fails_at_(fails_at) {}

  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const override {
    if (fails_at_ >= 0 && offset + size > fails_at_) return Internal("cannot read: Input/output error");
    if (offset >= static_cast<int64_t>(text_.size())) return std::string();
    return text_.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
  }
  absl::StatusOr<int64_t> Size() const override { return static_cast<int64_t>(text_.size()); }
  absl::Status WriteAt(int64_t, std::string_view) override { return absl::UnimplementedError(""); }
  absl::Status Truncate(int64_t) override { return absl::UnimplementedError(""); }
  absl::Status Sync() override { return absl::UnimplementedError(""); }
  absl::Status Lock() override { return absl::UnimplementedError(""); }

 private:
  const std::string text_;
  const int64_t fails_at_;
};

absl::StatusOr<std::vector<ZipEntry>> Read(const std::string& zip) { return ReadZipDirectory(TextFile(zip)); }

absl::StatusCode CodeOf(const std::string& zip) { return Read(zip).status().code(); }

constexpr size_t kEndBytes = 22;

std::string Sample() {
  return RawZip({{.name = "a.mp4", .bytes = "first"}, {.name = "b/c.mp4", .bytes = "second"}});
}

void SetNumber(std::string& text, size_t at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) text[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i));
}

uint64_t NumberAt(const std::string& text, size_t at, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | static_cast<uint8_t>(text[at + static_cast<size_t>(i)]);
  return value;
}

std::string WithComment(std::string zip, const std::string& comment) {
  SetNumber(zip, zip.size() - 2, comment.size(), 2);
  return zip + comment;
}

// Puts a zip64 record and its locator before the end record, which keeps its numbers.
std::string WithEnd64(const std::string& zip, uint64_t more_entries = 0) {
  const std::string end = zip.substr(zip.size() - kEndBytes);
  std::string record = "PK\6\6" + std::string(52, '\0');
  SetNumber(record, 4, 44, 8);
  for (const size_t at : {24, 32}) SetNumber(record, at, NumberAt(end, 10, 2) + more_entries, 8);
  SetNumber(record, 40, NumberAt(end, 12, 4), 8);
  SetNumber(record, 48, NumberAt(end, 16, 4), 8);
  std::string locator = "PK\6\7" + std::string(16, '\0');
  SetNumber(locator, 8, zip.size() - kEndBytes, 8);
  SetNumber(locator, 16, 1, 4);
  return zip.substr(0, zip.size() - kEndBytes) + record + locator + end;
}

CATCH_TEST_CASE("entries come in the directory's order with all that it says") {
  const auto entries = Read(Sample());
  CATCH_INFO(Message(entries.status()));
  CATCH_REQUIRE(entries.ok());
  CATCH_REQUIRE(entries->size() == 2);
  const ZipEntry& second = entries->at(1);
  CATCH_CHECK(second.name == "b/c.mp4");
  CATCH_CHECK(second.size_bytes == 6);
  CATCH_CHECK(second.packed_bytes == 6);
  CATCH_CHECK(second.checksum == RawZipChecksum("second"));
  CATCH_CHECK(second.method == 0);
  CATCH_CHECK(second.system == 3);
  CATCH_CHECK(second.attributes >> 16 == 0100644);
  CATCH_CHECK(Read(RawZip({}))->empty());
}

CATCH_TEST_CASE("a zip cut anywhere is cut short, and no zip at all too") {
  const std::string zip = WithComment(Sample(), "a comment");
  CATCH_CHECK(CodeOf(zip) == absl::StatusCode::kOk);
  for (size_t bytes = 0; bytes < zip.size(); ++bytes) {
    CATCH_INFO("cut to " << bytes);
    CATCH_CHECK(CodeOf(zip.substr(0, bytes)) == absl::StatusCode::kDataLoss);
  }
  CATCH_CHECK(CodeOf("no zip at all, but long enough to be one") == absl::StatusCode::kDataLoss);
}

CATCH_TEST_CASE("a zip64 record counts whether the end record has true numbers or none") {
  const std::string zip = WithEnd64(Sample());
  CATCH_CHECK(Read(zip)->size() == 2);
  std::string full = zip;
  for (const auto& [at, bytes] : {std::pair(8, 2), {10, 2}, {12, 4}, {16, 4}}) {
    SetNumber(full, zip.size() - kEndBytes + static_cast<size_t>(at), 0xffffffff, bytes);
  }
  CATCH_CHECK(Read(full)->size() == 2);
  const absl::Status status = Read(WithEnd64(Sample(), 1)).status();
  CATCH_CHECK(absl::IsInvalidArgument(status));
  CATCH_CHECK(Message(status).find("two end records") != std::string::npos);
}

CATCH_TEST_CASE("what looks like an end record in a comment, behind the end or in an entry is none") {
  const std::string empty_zip = RawZip({});
  CATCH_CHECK(Read(WithComment(Sample(), "see PK\5\6 in the manual"))->size() == 2);
  CATCH_CHECK(Read(WithComment(Sample(), Sample()))->size() == 2);
  CATCH_CHECK(Read(Sample() + std::string(1000, '\0'))->size() == 2);
  CATCH_CHECK(
      Read(RawZip({{.name = "a.mp4", .bytes = "first"}, {.name = "b.zip", .bytes = empty_zip}}))->size() ==
      2);
  CATCH_CHECK(absl::IsInvalidArgument(Read(WithComment(Sample(), empty_zip)).status()));
}

CATCH_TEST_CASE("bytes before a zip whose offsets do not count them are named") {
  const absl::Status status = Read(std::string(100, 'x') + Sample()).status();
  CATCH_CHECK(absl::IsInvalidArgument(status));
  CATCH_CHECK(Message(status).find("100 bytes behind") != std::string::npos);
}

CATCH_TEST_CASE("entries that are made to deceive are refused by name") {
  constexpr size_t kSize = 24, kPacked = 20, kExtra = 30, kDisk = 34, kOffset = 42;
  const auto changed = [](size_t field, uint64_t value) {
    std::string zip = Sample();
    SetNumber(zip, zip.rfind("PK\1\2") + field, value, field == kExtra || field == kDisk ? 2 : 4);
    return zip;
  };
  std::string nul = Sample();
  nul[nul.rfind("c.mp4")] = '\0';
  std::string extra = RawZip({{.name = "b/c.mp4\1\1\xff\xff", .bytes = "second"}});
  SetNumber(extra, extra.rfind("PK\1\2") + 28, 7, 2);
  SetNumber(extra, extra.rfind("PK\1\2") + kExtra, 4, 2);
  const std::pair<std::string, const char*> cases[] = {
      {changed(kOffset, 0), "overlap"},
      {changed(kPacked, 7), "reaches past the central directory"},
      {changed(kDisk, 5), "lies on disk 5"},
      {changed(kSize, 0xffffffff), "does not say its zip64 size"},
      {nul, "control character"},
      {extra, "extra field"}};
  for (const auto& [zip, words] : cases) {
    const absl::Status status = Read(zip).status();
    CATCH_INFO(words << " -> " << Message(status));
    CATCH_CHECK(absl::IsInvalidArgument(status));
    CATCH_CHECK(Message(status).find(words) != std::string::npos);
    CATCH_CHECK(Message(status).find("'b/") != std::string::npos);
    CATCH_CHECK(Message(status).find("pack its files again") != std::string::npos);
  }
}

CATCH_TEST_CASE("an error of the disk is told as one, wherever it comes") {
  const std::string zip = Sample();
  for (size_t at = 0; at < zip.size(); at += 7) {
    CATCH_CHECK(absl::IsInternal(ReadZipDirectory(TextFile(zip, static_cast<int64_t>(at))).status()));
  }
}

}  // namespace
}  // namespace interceptor
