#include "worker/evaluation/bias.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/base/status.h"
#include "common/io/json_fields.h"
#include "common/stats/false_discovery.h"
#include "common/stats/ranking.h"
#include "worker/child_protocol/fact_fields.h"
#include "worker/evaluation/slices.h"

namespace interceptor::worker {
namespace {

// Clips and mistakes of each class, under some weights.
class Tally {
 public:
  static uint8_t CellOf(bool fake, bool wrong) {
    return static_cast<uint8_t>((fake ? 1 : 0) + (wrong ? 2 : 0));
  }

  void Add(uint8_t cell, int64_t weight) { cells_[cell] += weight; }
  void Add(const Tally& other) {
    for (size_t cell = 0; cell < cells_.size(); ++cell) cells_[cell] += other.cells_[cell];
  }
  void Remove(const Tally& other) {
    for (size_t cell = 0; cell < cells_.size(); ++cell) cells_[cell] -= other.cells_[cell];
  }
  int64_t Clips(bool fake) const { return cells_[CellOf(fake, false)] + cells_[CellOf(fake, true)]; }
  double ErrorRate(bool fake) const {
    return static_cast<double>(cells_[CellOf(fake, true)]) / static_cast<double>(Clips(fake));
  }
  // Accuracy on reals - on fakes.
  double RealFakeGap() const { return ErrorRate(true) - ErrorRate(false); }

 private:
  std::array<int64_t, 4> cells_ = {};
};

// A slice with who is in it; `group` numbers the attributes.
struct Slice {
  size_t group = 0;
  std::string attribute;
  std::string name;
  std::array<std::set<std::string_view>, 2> families;  // with a real, with a fake
};

// The clips that are not abstained from, and which slices each stands in. REQUIRES: `rows` outlives it.
class Slicing {
 public:
  Slicing(const CalibrationRows& rows, const SpecialistCalibration& calibration) {
    std::vector<std::pair<const SlicedAttribute*, size_t>> known;  // with the attribute's place in a row
    for (const SlicedAttribute& each : SlicedAttributes()) {
      const auto place = std::find(rows.attributes().begin(), rows.attributes().end(), each.name);
      if (place != rows.attributes().end()) known.emplace_back(&each, place - rows.attributes().begin());
    }
    groups_ = known.size() + 1;
    for (const ScoreRow& row : rows.rows()) {
      if (row.abstained) continue;
      const bool fake = row.clip.label == Label::kFake;
      ratios_.push_back(calibration.LogRatio(row));
      members_.push_back({row.clip.family, fake});
      cells_.push_back(Tally::CellOf(fake, (ratios_.back() >= 0) != fake));
      for (size_t group = 0; group < known.size(); ++group) {
        const auto& [sliced, place] = known[group];
        const double value = row.attributes[place];
        if (std::isnan(value)) {
          slices_of_.push_back(kNone);
        } else {
          const size_t range = sliced->SliceOf(value);
          Enter(row, {group, range, std::string(sliced->slices[range])}, sliced->name);
        }
      }
      Enter(row, {known.size(), 0, row.clip.chunk}, "chunk");
    }
  }

  const std::vector<ClipMember>& members() const { return members_; }
  const std::vector<double>& ratios() const { return ratios_; }
  const std::vector<Slice>& slices() const { return slices_; }
  // Indexes of slices by attribute and range.
  std::vector<size_t> Order() const {
    std::vector<size_t> order;
    for (const auto& [key, index] : index_) order.push_back(index);
    return order;
  }

  // Clip i counts weights[i] times.
  void Count(const std::vector<int32_t>& weights, Tally& all, std::vector<Tally>& of_slices) const {
    all = {};
    of_slices.assign(slices_.size(), {});
    const uint32_t* slice = slices_of_.data();
    for (size_t i = 0; i < weights.size(); ++i, slice += groups_) {
      if (weights[i] == 0) continue;
      all.Add(cells_[i], weights[i]);
      for (size_t group = 0; group < groups_; ++group) {
        if (slice[group] != kNone) of_slices[slice[group]].Add(cells_[i], weights[i]);
      }
    }
  }

  size_t groups() const { return groups_; }

  // Of the slice's own clips; 0 when they lack a class.
  double AucOf(size_t slice) const {
    std::vector<ScoredLabel> own;
    for (size_t i = 0; i < ratios_.size(); ++i) {
      const auto first = slices_of_.begin() + static_cast<std::ptrdiff_t>(i * groups_);
      const auto end = first + static_cast<std::ptrdiff_t>(groups_);
      if (std::find(first, end, slice) != end) own.push_back({ratios_[i], members_[i].fake});
    }
    return Auc(own).value_or(0);
  }

 private:
  using Key = std::tuple<size_t, size_t, std::string>;
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  void Enter(const ScoreRow& row, const Key& key, std::string_view attribute) {
    const auto [at, is_new] = index_.try_emplace(key, slices_.size());
    if (is_new) {
      slices_.push_back({.group = std::get<0>(key),
                         .attribute = std::string(attribute),
                         .name = std::get<2>(key),
                         .families = {}});
    }
    slices_[at->second].families[row.clip.label == Label::kFake].insert(row.clip.family);
    slices_of_.push_back(static_cast<uint32_t>(at->second));
  }

  size_t groups_ = 0;
  std::map<Key, size_t> index_;
  std::vector<Slice> slices_;
  std::vector<ClipMember> members_;
  std::vector<double> ratios_;
  std::vector<uint8_t> cells_;
  std::vector<uint32_t> slices_of_;  // of every clip one for each attribute, or kNone
};

// Counts of every slice and of every attribute's slices together.
class SliceTallies {
 public:
  explicit SliceTallies(const Slicing& slicing) : slicing_(slicing) {}

  void Count(const std::vector<int32_t>& weights) {
    slicing_.Count(weights, all_, slices_);
    groups_.assign(slicing_.groups(), {});
    for (size_t s = 0; s < slices_.size(); ++s) groups_[slicing_.slices()[s].group].Add(slices_[s]);
  }

  const Tally& all() const { return all_; }
  const Tally& of(size_t slice) const { return slices_[slice]; }
  Tally Elsewhere(size_t slice) const {
    Tally rest = groups_[slicing_.slices()[slice].group];
    rest.Remove(slices_[slice]);
    return rest;
  }

 private:
  const Slicing& slicing_;
  Tally all_;
  std::vector<Tally> slices_;
  std::vector<Tally> groups_;
};

enum class GapKind { kRealFake, kFalsePositive, kFalseNegative };

// A gap that enough families stand on both sides of.
struct Measured {
  size_t slice = 0;
  GapKind kind = GapKind::kRealFake;
};

bool Enough(const std::set<std::string_view>& families) {
  return std::ssize(families) >= kFamiliesPerClassMin;
}

// Families of the class in the attribute's other slices.
std::set<std::string_view> FamiliesElsewhere(const std::vector<Slice>& slices, size_t slice, bool fake) {
  std::set<std::string_view> families;
  for (size_t other = 0; other < slices.size(); ++other) {
    if (other == slice || slices[other].group != slices[slice].group) continue;
    families.insert(slices[other].families[fake].begin(), slices[other].families[fake].end());
  }
  return families;
}

std::vector<Measured> WhatCanBeMeasured(const Slicing& slicing) {
  std::vector<Measured> measured;
  const std::vector<Slice>& slices = slicing.slices();
  for (const size_t s : slicing.Order()) {
    const auto& families = slices[s].families;
    if (Enough(families[false]) && Enough(families[true])) measured.push_back({.slice = s});
    for (const bool fake : {false, true}) {
      if (!Enough(families[fake]) || !Enough(FamiliesElsewhere(slices, s, fake))) continue;
      measured.push_back({.slice = s, .kind = fake ? GapKind::kFalseNegative : GapKind::kFalsePositive});
    }
  }
  return measured;
}

double Measure(const SliceTallies& tallies, const Measured& what) {
  if (what.kind == GapKind::kRealFake) return tallies.of(what.slice).RealFakeGap();
  const bool fake = what.kind == GapKind::kFalseNegative;
  return tallies.of(what.slice).ErrorRate(fake) - tallies.Elsewhere(what.slice).ErrorRate(fake);
}

Gap GapOf(const Interval& interval) {
  return {
      .estimate = interval.estimate, .low = interval.low, .high = interval.high, .too_few = interval.too_few};
}

// Of the gaps of one kind, each slice's p-value or none. Each kind is a set of tests of its own.
absl::Status RaiseAlarms(const std::vector<std::optional<double>>& p_values, std::vector<SliceBias>& slices,
                         Gap SliceBias::*gap, double SliceBias::*adjusted) {
  std::vector<double> known;
  for (const std::optional<double>& p : p_values) {
    if (p) known.push_back(*p);
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<double> all, AdjustByFalseDiscoveryRate(known));
  size_t next = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!p_values[i]) continue;
    slices[i].*adjusted = all[next++];
    if (slices[i].*adjusted <= kFalseDiscoveryRate && (slices[i].*gap).estimate > 0) slices[i].alarm = true;
  }
  return absl::OkStatus();
}

void JudgeSpread(std::vector<double> ratios, const Tally& all, BiasReport& report) {
  std::sort(ratios.begin(), ratios.end());
  const auto p_at = [&](double share) {
    const double ratio = ratios[static_cast<size_t>(share * static_cast<double>(ratios.size() - 1))];
    return 1 / (1 + std::exp(-ratio));
  };
  report.spread = p_at(0.95) - p_at(0.05);
  report.collapsed = report.spread < kSpreadMin;
  report.called_fake = (all.ErrorRate(false) + 1 - all.ErrorRate(true)) / 2;
  report.one_class = std::max(report.called_fake, 1 - report.called_fake) >= kOneClassShare;
}

}  // namespace

absl::StatusOr<BiasReport> MakeBiasReport(const CalibrationRows& rows,
                                          const SpecialistCalibration& calibration,
                                          const BootstrapOptions& options) {
  const Slicing slicing(rows, calibration);
  const std::vector<Measured> measured = WhatCanBeMeasured(slicing);
  SliceTallies tallies(slicing);
  const auto gaps = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<std::vector<double>> {
    tallies.Count(weights);
    std::vector<double> values = {tallies.all().RealFakeGap()};
    for (const Measured& each : measured) values.push_back(Measure(tallies, each));
    return values;
  };
  ICPT_ASSIGN_OR_RETURN(const std::vector<Interval> intervals,
                        FamilyIntervals(slicing.members(), gaps, options));

  tallies.Count(std::vector<int32_t>(slicing.members().size(), 1));
  const Tally& all = tallies.all();
  BiasReport report{.calibrated = calibration.calibrated,
                    .reals = all.Clips(false),
                    .fakes = all.Clips(true),
                    .abstained = static_cast<int64_t>(rows.rows().size() - slicing.members().size()),
                    .real_fake = GapOf(intervals[0]),
                    .slices = {}};
  JudgeSpread(slicing.ratios(), all, report);
  std::vector<std::optional<double>> false_positive_p;
  std::vector<std::optional<double>> false_negative_p;
  for (const size_t s : slicing.Order()) {
    const Slice& slice = slicing.slices()[s];
    SliceBias bias{.attribute = slice.attribute,
                   .slice = slice.name,
                   .reals = tallies.of(s).Clips(false),
                   .fakes = tallies.of(s).Clips(true),
                   .real_families = std::ssize(slice.families[0]),
                   .fake_families = std::ssize(slice.families[1]),
                   .auc = slicing.AucOf(s)};
    false_positive_p.emplace_back();
    false_negative_p.emplace_back();
    for (size_t m = 0; m < measured.size(); ++m) {
      if (measured[m].slice != s) continue;
      Gap gap = GapOf(intervals[m + 1]);
      gap.too_few = false;
      if (measured[m].kind == GapKind::kRealFake) {
        bias.real_fake = gap;
      } else if (measured[m].kind == GapKind::kFalsePositive) {
        bias.false_positive = gap;
        false_positive_p.back() = intervals[m + 1].p_value;
      } else {
        bias.false_negative = gap;
        false_negative_p.back() = intervals[m + 1].p_value;
      }
    }
    report.slices.push_back(std::move(bias));
  }
  ICPT_RETURN_IF_ERROR(
      RaiseAlarms(false_positive_p, report.slices, &SliceBias::false_positive, &SliceBias::false_positive_p));
  ICPT_RETURN_IF_ERROR(
      RaiseAlarms(false_negative_p, report.slices, &SliceBias::false_negative, &SliceBias::false_negative_p));
  return report;
}

nlohmann::json ToJson(const BiasReport& report) {
  FieldWriter writer;
  BiasReport copy = report;
  Fields(writer, copy);
  return std::move(writer.object);
}

}  // namespace interceptor::worker
