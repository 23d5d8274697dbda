// Shapes of stored views. Those beside the plan's view_pixels are the same for every plan, since specialists
// are built on them. docs/clip-store.md says what each view holds.
#pragma once

namespace interceptor::worker {

inline constexpr int kFullFramesMax = 16;
inline constexpr int kPatchPlaces = 3;  // inner face, ring around it, background
inline constexpr int kPatchPixels = 96;
inline constexpr int kMacroblockPixels = 16;
inline constexpr int kPatchBlocks = kPatchPixels / kMacroblockPixels;
inline constexpr int kMouthWindows = 2;
inline constexpr int kMouthFrames = 64;
inline constexpr int kMouthPixels = 96;
inline constexpr double kMouthPeriodSeconds = 0.04;
inline constexpr int kMelBands = 80;
inline constexpr int kMelColumns = 4 * kMouthFrames;
inline constexpr int kBursts = 3;
inline constexpr int kBurstFrames = 16;
inline constexpr int kBurstPixels = 112;
inline constexpr int kMaskPlaces = 2;  // full_frame, face_crop
inline constexpr int kMaskCells = 28;

}  // namespace interceptor::worker
