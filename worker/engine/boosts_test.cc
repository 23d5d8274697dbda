#include "worker/engine/boosts.h"

#include <deque>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

// Clips that live as long as the list.
struct Clips {
  ClipList list;
  std::deque<StoredClip> stored;

  void Add(Label label, double brightness) {
    StoredClip& clip = stored.emplace_back();
    clip.info = {.chunk = "01",
                 .name = Cat(stored.size(), ".mp4"),
                 .family = Cat("01/", stored.size()),
                 .label = label,
                 .fold = 1};
    if (brightness >= 0) clip.attributes["brightness"] = brightness;
    list.Add(clip);
  }
};

CATCH_TEST_CASE(
    "a boost's clips are those of slice and class, its partners of the other class outside of the slice") {
  Clips base;
  base.Add(Label::kReal, 0.1);
  base.Add(Label::kFake, 0.1);
  base.Add(Label::kReal, 0.7);
  base.Add(Label::kFake, 0.7);
  base.Add(Label::kReal, -1);  // without brightness: outside
  base.Add(Label::kFake, -1);
  Clips replay;
  replay.Add(Label::kFake, 0.9);
  replay.Add(Label::kReal, 0.2);
  const auto boosts = FindBoosts({{"brightness", "dark", false, 0.125}}, base.list, replay.list);
  CATCH_REQUIRE(boosts.size() == 1);
  const auto is = [](const std::vector<PoolClip>& clips, std::vector<std::pair<bool, uint32_t>> expected) {
    return std::ranges::equal(
        clips, expected, [](const PoolClip& a, const auto& b) { return std::pair(a.replay, a.clip) == b; });
  };
  CATCH_CHECK(is(boosts[0].clips, {{false, 0}, {true, 1}}));
  CATCH_CHECK(is(boosts[0].partners, {{false, 3}, {false, 5}, {true, 0}}));
  CATCH_CHECK(ShareOf(boosts) == 0.125);
}

CATCH_TEST_CASE("a weight that finds no clip, or no partner, is left out") {
  Clips base;
  base.Add(Label::kReal, 0.1);
  base.Add(Label::kFake, 0.1);
  CATCH_CHECK(FindBoosts({{"brightness", "bright", false, 0.1}}, base.list, {}).empty());
  CATCH_CHECK(FindBoosts({{"brightness", "dark", false, 0.1}}, base.list, {}).empty());
  CATCH_CHECK(FindBoosts({{"mood", "dark", false, 0.1}}, base.list, {}).empty());
  CATCH_CHECK(ShareOf({}) == 0);
}

}  // namespace
}  // namespace interceptor::worker
