// Where a specialist treats real and fake clips, or one kind of clip and another, differently, and what the run's
// sampling does about it. Values alone; worker/evaluation measures them. docs/evaluation.md, "Bias". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace interceptor {

// A difference of two shares with its 95 % interval, paired, bootstrap over families.
struct Gap {
  double estimate = 0;
  double low = 0;
  double high = 0;
  // Under 30 families of a class on one side of it: of a slice nothing else is given then.
  bool too_few = true;

  friend bool operator==(const Gap&, const Gap&) = default;
};

// Clips of one range of an attribute, or of one chunk. A clip without the attribute is in no slice of it.
struct SliceBias {
  std::string attribute;  // "brightness", ..., "chunk"
  std::string slice;      // "dark", ..., "00"
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t real_families = 0;
  int64_t fake_families = 0;
  double auc = 0;      // within the slice; 0 when it lacks a class
  Gap real_fake;       // accuracy on the slice's reals - on its fakes
  Gap false_positive;  // share of reals called fake: in the slice - in the attribute's other slices
  Gap false_negative;  // share of fakes called real, likewise
  // The p-values of the last two, adjusted over all slices; in alarm is a slice that is worse than the others.
  double false_positive_p = 1;
  double false_negative_p = 1;
  bool alarm = false;

  friend bool operator==(const SliceBias&, const SliceBias&) = default;
};

// Of slices that are called worse than the others without being so.
inline constexpr double kFalseDiscoveryRate = 0.05;

struct BiasReport {
  bool calibrated = false;  // of calibrated ratios, else of raw logits
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t abstained = 0;          // left out of all that follows
  Gap real_fake;                  // accuracy on reals - on fakes
  double spread = 0;              // between the 5 % and 95 % quantiles of P(fake)
  double called_fake = 0;         // class-balanced share
  bool collapsed = false;         // the spread is under .02
  bool one_class = false;         // at least .98 are called one class
  std::vector<SliceBias> slices;  // every one that holds a clip, by attribute and range

  friend bool operator==(const BiasReport&, const BiasReport&) = default;
};

// So much of a chunk's batch positions shows pairs whose clip of one class is of the slice, and whose other clip is not.
struct SamplingWeight {
  std::string attribute;
  std::string slice;
  bool fake = false;  // the class of the slice's clip
  double share = 0;   // in (0, 0.4], all of a run together too

  friend bool operator==(const SamplingWeight&, const SamplingWeight&) = default;
};

// What a run knows of its bias after a chunk.
struct Bias {
  BiasReport before;                          // of the raw logits, its slices left out
  BiasReport after;                           // of the calibrated ratios
  std::vector<SamplingWeight> next_sampling;  // of the next chunk

  friend bool operator==(const Bias&, const Bias&) = default;
};

// What is in alarm, for people: "brightness dark: reals called fake 0.31 [0.22, 0.40] more often than elsewhere; ...".
// Empty: nothing is.
std::string DescribeAlarms(const BiasReport& report);

}  // namespace interceptor
