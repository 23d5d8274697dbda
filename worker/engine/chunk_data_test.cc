#include "worker/engine/chunk_data.h"

#include <cstdlib>
#include <iterator>
#include <set>

#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_store.h"
#include "worker/engine/evaluator.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("held-out families of one footage are one family to the statistics") {
  const ScratchFolder folder;
  const TinyStore tiny{.store = folder.File("store")};
  CATCH_REQUIRE(WriteTinyStore(tiny).ok());
  const std::string path = ManifestPath(tiny.store, tiny.chunk);
  auto manifest = DecodeManifest(*ReadWholeFile(SystemFiles(), path));
  CATCH_REQUIRE(manifest.ok());
  std::set<std::string> held_out;
  for (const ClipInfo& clip : manifest->clips) {
    if (clip.fold == tiny.held_out_fold) held_out.insert(clip.family);
  }
  CATCH_REQUIRE(held_out.size() >= 2);
  const std::string& first = *held_out.begin();
  const std::string& second = *std::next(held_out.begin());
  manifest->linked = {{second, first}};
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, EncodeManifest(*manifest)).ok());

  RunSettings settings;
  settings.chunks = {tiny.chunk};
  settings.evaluation.folds = tiny.folds;
  settings.evaluation.held_out_fold = tiny.held_out_fold;
  const auto data = ChunkData::Open(SystemFiles(), tiny.store, settings, {.chunk = 0, .name = tiny.chunk});
  CATCH_INFO(Message(data.status()));
  CATCH_REQUIRE(data.ok());
  const ClipList& list = (*data)->held_out();
  const ClipList judged = (*data)->ByFootage(list);
  CATCH_REQUIRE(judged.infos.size() == list.infos.size());
  for (size_t i = 0; i < list.infos.size(); ++i) {
    CATCH_CHECK(judged.infos[i].name == list.infos[i].name);
    CATCH_CHECK(judged.infos[i].family == (list.infos[i].family == second ? first : list.infos[i].family));
  }
}

CATCH_TEST_CASE("logits and attributes stand in a score table to the last bit, over twelve magnitudes") {
  StoredClip clip;
  ClipList list;
  std::vector<ClipLogits> logits;
  for (double value = -1e-6 / 3; value > -1e6; value *= 10) logits.push_back({.fused = value});
  clip.attributes["brightness"] = 2.0 / 3;
  for (size_t i = 0; i < logits.size(); ++i) list.Add(clip);
  const std::string table = ScoreTable(list, logits, EvaluationKind::kHeldOut, 1, false);
  const std::vector<std::string> lines = absl::StrSplit(table, '\n', absl::SkipEmpty());
  CATCH_REQUIRE(lines.size() == 1 + logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const std::vector<std::string> fields = absl::StrSplit(lines[1 + i], ',');
    CATCH_REQUIRE(fields.size() == 10);
    CATCH_CHECK(std::strtod(fields[4].c_str(), nullptr) == logits[i].fused);
    CATCH_CHECK(std::strtod(fields[9].c_str(), nullptr) == 2.0 / 3);
  }
}

}  // namespace
}  // namespace interceptor::worker
