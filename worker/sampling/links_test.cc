#include "worker/sampling/links.h"

#include "common/base/digest.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {
namespace {

constexpr int kFolds = 5;
constexpr int kHeldOut = 0;

// Footage `scene`, as another encoder shows it: up to `noise` bits of each picture differ.
std::vector<uint64_t> Pictures(uint64_t scene, int noise, uint64_t draw) {
  std::vector<uint64_t> hashes;
  for (uint64_t frame = 0; frame < 4; ++frame) {
    uint64_t hash = RandomBits(MakeRandomKey(scene, "scene", {frame}), 0) >> 1;
    for (int k = 0; k < noise; ++k) {
      hash ^=
          uint64_t{1} << (RandomBits(MakeRandomKey(draw, "noise", {frame}), static_cast<uint64_t>(k)) % 63);
    }
    hashes.push_back(hash);
  }
  return hashes;
}

FamilyFingerprint Fingerprint(const std::string& family, int fold, uint64_t scene, int noise = 0) {
  return {family, fold, Pictures(scene, noise, DigestPrefix64(family))};
}

CATCH_TEST_CASE("the same footage is known in another encoding, other footage is not") {
  const FamilyFingerprint a = Fingerprint("00/a", 1, 7);
  CATCH_CHECK(ShowTheSame(a, Fingerprint("01/b", 1, 7, 6)));
  CATCH_CHECK_FALSE(ShowTheSame(a, Fingerprint("01/b", 1, 8)));
  CATCH_CHECK_FALSE(ShowTheSame(FamilyFingerprint{"00/x", 0, {}}, FamilyFingerprint{"00/y", 0, {}}));
  FamilyFingerprint half = a;
  half.hashes[0] = ~half.hashes[0];
  CATCH_CHECK(ShowTheSame(half, a));
  half.hashes[1] = ~half.hashes[1];
  CATCH_CHECK_FALSE(ShowTheSame(half, a));
}

CATCH_TEST_CASE(
    "a family that shows trained footage is trained on, one that shows held-out footage held out") {
  const std::vector<FamilyFingerprint> earlier = {Fingerprint("00/a", 2, 1),
                                                  Fingerprint("00/b", kHeldOut, 2)};
  const std::vector<FamilyFingerprint> own = {Fingerprint("01/c", kHeldOut, 1), Fingerprint("01/d", 3, 2),
                                              Fingerprint("01/e", 4, 3)};
  const FamilyLinks links = LinkFamilies(earlier, own, {}, kHeldOut);
  CATCH_CHECK(links.linked == std::map<std::string, std::string>{{"01/c", "00/a"}, {"01/d", "00/b"}});
  CATCH_CHECK(links.folds == std::map<std::string, int>{{"01/c", 2}, {"01/d", kHeldOut}});
  CATCH_CHECK(links.left_held_out.empty());
}

CATCH_TEST_CASE("held-out footage that turns out to be trained on leaves held-out") {
  const std::vector<FamilyFingerprint> earlier = {Fingerprint("00/a", 2, 1),
                                                  Fingerprint("00/b", kHeldOut, 2)};
  FamilyFingerprint both = Fingerprint("01/c", kHeldOut, 1);
  const std::vector<uint64_t> more = Pictures(2, 0, 0);
  both.hashes.insert(both.hashes.end(), more.begin(), more.end());
  const std::vector<FamilyFingerprint> own = {both};
  // Half of its pictures are of each.
  CATCH_CHECK(LinkFamilies(earlier, own, {}, kHeldOut).linked.empty());
  const std::vector<FamilyFingerprint> chain = {Fingerprint("00/a", 2, 1), Fingerprint("00/b", kHeldOut, 1)};
  const FamilyLinks links =
      LinkFamilies(chain, std::vector<FamilyFingerprint>{Fingerprint("01/c", kHeldOut, 1)}, {}, kHeldOut);
  CATCH_CHECK(links.left_held_out == std::set<std::string>{"00/b"});
  CATCH_CHECK(links.folds.at("01/c") == 2);
  // Once left, it counts as trained on, whatever its own manifest says for ever.
  const std::vector<FamilyFingerprint> left = {Fingerprint("00/b", kHeldOut, 1)};
  const FamilyLinks later = LinkFamilies(
      left, std::vector<FamilyFingerprint>{Fingerprint("02/x", kHeldOut, 1)}, {"00/b"}, kHeldOut);
  CATCH_CHECK(later.folds.at("02/x") != kHeldOut);
  CATCH_CHECK(later.left_held_out.empty());
}

CATCH_TEST_CASE(
    "what leaves held-out takes along what it was linked to before, though that looks otherwise") {
  const FamilyFingerprint middle = Fingerprint("00/b", kHeldOut, 2);
  FamilyFingerprint relative = middle;
  relative.family = "01/b2";
  relative.hashes[0] = ~relative.hashes[0];
  FamilyFingerprint bridge{"02/c", kHeldOut, {middle.hashes[0], middle.hashes[1], middle.hashes[3]}};
  const FamilyFingerprint trained = Fingerprint("00/a", 2, 1);
  bridge.hashes.insert(bridge.hashes.end(), trained.hashes.begin(), trained.hashes.begin() + 1);
  FamilyFingerprint seen = trained;
  seen.hashes = {bridge.hashes[0], bridge.hashes[1], bridge.hashes[3]};
  CATCH_REQUIRE(ShowTheSame(relative, middle));
  CATCH_REQUIRE(ShowTheSame(bridge, middle));
  CATCH_REQUIRE(ShowTheSame(bridge, seen));
  CATCH_REQUIRE_FALSE(ShowTheSame(bridge, relative));
  const std::vector<FamilyFingerprint> earlier = {seen, middle, relative};
  const FamilyLinks links = LinkFamilies(earlier, std::vector<FamilyFingerprint>{bridge}, {}, kHeldOut);
  CATCH_CHECK(links.left_held_out == std::set<std::string>{"00/b", "01/b2"});
  CATCH_CHECK(links.folds.at("02/c") == 2);
}

// Chunks of random families of few scenes: whatever is linked to whatever, in whatever order.
CATCH_TEST_CASE(
    "folds survive every merge: nothing trained on is ever held out, linked families are on one side") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const RandomKey key = MakeRandomKey(seed, "merges", {});
    uint64_t draw = 0;
    std::vector<FamilyFingerprint> all;
    std::vector<uint64_t> scenes;
    std::set<std::string> left;
    std::set<uint64_t> trained;  // scenes
    for (int chunk = 0; chunk < 4; ++chunk) {
      std::vector<FamilyFingerprint> own;
      std::vector<uint64_t> own_scenes;
      for (int f = 0; f < 8; ++f) {
        const std::string family = FamilyName(Cat("0", chunk), Cat("f", f));
        own_scenes.push_back(RandomBits(key, draw++) % 24);
        own.push_back(Fingerprint(family, FoldOf(family, kFolds), own_scenes.back(), 3));
      }
      const std::vector<FamilyFingerprint> before = all;
      const FamilyLinks links = LinkFamilies(all, own, left, kHeldOut);
      for (FamilyFingerprint& family : own) {
        if (const auto fold = links.folds.find(family.family); fold != links.folds.end())
          family.fold = fold->second;
      }
      left.insert(links.left_held_out.begin(), links.left_held_out.end());
      for (size_t f = 0; f < own.size(); ++f) {
        if (own[f].fold != kHeldOut) trained.insert(own_scenes[f]);
      }
      all.insert(all.end(), own.begin(), own.end());
      scenes.insert(scenes.end(), own_scenes.begin(), own_scenes.end());
      for (size_t f = 0; f < all.size(); ++f) {
        const bool held_out = all[f].fold == kHeldOut && !left.contains(all[f].family);
        CATCH_INFO(seed << " " << all[f].family);
        if (held_out) CATCH_CHECK_FALSE(trained.contains(scenes[f]));
      }
      // What earlier manifests say stays.
      for (size_t f = 0; f < before.size(); ++f) CATCH_CHECK(all[f].fold == before[f].fold);
    }
  }
}

}  // namespace
}  // namespace interceptor::worker
