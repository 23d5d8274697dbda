// Score tables as tests need them: families of a wanted half, clips with drawn logits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "worker/child_protocol/score_table.h"

namespace interceptor::worker {

// The `number`-th family of this half.
inline const std::string& FamilyOfHalf(Half half, size_t number) {
  static std::map<Half, std::vector<std::string>> found;
  static int tried = 0;
  while (found[half].size() <= number) {
    const std::string family = Cat("00/family ", tried++);
    found[HalfOf(family)].push_back(family);
  }
  return found[half][number];
}

inline ScoreRow MakeScoreRow(const std::string& clip, const std::string& family, Label label, double logit) {
  ScoreRow row;
  row.clip = {.chunk = "00", .name = clip, .family = family, .label = label, .fold = 0};
  row.half = HalfOf(family);
  row.logit = logit;
  return row;
}

// A real and a fake of each family; fakes score `apart` above reals, with parts that see less.
inline ScoreTable DrawScoreTable(uint64_t seed, Half half, int families, double apart, double shift = 0) {
  const RandomKey key = MakeRandomKey(seed, "score rows");
  ScoreTable table{.plan_digest = "", .attributes = {"brightness"}, .rows = {}};
  uint64_t counter = 0;
  for (int family = 0; family < families; ++family) {
    const std::string& name = FamilyOfHalf(half, static_cast<size_t>(family));
    const double brightness = RandomUniform(key, counter++);
    for (const Label label : {Label::kReal, Label::kFake}) {
      const double side = label == Label::kFake ? apart / 2 : -apart / 2;
      ScoreRow row =
          MakeScoreRow(Cat(name, ToString(label)), name, label, side + RandomNormal(key, counter++) + shift);
      row.parts = {row.logit, row.logit / 3 + RandomNormal(key, counter++), RandomNormal(key, counter++)};
      row.attributes = {brightness};
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace interceptor::worker
