// How many figures each front end gives. Pure; no LibTorch.
#pragma once

namespace interceptor::worker {

// What CM, RR and LL measure stands twice: of the inner face, and how it differs from the ring.
//
// Second differences by phase of the coded grid, both ways; small coefficients by place of an 8x8 grid and at all;
// histograms of AC coefficients. Once: how far the places of the inner face stand out, whichever they are; quantisers.
inline constexpr int kGridPhases = 16;
inline constexpr int kGridPlaces = 64;
inline constexpr int kHistogramCoefficients = 9;
inline constexpr int kHistogramBins = 11;
inline constexpr int kPeakFigures = 8;
inline constexpr int kQuantiserFigures = 4;
inline constexpr int kCompressionFigures =
    2 * (2 * kGridPhases + kGridPlaces + 1 + kHistogramCoefficients * kHistogramBins) + kPeakFigures +
    kQuantiserFigures;

// Log power by radius and by angle; how large differences of first to third order are beside each other, how many are
// none, and how light it is.
inline constexpr int kRadialBins = 32;
inline constexpr int kAngularBins = 16;
inline constexpr int kDifferenceFigures = 6;
inline constexpr int kResolutionFigures = 2 * (kRadialBins + kAngularBins + kDifferenceFigures);

// Log noise of the inner face by luma level and how it differs from the ring's, which levels both places have, how large
// the differences are, their mean and its size.
inline constexpr int kLumaLevels = 16;
inline constexpr int kLowLightFigures = 4 * kLumaLevels + 2;

// Growth of differences with the distance in time, of each of three regions; of each pair of them the difference of
// that, correlations of velocities at each lag, and how unsteady their relative velocity is; of each alone the
// correlations with itself and its unsteadiness; rhythm of the motion of each.
inline constexpr int kMotionRegions = 3;
inline constexpr int kGrowthFigures = 6;
inline constexpr int kVelocityLags = 4;
inline constexpr int kUnsteadinessFigures = 3;
inline constexpr int kRhythmBins = 7;
inline constexpr int kTemporalFigures =
    kMotionRegions * (2 * kGrowthFigures + 3 * kVelocityLags + 1 + 2 * kUnsteadinessFigures + kRhythmBins);

// For each of three measures of the mouth and four bands of the sound the correlation at each lag; its largest value,
// how far away that lies, and the largest near no lag.
inline constexpr int kSyncLags = 15;
inline constexpr int kMouthSignals = 3;
inline constexpr int kSoundBands = 4;
inline constexpr int kAudioVisualFigures = kMouthSignals * kSoundBands * (2 * kSyncLags + 1 + 3);

// Colour and sharpness by distance from the middle of the face.
inline constexpr int kRings = 8;
inline constexpr int kRingMeasures = 5;
inline constexpr int kBackgroundFigures = kRingMeasures * kRings;

}  // namespace interceptor::worker
