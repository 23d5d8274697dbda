#include "worker/store/manifest.h"

#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

DataManifest Sample() {
  DataManifest manifest;
  manifest.version = 1;
  manifest.chunk = "00";
  manifest.chunk_sha256 = std::string(64, 'a');
  manifest.folds = 5;
  manifest.clips = {{"00", "a.mp4", "00/a.mp4", Label::kReal, 4},
                    {"00", "c.mp4", "00/a.mp4", Label::kFake, 4}};
  manifest.quarantined = {{"b.mp4", "no video stream"}};
  return manifest;
}

constexpr char kGoldenTail[] = R"("clips":2,"families":1,"folds":5,"quarantined":1,"version":1})"
                               "\n"
                               R"({"clip":"a.mp4","family":"00/a.mp4","fold":4,"label":"REAL"})"
                               "\n"
                               R"({"clip":"b.mp4","quarantined":"no video stream"})"
                               "\n"
                               R"({"clip":"c.mp4","family":"00/a.mp4","fold":4,"label":"FAKE"})"
                               "\n";

std::string Golden() {
  return Cat(R"({"chunk":"00","chunk_sha256":")", std::string(64, 'a'), "\",", kGoldenTail);
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  CATCH_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

CATCH_TEST_CASE("a manifest is the documented text, byte for byte") {
  CATCH_CHECK(EncodeManifest(Sample()) == Golden());
  DataManifest shuffled = Sample();
  std::swap(shuffled.clips[0], shuffled.clips[1]);
  CATCH_CHECK(EncodeManifest(shuffled) == Golden());
}

CATCH_TEST_CASE("a manifest that version 2 wrote is read and written as it was") {
  const auto text = ReadWholeFile(SystemFiles(), INTERCEPTOR_GOLDEN "/clip_store_v4/manifest.jsonl");
  CATCH_REQUIRE(text.ok());
  const auto manifest = DecodeManifest(*text);
  CATCH_INFO(manifest.status().ToString());
  CATCH_REQUIRE(manifest.ok());
  CATCH_CHECK(manifest->clips.size() == 6);
  CATCH_CHECK(EncodeManifest(*manifest) == *text);
}

CATCH_TEST_CASE("a manifest is read back") {
  const auto manifest = DecodeManifest(Golden());
  CATCH_REQUIRE(manifest.ok());
  CATCH_CHECK(manifest->chunk == "00");
  CATCH_CHECK(manifest->folds == 5);
  CATCH_CHECK(manifest->clips.size() == 2);
  CATCH_CHECK(manifest->clips[1].name == "c.mp4");
  CATCH_CHECK(manifest->clips[1].chunk == "00");
  CATCH_CHECK(manifest->clips[1].label == Label::kFake);
  CATCH_CHECK(manifest->quarantined.at("b.mp4") == "no video stream");
  CATCH_CHECK(EncodeManifest(*manifest) == Golden());
}

CATCH_TEST_CASE("anything but the canonical text is DATA_LOSS and names the line") {
  struct Case {
    std::string text;
    const char* line;
  };
  const Case cases[] = {
      {"", "line 1"},
      {Replaced(Golden(), R"("fold":4,"label":"REAL")", R"("fold": 4,"label":"REAL")"), "line 2"},
      {Replaced(Golden(), R"("clips":2)", R"("clips":3)"), "line 1"},
      {Replaced(Golden(), R"("families":1)", R"("families":2)"), "line 1"},
      {Replaced(Golden(), R"("fold":4)", R"("fold":5)"), "line 2"},
      {Replaced(Golden(), R"("label":"FAKE")", R"("label":"MAYBE")"), "line 4"},
      {Replaced(Golden(), R"("label":"FAKE")", R"("label":"FAKE","note":1)"), "line 4"},
      {Replaced(Golden(), R"("clip":"c.mp4")", R"("clip":"a.mp4")"), "line 4"},
      {Golden().substr(0, Golden().size() - 1), "line 4"},
      {Golden() + "\n", "line 5"},
      {Golden().substr(0, Golden().find("{\"clip\":\"c.mp4\"")), "line 1"},
  };
  for (const Case& c : cases) {
    const absl::Status status = DecodeManifest(c.text).status();
    CATCH_INFO(c.text << " -> " << Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kDataLoss);
    CATCH_CHECK(Message(status).find(c.line) != std::string::npos);
  }
}

CATCH_TEST_CASE("a newer manifest is told apart from a damaged one") {
  const absl::Status status = DecodeManifest(Replaced(Golden(), R"("version":1)", R"("version":3)")).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("fingerprints and links of families survive the way out and back") {
  DataManifest manifest = Sample();
  manifest.version = kManifestVersion;
  manifest.fingerprints = {{"a.mp4", {0x00ff, 0x7fffffffffffffff}}};
  manifest.scanned = {{"00", std::string(64, 'b')}};
  manifest.linked = {{"01/a.mp4", "00/x.mp4"}};
  manifest.left_held_out = {"00/y.mp4"};
  manifest.view_bytes = {{"face_crop", 1204224}};
  const std::string text = EncodeManifest(manifest);
  CATCH_CHECK(text.find(R"("look":["00000000000000ff","7fffffffffffffff"])") != std::string::npos);
  const auto back = DecodeManifest(text);
  CATCH_INFO(Message(back.status()));
  CATCH_REQUIRE(back.ok());
  CATCH_CHECK(back->fingerprints == manifest.fingerprints);
  CATCH_CHECK(back->scanned == manifest.scanned);
  CATCH_CHECK(back->linked == manifest.linked);
  CATCH_CHECK(back->left_held_out == manifest.left_held_out);
  CATCH_CHECK(back->view_bytes == manifest.view_bytes);
  CATCH_CHECK_FALSE(DecodeManifest(Replaced(text, "00000000000000ff", "zz")).ok());
  CATCH_CHECK_FALSE(DecodeManifest(Replaced(text, R"(["00/y.mp4"])", "[7]")).ok());
}

}  // namespace
}  // namespace interceptor::worker
