#include "worker/engine/chunk_data.h"

#include <iterator>
#include <set>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_store.h"
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

}  // namespace
}  // namespace interceptor::worker
