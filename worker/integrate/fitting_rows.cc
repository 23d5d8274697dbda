#include "worker/integrate/fitting_rows.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace interceptor::worker {
namespace {

constexpr std::string_view kFacePixels = "face_pixels";  // 0 without a face

void Widen(const std::vector<std::string>& attributes, const ScoreRow& row,
           std::map<std::string, AttributeRange>& ranges) {
  for (size_t i = 0; i < attributes.size(); ++i) {
    const double value = row.attributes[i];
    if (std::isnan(value) || (value == 0 && attributes[i] == kFacePixels)) continue;
    AttributeRange& range = ranges.try_emplace(attributes[i], AttributeRange{value, value}).first->second;
    range = {std::min(range.low, value), std::max(range.high, value)};
  }
}

class FamilyCount {
 public:
  void Add(const ScoreRow& row) {
    if (!row.abstained) families_[row.clip.label].insert(row.clip.family);
  }
  bool Suffices() {
    return std::min(families_[Label::kReal].size(), families_[Label::kFake].size()) >= kFittingFamilies;
  }

 private:
  std::map<Label, std::set<std::string>> families_;
};

// Newest first.
std::vector<const ScoreTable*> UpTo(int64_t step, const LookAheadTables& tables) {
  std::vector<const ScoreTable*> known;
  for (const ScoreTable& table : tables) {
    if (!table.rows.empty() && table.rows.front().step <= step) known.push_back(&table);
  }
  std::ranges::stable_sort(known, std::ranges::greater(),
                           [](const ScoreTable* table) { return table->rows.front().step; });
  return known;
}

}  // namespace

FittingRows MakeFittingRows(const ScoreTable& held_out, const LookAheadTables& look_ahead) {
  const int held_out_fold = held_out.rows.front().clip.fold;
  SplitTable split = SplitByHalf(held_out, held_out_fold);
  FittingRows rows{
      .calibrate = std::move(split.calibrate), .report = std::move(split.report), .attributes = {}};
  FamilyCount families;
  for (const ScoreRow& row : rows.calibrate.rows) {
    families.Add(row);
    Widen(held_out.attributes, row, rows.attributes);
  }
  // Only logits are fitted on, and tables may name attributes in another order.
  for (ScoreRow& row : rows.calibrate.rows) row.attributes.clear();
  rows.calibrate.attributes.clear();
  for (const ScoreTable* table : UpTo(held_out.rows.front().step, look_ahead)) {
    if (families.Suffices()) break;
    for (const ScoreRow& row : table->rows) {
      // Held-out families stand in the held-out table, scored by the newest state.
      if (row.clip.fold == held_out_fold) continue;
      families.Add(row);
      Widen(table->attributes, row, rows.attributes);
      rows.calibrate.rows.push_back(row);
      rows.calibrate.rows.back().attributes.clear();
    }
  }
  return rows;
}

}  // namespace interceptor::worker
