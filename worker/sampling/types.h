// The words of the worker as types (docs/ARCHITECTURE.md explains them). Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/facts/cursor.h"

namespace interceptor::worker {

enum class Label { kReal, kFake };

// The order is the order of every table.
enum class SpecialistName { kBG, kAV, kCM, kRR, kLL, kTM };

inline constexpr SpecialistName kAllSpecialists[] = {SpecialistName::kBG, SpecialistName::kAV,
                                                     SpecialistName::kCM, SpecialistName::kRR,
                                                     SpecialistName::kLL, SpecialistName::kTM};

std::string_view ToString(Label label);                // "REAL", "FAKE"
std::string_view ToString(SpecialistName specialist);  // "BG" ...
std::optional<Label> ParseLabel(std::string_view text);
std::optional<SpecialistName> ParseSpecialist(std::string_view text);

// What one specialist looks at in a clip. Numbers and names stand in files: append only.
enum class View {
  kFullFrame,
  kFaceCrop,
  kLumaPatches,
  kMouthTrack,
  kLogMel,
  kBurst,
  kCodecFacts,
  kBlockMask
};

inline constexpr View kAllViews[] = {View::kFullFrame, View::kFaceCrop, View::kLumaPatches, View::kMouthTrack,
                                     View::kLogMel,    View::kBurst,    View::kCodecFacts,  View::kBlockMask};

std::string_view ToString(View view);  // "full_frame", "face_crop", ...
std::optional<View> ParseView(std::string_view text);

// A clip as the data manifest knows it.
struct ClipInfo {
  std::string chunk;   // "00"
  std::string name;    // "abcdefghij.mp4"
  std::string family;  // "00/klmnopqrst.mp4": chunk / original
  Label label = Label::kReal;
  int fold = 0;
};

}  // namespace interceptor::worker
