// Whole chunks, tiny: what readers of DFDC-shaped zips rely on.
#include "tests/synth/make.h"

#include <zip.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/base/ids.h"
#include "tests/support/catch.h"
#include "tests/support/score_rows.h"
#include "tests/synth/audit.h"
#include "tests/synth/chunk.h"
#include "tests/synth/decode.h"
#include "tests/synth/face.h"
#include "tests/synth/summary.h"

namespace interceptor::synth {
namespace {

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("synth-" + interceptor::NewId())) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string Bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

MakeOptions Tiny(const std::string& out) {
  MakeOptions options;
  options.out = out;
  options.chunks = 2;
  options.families = 2;
  options.recipe.width = 128;
  options.recipe.height = 96;
  options.recipe.frames_min = options.recipe.frames_max = 8;
  return options;
}

CATCH_TEST_CASE("the same seed makes the same bytes on any number of threads; another seed makes others") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "a");
  options.threads = 1;
  CATCH_REQUIRE(Make(options).ok());
  options.out = folder / "b";
  options.threads = 3;
  CATCH_REQUIRE(Make(options).ok());
  options.out = folder / "c";
  options.seed = 2;
  CATCH_REQUIRE(Make(options).ok());
  for (const char* name : {"/00.zip", "/01.zip", "/truth.jsonl"}) {
    CATCH_CHECK(Bytes((folder / "a") + name) == Bytes((folder / "b") + name));
    CATCH_CHECK(Bytes((folder / "a") + name) != Bytes((folder / "c") + name));
  }
}

CATCH_TEST_CASE(
    "a chunk is a part of DFDC: one folder, its exact metadata keys, stored and deflated entries") {
  const Folder folder;
  CATCH_REQUIRE(Make(Tiny(folder / "data")).ok());
  zip_t* archive = zip_open((folder / "data/01.zip").c_str(), ZIP_RDONLY, nullptr);
  CATCH_REQUIRE(archive != nullptr);
  std::set<int> methods;
  std::set<std::string> names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t stat;
    CATCH_REQUIRE(zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &stat) == 0);
    const std::string name = stat.name;
    CATCH_CHECK(name.starts_with("dfdc_train_part_1/"));
    names.insert(name.substr(name.find('/') + 1));
    if (name.ends_with(".mp4")) methods.insert(stat.comp_method);
  }
  zip_discard(archive);
  CATCH_CHECK(methods == std::set<int>{ZIP_CM_STORE, ZIP_CM_DEFLATE});
  CATCH_CHECK(names.count("metadata.json") == 1);
  CATCH_CHECK(names.count("truth.jsonl") == 0);
  const auto clips = ReadChunk(folder / "data/01.zip");
  CATCH_REQUIRE(clips.ok());
  CATCH_CHECK(clips->size() + 1 == names.size());
  const nlohmann::json metadata = nlohmann::json::parse(Metadata(*clips));
  std::set<std::string> reals;
  for (const auto& [name, entry] : metadata.items()) {
    CATCH_CHECK(names.count(name) == 1);
    CATCH_CHECK(name.size() == std::string("abcdefghij.mp4").size());
    CATCH_CHECK(entry["split"] == "train");
    if (entry["label"] == "REAL") {
      CATCH_CHECK(entry.size() == 2);
      reals.insert(name);
    }
  }
  CATCH_CHECK(reals.size() == 2);
  for (const auto& [name, entry] : metadata.items()) {
    if (entry["label"] != "FAKE") continue;
    CATCH_CHECK(entry.size() == 3);
    CATCH_CHECK(reals.count(entry["original"].get<std::string>()) == 1);
  }
}

CATCH_TEST_CASE("truth.jsonl names every clip with its family and what was planted") {
  const Folder folder;
  CATCH_REQUIRE(Make(Tiny(folder / "data")).ok());
  std::map<std::string, nlohmann::json> truth;
  std::ifstream file(folder / "data/truth.jsonl");
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json entry = nlohmann::json::parse(line);
    truth[entry["chunk"].get<std::string>() + "/" + entry["clip"].get<std::string>()] = entry;
  }
  size_t clips_seen = 0;
  for (const char* chunk : {"00", "01"}) {
    const auto clips = ReadChunk(folder / (std::string("data/") + chunk + ".zip"));
    CATCH_REQUIRE(clips.ok());
    for (const ChunkClip& clip : *clips) {
      const auto entry = truth.find(std::string(chunk) + "/" + clip.name);
      CATCH_REQUIRE(entry != truth.end());
      ++clips_seen;
      CATCH_CHECK(entry->second["label"] == (clip.fake ? "FAKE" : "REAL"));
      CATCH_CHECK(entry->second["family"] ==
                  std::string(chunk) + "/" + (clip.fake ? clip.original : clip.name));
      CATCH_CHECK(entry->second["kinds"].empty() != clip.fake);
    }
  }
  CATCH_CHECK(clips_seen == truth.size());
}

CATCH_TEST_CASE("truth.jsonl tells for every planted operation how strong it is in its range") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "data");
  options.recipe.mode = Mode::kPure;
  options.recipe.strength_min = 0;
  options.recipe.strength_max = 1.0 / 3;
  CATCH_REQUIRE(Make(options).ok());
  std::ifstream file(folder / "data/truth.jsonl");
  std::set<std::string> kinds;
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json entry = nlohmann::json::parse(line);
    for (const nlohmann::json& operation : entry["operations"]) {
      if (operation["where"] == "everywhere") continue;
      kinds.insert(operation["kind"].get<std::string>());
      CATCH_CHECK(operation["strength"].get<double>() >= 0);
      CATCH_CHECK(operation["strength"].get<double>() < 1.0 / 3);
      if (operation["kind"] == "CM") CATCH_CHECK(operation["quality"].get<int>() >= 38);
      if (operation["kind"] == "RR") CATCH_CHECK(operation["factor"].get<double>() <= 2.1);
    }
  }
  CATCH_CHECK(kinds.size() >= 5);
}

CATCH_TEST_CASE(
    "with a bias against the dark some fakes have no original in their chunk; the audit leaves them out") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "data");
  options.families = 8;
  options.recipe.dark_bias = true;
  CATCH_REQUIRE(Make(options).ok());
  int fakes = 0, orphans = 0;
  for (const char* chunk : {"/00.zip", "/01.zip"}) {
    const auto clips = ReadChunk((folder / "data") + chunk);
    CATCH_REQUIRE(clips.ok());
    std::set<std::string> originals;
    for (const ChunkClip& clip : *clips) {
      if (!clip.fake) originals.insert(clip.name);
    }
    for (const ChunkClip& clip : *clips) {
      fakes += clip.fake;
      orphans += clip.fake && originals.count(clip.original) == 0;
    }
  }
  CATCH_CHECK(orphans > 0);
  CATCH_CHECK(orphans < fakes);
  const auto report = Audit(folder / "data", 2);
  CATCH_REQUIRE(report.ok());
  CATCH_CHECK(report->unpaired == orphans);
  CATCH_CHECK(report->pairs == fakes - orphans);
}

CATCH_TEST_CASE("the cascade finds the drawn faces") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "data");
  options.chunks = 1;
  options.families = 8;
  options.recipe.fakes_max = 1;
  options.recipe.width = 320;
  options.recipe.height = 240;
  options.recipe.frames_min = options.recipe.frames_max = 2;
  CATCH_REQUIRE(Make(options).ok());
  const auto finder = FaceFinder::Create();
  CATCH_REQUIRE(finder.ok());
  const auto clips = ReadChunk(folder / "data/00.zip");
  CATCH_REQUIRE(clips.ok());
  double found = 0;
  for (const ChunkClip& clip : *clips) found += TrackFace(**finder, DecodeMp4(clip.bytes)->frames).found;
  CATCH_CHECK(found / static_cast<double>(clips->size()) >= 0.8);
}

CATCH_TEST_CASE("artefacts can be planted in given clips") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "first");
  options.chunks = 1;
  CATCH_REQUIRE(Make(options).ok());
  const auto clips = ReadChunk(folder / "first/00.zip");
  CATCH_REQUIRE(clips.ok());
  std::filesystem::create_directories(folder / "given");
  for (const ChunkClip& clip : *clips)
    std::ofstream(folder / ("given/" + clip.name), std::ios::binary) << clip.bytes;
  std::ofstream(folder / "given/metadata.json") << Metadata(*clips);
  options.from = folder / "given";
  options.out = folder / "second";
  CATCH_REQUIRE(Make(options).ok());
  const auto planted = ReadChunk(folder / "second/00.zip");
  CATCH_REQUIRE(planted.ok());
  int originals = 0, fakes = 0;
  for (const ChunkClip& clip : *planted) {
    ++(clip.fake ? fakes : originals);
    CATCH_CHECK(DecodeMp4(clip.bytes)->frames.size() == 8);
  }
  CATCH_CHECK(originals == 2);
  CATCH_CHECK(fakes >= 2);
  options.chunks = 5;
  CATCH_CHECK(Make(options).code() == absl::StatusCode::kInvalidArgument);
  options.from = folder / "second";
  CATCH_CHECK(Make(options).code() == absl::StatusCode::kNotFound);
}

CATCH_TEST_CASE("shuffled labels keep clips and families and give each family one original") {
  const Folder folder;
  MakeOptions options = Tiny(folder / "data");
  options.families = 5;
  CATCH_REQUIRE(Make(options).ok());
  CATCH_REQUIRE(ShuffleLabels(folder / "data", folder / "null", 3).ok());
  CATCH_CHECK(ShuffleLabels(folder / "data", folder / "data", 3).code() ==
              absl::StatusCode::kInvalidArgument);
  int moved = 0;
  for (const char* chunk : {"/00.zip", "/01.zip"}) {
    const auto before = ReadChunk((folder / "data") + chunk), after = ReadChunk((folder / "null") + chunk);
    CATCH_REQUIRE(before.ok());
    CATCH_REQUIRE(after.ok());
    CATCH_REQUIRE(before->size() == after->size());
    std::map<std::string, std::string> family_of;
    std::map<std::string, int> originals;
    for (const ChunkClip& clip : *before) family_of[clip.name] = clip.fake ? clip.original : clip.name;
    for (size_t i = 0; i < after->size(); ++i) {
      const ChunkClip& clip = (*after)[i];
      CATCH_CHECK(clip.bytes == (*before)[i].bytes);
      if (!clip.fake) ++originals[family_of[clip.name]];
      if (clip.fake) CATCH_CHECK(family_of[clip.name] == family_of[clip.original]);
      moved += clip.fake != (*before)[i].fake;
    }
    CATCH_CHECK(originals.size() == 5);
    for (const auto& [family, count] : originals) CATCH_CHECK(count == 1);
  }
  CATCH_CHECK(moved > 0);
}

// Of a real where the clip's name begins with r.
worker::ScoreRow Row(const std::string& chunk, const std::string& clip, const std::string& family,
                     double logit) {
  const worker::Label label = clip[0] == 'r' ? worker::Label::kReal : worker::Label::kFake;
  worker::ScoreRow row = worker::MakeScoreRow(clip, family, label, logit);
  row.clip.chunk = chunk;
  return row;
}

void WriteScores(const std::string& path, std::vector<worker::ScoreRow> rows) {
  std::ofstream(path) << worker::FormatScoreTable(
      {.plan_digest = "", .attributes = {}, .rows = std::move(rows)});
}

CATCH_TEST_CASE("a summary tells by kind what fakes with that kind alone score against all reals") {
  const Folder folder;
  std::ofstream(folder / "truth.jsonl")
      << R"({"chunk":"00","clip":"r1.mp4","kinds":[],"dark":true})"
      << "\n"
      << R"({"chunk":"00","clip":"r2.mp4","kinds":[],"dark":false})"
      << "\n"
      << R"({"chunk":"00","clip":"cm.mp4","kinds":["CM"],"dark":false})"
      << "\n"
      << R"({"chunk":"00","clip":"ll.mp4","kinds":["LL"],"dark":true})"
      << "\n"
      << R"({"chunk":"01","clip":"cm.mp4","kinds":["CM"],"dark":true})"
      << "\n"
      << R"({"chunk":"01","clip":"both.mp4","kinds":["CM","LL"],"dark":true})"
      << "\n";
  WriteScores(folder / "BG-00.csv", {Row("00", "r1.mp4", "a", -1), Row("00", "r2.mp4", "b", 0.5),
                                     Row("00", "cm.mp4", "a", 2), Row("00", "ll.mp4", "b", 0)});
  WriteScores(folder / "BG-01.csv", {Row("01", "cm.mp4", "b", -0.5), Row("01", "both.mp4", "b", -2)});
  const auto summary = Summarize(folder / "truth.jsonl", {folder / "BG-00.csv", folder / "BG-01.csv"});
  CATCH_REQUIRE(summary.ok());
  const nlohmann::json& bg = (*summary)["BG"];
  const auto is = [](const nlohmann::json& value, double wanted) {
    return std::abs(value.get<double>() - wanted) < 1e-9;
  };
  CATCH_CHECK(is(bg["auc"], 4 / 8.0));
  CATCH_CHECK(bg["reals"] == 2);
  CATCH_CHECK(bg["fakes"] == 4);
  CATCH_CHECK(bg["auc_by_kind"].size() == 2);
  // One CM fake lies above both reals, the other between them; the one that carries LL too does not count.
  const nlohmann::json& cm = bg["auc_by_kind"]["CM"];
  CATCH_CHECK(is(cm["auc"], 0.75));
  CATCH_CHECK(cm["fakes"] == 2);
  // Drawn alone, the first family orders its clips rightly and the second wrongly.
  CATCH_CHECK(is(cm["low"], 0));
  CATCH_CHECK(is(cm["high"], 1));
  CATCH_CHECK(cm["too_few"] == true);
  // The LL fake lies above the dark original and below the bright one.
  CATCH_CHECK(is(bg["auc_by_kind"]["LL"]["auc"], 0.5));
  CATCH_CHECK(is(bg["LL_auc_by_light_of_reals"]["dark"], 1));
  CATCH_CHECK(is(bg["LL_auc_by_light_of_reals"]["bright"], 0));
  CATCH_CHECK(Summarize(folder / "no.jsonl", {folder / "BG-00.csv"}).status().code() ==
              absl::StatusCode::kNotFound);
  CATCH_CHECK_FALSE((*Summarize("", {folder / "BG-00.csv"}))["BG"].contains("auc_by_kind"));
  CATCH_CHECK(Summarize("", {folder / "BG-00.csv", folder / "BG-00.csv"}).status().code() ==
              absl::StatusCode::kInvalidArgument);
  std::ofstream(folder / "cut.csv") << "#score_table version=2 rows=4\nchunk,clip";
  CATCH_CHECK(absl::IsDataLoss(Summarize("", {folder / "cut.csv"}).status()));
}

CATCH_TEST_CASE("what was looked ahead at gets its gap between the classes before and after calibration") {
  const Folder folder;
  // Nearly all is called fake as it stands; a threshold of 2 would tell the classes apart.
  const auto write = [&](int families) {
    std::vector<worker::ScoreRow> rows;
    for (int i = 0; i < families; ++i) {
      const std::string family = Cat("family ", i);
      rows.push_back(Row("01", Cat("real", i, ".mp4"), family, i % 10 == 0 ? 3 : 1));
      rows.push_back(Row("01", Cat("fake", i, ".mp4"), family, i % 10 == 0 ? 1 : 3));
    }
    for (worker::ScoreRow& row : rows) row.split = EvaluationKind::kLookAhead;
    WriteScores(folder / "BG-01.csv", rows);
  };
  write(100);
  const nlohmann::json gap = (*Summarize("", {folder / "BG-01.csv"}))["BG"]["gap"];
  CATCH_CHECK(gap["uncalibrated"] == -1);
  CATCH_CHECK(std::abs(gap["calibrated"].get<double>()) < 0.01);
  write(40);
  CATCH_CHECK((*Summarize("", {folder / "BG-01.csv"}))["BG"]["gap"]["calibrated"].is_null());
}

}  // namespace
}  // namespace interceptor::synth
