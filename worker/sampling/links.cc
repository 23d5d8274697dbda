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
  return std::any_of(other.hashes.begin(), other.hashes.end(),
                     [hash](uint64_t seen) { return std::popcount(hash ^ seen) <= kSameBitsMax; });
}

// One group of linked families: indices into earlier families, then own ones.
class Resolver {
 public:
  Resolver(std::span<const FamilyFingerprint> earlier, std::span<const FamilyFingerprint> own,
           const std::set<std::string>& left_before, int held_out_fold)
      : earlier_(earlier), own_(own), left_before_(left_before), held_out_fold_(held_out_fold) {}

  void Resolve(const std::vector<size_t>& group, FamilyLinks& links) const {
    const FamilyFingerprint* held_out = nullptr;
    const FamilyFingerprint* trained = nullptr;
    for (const size_t index : group) {
      if (index >= earlier_.size()) break;
      const FamilyFingerprint& family = earlier_[index];
      const FamilyFingerprint*& first = IsHeldOut(family) ? held_out : trained;
      if (first == nullptr) first = &family;
    }
    const FamilyFingerprint& leader = trained != nullptr ? *trained : At(group.front());
    const int fold = trained != nullptr && trained->fold == held_out_fold_ ? TrainingFold() : leader.fold;
    for (const size_t index : group) {
      const FamilyFingerprint& family = At(index);
      if (index >= earlier_.size()) {
        links.folds[family.family] = fold;
        if (&family != &leader) links.linked[family.family] = leader.family;
      } else if (trained != nullptr && IsHeldOut(family)) {
        links.left_held_out.insert(family.family);
      }
    }
  }

 private:
  const FamilyFingerprint& At(size_t index) const {
    return index < earlier_.size() ? earlier_[index] : own_[index - earlier_.size()];
  }
  bool IsHeldOut(const FamilyFingerprint& family) const {
    return family.fold == held_out_fold_ && !left_before_.contains(family.family);
  }
  int TrainingFold() const { return held_out_fold_ == 0 ? 1 : 0; }

  std::span<const FamilyFingerprint> earlier_;
  std::span<const FamilyFingerprint> own_;
  const std::set<std::string>& left_before_;
  const int held_out_fold_;
};

}  // namespace

bool ShowTheSame(const FamilyFingerprint& a, const FamilyFingerprint& b) {
  if (a.hashes.empty()) return false;
  const auto alike =
      std::count_if(a.hashes.begin(), a.hashes.end(), [&b](uint64_t hash) { return HasTheLike(hash, b); });
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
  FamilyLinks links;
  const Resolver resolver(earlier, own, left_before, held_out_fold);
  for (const auto& [name, group] : members) {
    if (group.size() > 1) resolver.Resolve(group, links);
  }
  return links;
}

}  // namespace interceptor::worker
