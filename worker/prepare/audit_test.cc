#include "worker/prepare/audit.h"

#include "absl/strings/str_join.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_chunk.h"
#include "worker/prepare/estimate.h"

namespace interceptor::worker {
namespace {

using ::Catch::Matchers::ContainsSubstring;

struct Clip {
  std::string name;
  std::string bytes;
  std::string original = {};  // empty: a real one
};

void WriteChunk(const ScratchFolder& folder, const std::string& chunk, const std::vector<Clip>& clips) {
  std::vector<RawZipEntry> entries;
  std::vector<std::string> lines;
  for (const Clip& clip : clips) {
    entries.push_back({.name = clip.name, .bytes = clip.bytes});
    lines.push_back(clip.original.empty() ? "\"" + clip.name + "\": {\"label\": \"REAL\"}"
                                          : "\"" + clip.name + "\": {\"label\": \"FAKE\", \"original\": \"" +
                                                clip.original + "\"}");
  }
  entries.push_back({.name = "metadata.json", .bytes = "{" + absl::StrJoin(lines, ", ") + "}"});
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File(chunk + ".zip"), RawZip(entries)).ok());
}

FolderAudit Audit(const ScratchFolder& folder) {
  RunSettings settings;
  settings.evaluation.folds = 2;
  auto audit = AuditFolder(folder.path(), settings);
  CATCH_REQUIRE(audit.ok());
  return *std::move(audit);
}

CATCH_TEST_CASE("a folder whose chunks all pass is told as a table with the counts of each") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two", "a.mp4"}, {"c.mp4", "three", "a.mp4"}});
  WriteChunk(folder, "01", {{"d.mp4", "four"}, {"e.mp4", "five"}, {"f.mp4", "six", "d.mp4"}});
  const FolderAudit audit = Audit(folder);
  CATCH_CHECK(audit.Passed());
  CATCH_REQUIRE(audit.chunks.size() == 2);
  CATCH_CHECK(audit.chunks[0].families == 1);
  CATCH_CHECK(audit.chunks[1].families == 2);
  const std::string text = RenderAudit(audit);
  CATCH_CHECK_THAT(text, ContainsSubstring("66.7%"));
  CATCH_CHECK_THAT(text, ContainsSubstring("every chunk passes"));
}

CATCH_TEST_CASE("a face model that the settings name and the folder lacks does not pass") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two", "a.mp4"}, {"c.mp4", "three", "a.mp4"}});
  RunSettings settings;
  settings.preparation.face_model = "yunet.onnx";
  settings.preparation.face_model_sha256 = std::string(64, 'a');
  const auto audit = AuditFolder(folder.path(), settings);
  CATCH_REQUIRE(audit.ok());
  CATCH_CHECK_FALSE(audit->Passed());
  CATCH_CHECK_THAT(RenderAudit(*audit), ContainsSubstring("yunet.onnx is not there; the plan names aaaa"));
}

CATCH_TEST_CASE("a recording that stands in two chunks is found, by its bytes and by its name") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two", "a.mp4"}});
  WriteChunk(folder, "01", {{"d.mp4", "one"}, {"b.mp4", "other", "d.mp4"}});
  const FolderAudit audit = Audit(folder);
  CATCH_CHECK_FALSE(audit.Passed());
  const std::string text = RenderAudit(audit);
  CATCH_CHECK_THAT(text, ContainsSubstring("1 clip has the bytes of another one: 00/a.mp4 and 01/d.mp4"));
  CATCH_CHECK_THAT(text,
                   ContainsSubstring("1 clip has the name of one in another chunk: 00/b.mp4 and 01/b.mp4"));
}

CATCH_TEST_CASE("fakes without their original are found, and where it lies is said") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two", "a.mp4"}, {"c.mp4", "three", "gone.mp4"}});
  WriteChunk(folder, "01", {{"d.mp4", "four"}, {"e.mp4", "five", "a.mp4"}});
  const FolderAudit audit = Audit(folder);
  CATCH_CHECK_FALSE(audit.Passed());
  const std::string text = RenderAudit(audit);
  CATCH_CHECK_THAT(text,
                   ContainsSubstring("1 fake of chunk 00 with the original in no chunk: c.mp4 of gone.mp4"));
  CATCH_CHECK_THAT(
      text, ContainsSubstring("1 fake of chunk 01 with the original in another chunk: e.mp4 of 00/a.mp4"));
}

CATCH_TEST_CASE("chunks of which nothing real or nothing fake is held out are found, from the first one on") {
  const ScratchFolder folder;
  // Of two folds the first has 00/a.mp4, 00/b.mp4 and 01/d.mp4, the other 00/g.mp4.
  WriteChunk(folder, "00",
             {{"a.mp4", "one"}, {"b.mp4", "two"}, {"f.mp4", "three", "g.mp4"}, {"g.mp4", "four"}});
  WriteChunk(folder, "01", {{"d.mp4", "five"}, {"h.mp4", "six", "d.mp4"}});
  const std::string text = RenderAudit(Audit(folder));
  CATCH_CHECK_THAT(text,
                   ContainsSubstring("found: of chunk 00 2 families are held out, with 2 REAL and 0 FAKE"));
  CATCH_CHECK_THAT(text, ContainsSubstring("evaluation.folds (now 2)"));
}

CATCH_TEST_CASE("what is odd about a chunk's labels is noted and does not fail the audit") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two", "a.mp4"}, {"c.mp4", "three", "b.mp4"}});
  const FolderAudit audit = Audit(folder);
  CATCH_CHECK(audit.Passed());
  CATCH_CHECK_THAT(
      RenderAudit(audit),
      ContainsSubstring("noted: chunk 00: 1 FAKE clip names another FAKE as original (c.mp4 of b.mp4)"));
}

CATCH_TEST_CASE("a chunk of one class and a file that is no zip are refused, the others still counted") {
  const ScratchFolder folder;
  WriteChunk(folder, "00", {{"a.mp4", "one"}, {"b.mp4", "two"}});
  WriteChunk(folder, "01", {{"d.mp4", "four"}, {"e.mp4", "five", "d.mp4"}});
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("02.zip"), "no zip").ok());
  const FolderAudit audit = Audit(folder);
  CATCH_CHECK_FALSE(audit.Passed());
  CATCH_REQUIRE(audit.chunks.size() == 3);
  CATCH_CHECK_FALSE(audit.chunks[0].verdict.ok());
  CATCH_CHECK(audit.chunks[1].verdict.ok());
  CATCH_CHECK_FALSE(audit.chunks[2].verdict.ok());
  CATCH_CHECK_THAT(RenderAudit(audit), ContainsSubstring("refused: ") && ContainsSubstring("02.zip"));
}

CATCH_TEST_CASE("a folder without chunks is told") {
  const ScratchFolder folder;
  CATCH_CHECK(AuditFolder(folder.path(), {}).status().code() == absl::StatusCode::kNotFound);
  CATCH_CHECK_FALSE(AuditFolder(folder.File("absent"), {}).ok());
}

CATCH_TEST_CASE("an estimate is what a few clips cost, scaled to the chunk") {
  const ScratchFolder folder;
  const std::string zip = WriteTinyChunk(folder, {.families = 20});
  const PrepareOptions options = TinyOptions(folder, zip, 1);
  int told = 0;
  const auto chunks = EstimateFolder(folder.path(), options.settings.preparation, options.pool,
                                     [&](const ChunkEstimate&) { ++told; });
  CATCH_REQUIRE(chunks.ok());
  CATCH_REQUIRE(chunks->size() == 1);
  CATCH_CHECK(told == 1);
  const ChunkEstimate& estimate = chunks->front();
  CATCH_REQUIRE(estimate.verdict.ok());
  CATCH_CHECK(estimate.clips == 40);
  CATCH_CHECK(estimate.tried == 4);
  CATCH_CHECK(estimate.time > absl::ZeroDuration());
  RecordingObserver observer;
  const auto built = PrepareChunk(options, observer);
  CATCH_REQUIRE(built.ok());
  // What the store holds beside the views: header, index, padding.
  const double stored = static_cast<double>(built->train_bytes + built->keep_bytes);
  CATCH_CHECK(static_cast<double>(estimate.store_bytes) > 0.5 * stored);
  CATCH_CHECK(static_cast<double>(estimate.store_bytes) <= stored);
}

}  // namespace
}  // namespace interceptor::worker
