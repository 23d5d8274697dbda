// Families that show the same footage: one must not be judged on while another is trained on. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace interceptor::worker {

// 63-bit perceptual hashes of a few frames of one of a family's clips, in order.
struct FamilyFingerprint {
  std::string family;  // "00/abcdefghij.mp4"
  int fold = 0;        // as its manifest says, or by hash while it has none
  std::vector<uint64_t> hashes;
};

// At most this many bits differ between two pictures of the same footage, encoded differently.
inline constexpr int kSameBitsMax = 6;

// True when at least three of four (and half of fewer, rounded up) of `a`'s pictures have their like in `b`.
// Never without pictures.
bool ShowTheSame(const FamilyFingerprint& a, const FamilyFingerprint& b);

struct FamilyLinks {
  // Families of this chunk that show footage of another family, and which one: of an earlier chunk where
  // there is one.
  std::map<std::string, std::string> linked;
  // Their folds, which are one for all that are linked: that of a family already trained on, else that of one
  // already held out, else that of the first of them by name.
  std::map<std::string, int> folds;
  // Families of earlier chunks that were held out and are linked, through this chunk, to one that was trained
  // on: they are held out no more.
  std::set<std::string> left_held_out;
};

// `earlier`: the families of the chunks before this one, in the plan's order; those in `left_before` count as
// trained on.
FamilyLinks LinkFamilies(std::span<const FamilyFingerprint> earlier, std::span<const FamilyFingerprint> own,
                         const std::set<std::string>& left_before, int held_out_fold);

}  // namespace interceptor::worker
