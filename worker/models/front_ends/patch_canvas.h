// Luma patches as tensors, shared by the front ends that compare the inner face with the ring around it. For .cc
// files that include models/torch.h.
#pragma once

#include <span>

#include "worker/models/specialist.h"
#include "worker/models/torch.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

inline constexpr int64_t kCanvasFrames = 2;

struct Patches {
  at::Tensor luma;        // [samples, kPatchFrames, kComparedPlaces, kPatchPixels, kPatchPixels], 0 to 255
  at::Tensor quantisers;  // [samples, kPatchFrames, kComparedPlaces]: mean of the known ones; 0 where none is
  at::Tensor quantisers_known;  // the same shape: the share that is known
};

// On `device`, flipped where the augmentation says so.
Patches OpenPatches(const SpecialistInput& input, std::span<const Augmentation> augmentations,
                    at::Device device);

// [samples, ..., width], mirrored where the augmentation says so.
at::Tensor FlipWhereDrawn(const at::Tensor& pictures, std::span<const Augmentation> augmentations);

// Side of the part of a patch that a canvas of `side` has room for, a multiple of 16.
int64_t CanvasPatchSide(int64_t side);

// [samples, channels, side, side] of maps [samples, frames, kComparedPlaces, channels, h, w]: of the first kCanvasFrames frames a
// row each, the inner face at the left, the ring at the right, each from its upper left corner, zeros between. A patch
// begins at a multiple of 16 pixels where `side` is one of 32, so the coded grid goes on across the canvas.
at::Tensor Canvas(const at::Tensor& maps, int64_t side);

// What the backbone sees: grey pictures, of each the upper left `part` pixels, on a canvas, normalised, channels
// last.
at::Tensor CanvasPictures(const at::Tensor& luma, int64_t side, int64_t part);

// [length]: weights that fall to nothing at the borders of a patch, where a small face has ended; they sum up to one.
at::Tensor CentreWeights(int64_t length, at::Device device);

// Of values [samples, kPatchFrames, kComparedPlaces, n], mean of the frames: inner face minus ring, [samples, n].
at::Tensor InnerMinusRing(const at::Tensor& values);
// The inner face's, then that: [samples, 2 * n]. What an operation does shows in the face; whether the whole picture has
// it too shows in the difference.
at::Tensor InnerAndDifference(const at::Tensor& values);

// Orthonormal 8x8 cosine transforms as convolution kernels [64, 1, 8, 8], row-major by vertical, then
// horizontal frequency.
at::Tensor BlockTransform();

}  // namespace interceptor::worker
