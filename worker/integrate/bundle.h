// A bundle: the six specialists as one detector, in a folder that a detector needs nothing beside. docs/bundle.md is the
// format. Pure.
//
//   bundle.json      this description; its SHA-256 names the detector, since it holds those of the files that judge
//   weights-<specialist>.safetensors
//   the face model   where the plan names one
//   round.json       the round that it was made of: measures on held-out clips, bias, proof
//   MODEL_CARD.md    for people
//   SHA256SUMS       of all the others, as sha256sum -c reads it
//
// What is measured on the report half stands in round.json and MODEL_CARD.md alone: bundle.json does not depend on it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/integrate/fitting_rows.h"
#include "worker/integrate/fusion.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

inline constexpr int kBundleVersion = 1;
inline constexpr std::string_view kBundleDescription = "bundle.json";
inline constexpr std::string_view kBundleSums = "SHA256SUMS";

struct BundledSpecialist {
  SpecialistName specialist = SpecialistName::kBG;
  std::string weights;        // file in the bundle
  std::string architecture;   // Architecture::Stamp
  std::string preprocessing;  // of its front end
  std::string checkpoint;     // SHA-256 of the file that the weights were taken out of
  int64_t step = 0;
  std::vector<std::string> manifests;  // digests of the data manifests trained on, in order
  std::vector<std::string> lineage;    // digests of the checkpoints it descends from, oldest first
};

struct BundledFile {
  std::string name;
  std::string sha256;
  int64_t size_bytes = 0;
};

struct Bundle {
  std::string chunk;                           // after which it was made
  std::string trained_on;                      // in a person's words, "synthetic"; empty: nobody said
  RunSettings settings;                        // of the plan
  std::vector<BundledSpecialist> specialists;  // in the order of every table; more than the fusion weighs
  Fusion fusion;
  std::map<std::string, AttributeRange> attributes;  // of the clips that the fusion was fitted on
  std::vector<BundledFile> files;                    // weights and face model, by name
};

std::string WeightsName(SpecialistName specialist);

// The same bundle always gives the same bytes.
std::string FormatBundle(const Bundle& bundle);
// INVALID_ARGUMENT for anything that FormatBundle does not write, FAILED_PRECONDITION for a newer version.
absl::StatusOr<Bundle> ParseBundle(std::string_view text);

// One line a file: its digest, two spaces, its name.
std::string FormatSums(const std::map<std::string, std::string>& digest_of);
// INVALID_ARGUMENT for a line of another form, or a name that is no plain file's.
absl::StatusOr<std::map<std::string, std::string>> ParseSums(std::string_view text);

// For people: what was trained on what, what was measured, what it cannot judge. `measured`: DescribeFusion of the round.
std::string ModelCard(const Bundle& bundle, const std::string& measured);

}  // namespace interceptor::worker
