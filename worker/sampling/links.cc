#include "worker/sampling/links.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace interceptor::worker {
namespace {

// Union-find by index, with the smallest index as the group's name.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }

  size_t Of(size_t index) {
    while (parent_[index] != index) index = parent_[index] = parent_[parent_[index]];
    return index;
  }
  void Join(size_t a, size_t b) {
    const size_t first = Of(a);
    const size_t second = Of(b);
    parent_[std::max(first, second)] = std::min(first, second);
  }

 private:
  std::vector<size_t> parent_;
};

bool HasTheLike(uint64_t hash, const FamilyFingerprint& other) {
  return std::ranges::any_of(other.hashes,
                             [hash](uint64_t seen) { return std::popcount(hash ^ seen) <= kSameBitsMax; });
}

}  // namespace

bool ShowTheSame(const FamilyFingerprint& a, const FamilyFingerprint& b) {
  if (a.hashes.empty()) return false;
  const auto alike = std::ranges::count_if(a.hashes, [&b](uint64_t hash) { return HasTheLike(hash, b); });
  const size_t needed = a.hashes.size() >= 4 ? a.hashes.size() * 3 / 4 : (a.hashes.size() + 1) / 2;
  return static_cast<size_t>(alike) >= needed;
}

FamilyLinks LinkFamilies(std::span<const FamilyFingerprint> earlier, std::span<const FamilyFingerprint> own,
                         const std::set<std::string>& left_before, int held_out_fold) {
  std::vector<const FamilyFingerprint*> all;
  for (const FamilyFingerprint& family : earlier) all.push_back(&family);
  for (const FamilyFingerprint& family : own) all.push_back(&family);
  // Earlier ones among each other too: what one of them was linked to must go with it.
  Groups groups(all.size());
  for (size_t later = 0; later < all.size(); ++later) {
    for (size_t before = 0; before < later; ++before) {
      if (ShowTheSame(*all[later], *all[before])) groups.Join(later, before);
    }
  }
  std::map<size_t, std::vector<size_t>> members;
  for (size_t index = 0; index < all.size(); ++index) members[groups.Of(index)].push_back(index);
  const auto is_earlier = [&](size_t index) { return index < earlier.size(); };
  const auto is_held_out = [&](size_t index) {
    return all[index]->fold == held_out_fold && !left_before.contains(all[index]->family);
  };
  FamilyLinks links;
  for (const auto& [name, group] : members) {
    if (group.size() < 2) continue;
    const auto trained =
        std::ranges::find_if(group, [&](size_t index) { return is_earlier(index) && !is_held_out(index); });
    const bool is_trained = trained != group.end();
    const FamilyFingerprint& leader = *all[is_trained ? *trained : group.front()];
    const int training_fold = held_out_fold == 0 ? 1 : 0;
    const int fold = is_trained && leader.fold == held_out_fold ? training_fold : leader.fold;
    for (const size_t index : group) {
      const std::string& family = all[index]->family;
      if (!is_earlier(index)) {
        links.folds[family] = fold;
        if (all[index] != &leader) links.linked[family] = leader.family;
      } else if (is_trained && is_held_out(index)) {
        links.left_held_out.insert(family);
      }
    }
  }
  return links;
}

}  // namespace interceptor::worker
