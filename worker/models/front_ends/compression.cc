// CM: was the face compressed once more than what is around it? A second compression on another 8x8 grid
// leaves small coefficients at that grid's places, steps at its edges and holes in the histograms of
// coefficients; the codec's own quantisers tell how hard each macroblock was pressed the last time. After
// Farid, "Exposing digital forgeries from JPEG ghosts", 2009; Lukas, Fridrich, "Estimation of primary
// quantization matrix in double compressed JPEG images", 2003; Luo, Qu, Huang, Qiu, "A novel method for
// detecting cropped and recompressed image block", 2007.
#include <vector>

#include "worker/models/front_ends/figures.h"
#include "worker/models/front_ends/front_end.h"
#include "worker/models/front_ends/patch_canvas.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kBlock = 8;
constexpr int64_t kCoefficients = kBlock * kBlock;
// Coefficients whose two frequencies sum up to this: an earlier compression pressed them to zero, and the last one
// left them.
constexpr int64_t kFrequencyMin = 3;
constexpr int64_t kFrequencyMax = 6;
// A coefficient of this size is half as small as zero, in levels of luma.
constexpr double kSmall = 4.0;
// The codec's own transforms lie on multiples of it.
constexpr int64_t kCodecGrid = 4;
constexpr double kQuantiserMax = 51;
// What tells places apart is a 150th of the shares.
constexpr double kPeakScale = 150;
// How far one place of 48 stands out of any face: less than that says nothing.
constexpr double kChancePeak = 0.03;

// Frames and places as one dimension of samples: [samples * 4, 1, side, side].
at::Tensor Flat(const at::Tensor& luma) { return luma.reshape({-1, 1, kPatchPixels, kPatchPixels}); }

at::Tensor Unflat(const at::Tensor& values) {
  return values.reshape({-1, kPatchFrames, kComparedPlaces, values.size(1)});
}

// [columns, kGridPhases]: means over the columns of one phase, the first of which has phase 1.
at::Tensor FoldMatrix() {
  at::Tensor fold = at::zeros({kPatchPixels - 2, kGridPhases}, at::kFloat);
  for (int64_t i = 0; i < kPatchPixels - 2; ++i) fold[i][(i + 1) % kGridPhases] = 1;
  return fold.div(fold.sum(0, true));
}

// [kCoefficients, kFrequencyMax]: the mean of the coefficients whose two frequencies sum up to 1, 2, ...
at::Tensor FrequencyMatrix() {
  at::Tensor sums = at::zeros({kCoefficients, kFrequencyMax}, at::kFloat);
  for (int64_t k = 1; k < kCoefficients; ++k) {
    const int64_t frequency = k / kBlock + k % kBlock;
    if (frequency <= kFrequencyMax) sums[k][frequency - 1] = 1;
  }
  return sums.div(sums.sum(0, true));
}

class CompressionFrontEnd : public FrontEnd {
 public:
  CompressionFrontEnd(FrontEndMode mode, at::Device device)
      : mode_(mode),
        device_(device),
        transform_(BlockTransform().to(device)),
        fold_(FoldMatrix().to(device)),
        by_frequency_(FrequencyMatrix().to(device)) {
    std::vector<int64_t> pressed;
    for (int64_t k = 0; k < kCoefficients; ++k) {
      const int64_t frequency = k / kBlock + k % kBlock;
      if (frequency >= kFrequencyMin && frequency <= kFrequencyMax) pressed.push_back(k);
    }
    std::vector<int64_t> foreign;
    for (int64_t place = 0; place < kGridPlaces; ++place) {
      if (place / kBlock % kCodecGrid != 0 || place % kBlock % kCodecGrid != 0) foreign.push_back(place);
    }
    foreign_places_ = at::tensor(foreign).to(device);
    pressed_ = transform_.index_select(0, at::tensor(pressed).to(device));
  }

  NetworkInput Extract(const SpecialistInput& input, int side,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const Patches patches = OpenPatches(input, augmentations, device_);
    NetworkInput out = {
        .pictures = CanvasPictures(patches.luma, side, CanvasPatchSide(side)), .map = {}, .figures = {}};
    if (mode_ == FrontEndMode::kViewsOnly) return out;
    const at::Tensor flat = Flat(patches.luma);
    const at::Tensor coefficients = at::conv2d(flat, transform_, {}, kBlock);
    out.map = Map(coefficients, side);
    const at::Tensor small = SmallByPlace(flat);
    out.figures = at::cat({Phases(patches.luma, 4), Phases(patches.luma, 3), GridPlaces(small),
                           Histograms(coefficients), Peaks(small), Quantisers(patches)},
                          1);
    return out;
  }

  // How far the foreign place with most small coefficients stands out, in each frame by itself since the grid
  // moves with the face; and how far power falls from low frequencies, which compression leaves, to the pressed
  // ones. The face alone: rings vary with what they show more than the operation changes a face.
  at::Tensor Statistic(const SpecialistInput& input,
                       std::span<const Augmentation> augmentations) const override {
    const at::NoGradGuard no_grad;
    const at::Tensor flat = Flat(OpenPatches(input, augmentations, device_).luma);
    const at::Tensor foreign = SmallByPlace(flat).select(2, 0).index_select(2, foreign_places_);
    const at::Tensor peak = foreign.amax(2).sub(std::get<0>(foreign.median(2)));
    const at::Tensor power = LogPower(flat).select(2, 0);
    const at::Tensor fall = power.narrow(2, 0, kFrequencyMin)
                                .mean(2)
                                .sub(power.narrow(2, kFrequencyMin, kFrequencyMax - kFrequencyMin).mean(2));
    return fall.div(6).add(peak.sub(kChancePeak).clamp_min_(0)).mean(1);
  }

 private:
  at::Tensor Map(const at::Tensor& coefficients, int64_t side) const {
    const int64_t cells = CanvasPatchSide(side) / kBlock;
    const at::Tensor logs = at::log1p(coefficients.narrow(2, 0, cells).narrow(3, 0, cells).abs()).div_(2);
    return Canvas(logs.reshape({-1, kPatchFrames, kComparedPlaces, kCoefficients, cells, cells}),
                  side / kBlock);
  }

  // How strongly luma bends at each phase of the coded grid across `dimension`.
  at::Tensor Phases(const at::Tensor& luma, int64_t dimension) const {
    const int64_t inside = kPatchPixels - 2;
    const auto at = [&](int64_t begin) { return luma.narrow(dimension, begin, inside); };
    const at::Tensor bend =
        at(1).mul(2).sub_(at(0)).sub_(at(2)).abs_().clamp_max_(16).mean(dimension == 4 ? 3 : 4);
    const at::Tensor folded = at::matmul(bend, fold_).add_(0.25).log_();
    return InnerAndDifference(folded.sub(folded.mean(3, true))).mul_(5);
  }

  // The level of all places, which texture decides, apart from what distinguishes them, which is a twentieth of it.
  static at::Tensor GridPlaces(const at::Tensor& small) {
    const at::Tensor level = small.mean(3, true);
    return InnerAndDifference(at::cat({small.sub(level).mul_(kPeakScale), level.mul(8)}, 3));
  }

  // Of the inner face: what the five foreign places with most small coefficients have above the middle one, what the
  // last two have below it, and how far all lie apart. The grid of an earlier compression may lie anywhere.
  at::Tensor Peaks(const at::Tensor& small) const {
    const at::Tensor foreign = small.select(2, 0).mean(1).index_select(1, foreign_places_).mul(kPeakScale);
    const at::Tensor above = std::get<0>(foreign.sort(1, /*descending=*/true))
                                 .sub(std::get<0>(foreign.median(1, /*keepdim=*/true)));
    const int64_t places = above.size(1);
    return at::cat({above.narrow(1, 0, 5), above.narrow(1, places - 2, 2), foreign.std(1, true, true)}, 1);
  }

  // The share of small coefficients for each of the 64 places that an 8x8 grid can have: [samples, frames, places,
  // kGridPlaces].
  at::Tensor SmallByPlace(const at::Tensor& flat) const {
    // Without the outermost blocks, which hardly count.
    constexpr int64_t kBlocks = kPatchPixels / kBlock - 3;
    constexpr int64_t kSide = (kBlocks + 1) * kBlock - 1;
    const at::Tensor all = at::conv2d(flat.narrow(2, kBlock, kSide).narrow(3, kBlock, kSide), pressed_);
    const at::Tensor small = all.div(kSmall).square_().add_(1).reciprocal_().mean(1);
    const at::Tensor weights = CentreWeights(kBlocks, device_);
    const at::Tensor by_place = small.reshape({-1, kBlocks, kBlock, kBlocks, kBlock})
                                    .mul(weights.view({kBlocks, 1, 1, 1}))
                                    .mul(weights.view({kBlocks, 1}))
                                    .sum({1, 3})
                                    .flatten(1);
    return Unflat(by_place);
  }

  // For each sum of two frequencies from 1 to kFrequencyMax, the logarithm of the mean power of its coefficients:
  // [samples, frames, places, kFrequencyMax].
  at::Tensor LogPower(const at::Tensor& flat) const {
    const at::Tensor weights = CentreWeights(kPatchPixels / kBlock, device_);
    const at::Tensor power =
        at::matmul(at::matmul(at::conv2d(flat, transform_, {}, kBlock).square_(), weights), weights);
    return Unflat(at::matmul(power, by_frequency_).add_(0.1).log_());
  }

  // Of the nine lowest AC coefficients, soft bins of the logarithm of their size.
  at::Tensor Histograms(const at::Tensor& coefficients) const {
    std::vector<int64_t> lowest;
    for (int64_t sum = 1; std::ssize(lowest) < kHistogramCoefficients; ++sum) {
      for (int64_t v = 0; v <= sum && std::ssize(lowest) < kHistogramCoefficients; ++v)
        lowest.push_back(v * kBlock + (sum - v));
    }
    const at::Tensor sizes =
        coefficients.index_select(1, at::tensor(lowest).to(device_)).abs().add_(1).log2_();
    const at::Tensor bins = at::arange(kHistogramBins, sizes.options()).mul_(0.7);
    const at::Tensor shares =
        sizes.flatten(2).unsqueeze(3).sub(bins).abs_().div_(0.7).neg_().add_(1).clamp_min_(0).mean(2);
    return InnerAndDifference(Unflat(shares.flatten(1))).mul_(5);
  }

  at::Tensor Quantisers(const Patches& patches) const {
    const at::Tensor known = patches.quantisers_known.mean(1);  // [samples, places]
    const at::Tensor mean = patches.quantisers.mean(1).div(kQuantiserMax);
    const at::Tensor difference = mean.select(1, 0).sub(mean.select(1, 1)).mul_(10);
    return at::stack({mean.select(1, 0), mean.select(1, 1), difference, known.mean(1)}, 1);
  }

  const FrontEndMode mode_;
  const at::Device device_;
  const at::Tensor transform_;
  const at::Tensor fold_;
  const at::Tensor by_frequency_;
  at::Tensor pressed_;
  at::Tensor foreign_places_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeCompressionFrontEnd(FrontEndMode mode, at::Device device) {
  return std::make_unique<CompressionFrontEnd>(mode, device);
}

}  // namespace interceptor::worker
