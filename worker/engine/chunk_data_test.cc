#include "worker/engine/chunk_data.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

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

CATCH_TEST_CASE(
    "logits, windows and attributes stand in a score table to the last bit, over twelve magnitudes") {
  ClipList list;
  std::vector<ClipLogits> logits;
  for (double value = -1e-6 / 3; value > -1e6; value *= 10) {
    logits.push_back({.fused = value, .self_made = value / 7, .windows = {{.fused = static_cast<float>(value / 3)}, {.fused = static_cast<float>(-value)}}});
  }
  std::vector<StoredClip> clips(logits.size());
  for (size_t i = 0; i < clips.size(); ++i) {
    clips[i].info.name = std::to_string(i);
    if (i > 0) clips[i].attributes["brightness"] = 2.0 / 3;
    list.Add(clips[i]);
  }
  const auto table =
      ParseScoreTable(FormatScoreTable(MakeScoreTable(list, logits, EvaluationKind::kHeldOut, 1, true)));
  CATCH_REQUIRE(table.ok());
  CATCH_REQUIRE(table->rows.size() == logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const ScoreRow& row = table->rows[i];
    CATCH_CHECK(row.logit == logits[i].fused);
    CATCH_CHECK(row.parts->self_made == logits[i].self_made);
    CATCH_CHECK(std::ranges::equal(row.windows, logits[i].windows, {}, {}, &SampleScore::fused));
    CATCH_CHECK(row.half == HalfOf(""));
    if (i > 0) CATCH_CHECK(row.attributes[0] == 2.0 / 3);
  }
  CATCH_CHECK(std::isnan(table->rows[0].attributes[0]));
  CATCH_CHECK_FALSE(
      MakeScoreTable(list, logits, EvaluationKind::kHeldOut, 1, false).rows[0].parts.has_value());
}

}  // namespace
}  // namespace interceptor::worker
