// The network of one specialist: EfficientNet-B4, which sees pictures, and beside it a small branch, which sees
// the evidence that the specialist's front end draws from the stored views. The evidence joins twice: a map
// after an early stage, by a 1x1 convolution that starts at zero, and a vector beside the pooled features.
// For .cc files that include models/torch.h. One thread at a time.
#pragma once

#include <optional>

#include "worker/models/efficientnet.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {

// What a front end makes of a batch; no gradients.
struct NetworkInput {
  at::Tensor pictures;  // [samples, 3, side, side], normalised, channels last
  // Undefined where EvidenceShape has none.
  at::Tensor map;      // [samples, map_channels, height, width] as features.<map_stage> has them
  at::Tensor figures;  // [samples, figures], about unit deviation
};

// [samples, classes] each; the last two are undefined without a front end.
struct Logits {
  at::Tensor fused;      // what counts
  at::Tensor backbone;   // of the pooled features alone
  at::Tensor evidence;   // of the evidence's vector alone
  at::Tensor self_made;  // [samples]: as SelfMadeLogits
};

class Network {
 public:
  // Parameters zeroed.
  // REQUIRES: `architecture` is MakeArchitecture's for this specialist.
  Network(Architecture architecture, SpecialistName specialist, at::Device device);

  // `backbone_kept`: [samples, 1], 0 where the pooled features are left out of the fused logits so that the
  // evidence must speak for itself; undefined: they never are.
  Logits Forward(const NetworkInput& input, ForwardMode mode, const at::Tensor& backbone_kept = {});

  // [samples]: logits of "altered" against "as it was" (models/self_made.h), of the evidence's vector alone: the
  // backbone does not run.
  // REQUIRES: has_evidence().
  at::Tensor SelfMadeLogits(const NetworkInput& input) const;

  bool has_evidence() const { return evidence_.has_value(); }
  EfficientNet& backbone() { return backbone_; }
  const Architecture& architecture() const { return backbone_.architecture(); }

 private:
  struct Evidence {
    EvidenceShape shape;
    at::Tensor map, map_norm, map_norm_bias, join;
    at::Tensor figures, figures_bias;
    at::Tensor vector, vector_bias;
    at::Tensor classifier, auxiliary, auxiliary_bias;
    at::Tensor self_made, self_made_bias, self_made_join;
  };

  at::Tensor Map(const NetworkInput& input) const;
  at::Tensor Vector(const NetworkInput& input, const at::Tensor& map) const;

  EfficientNet backbone_;
  std::optional<Evidence> evidence_;
};

}  // namespace interceptor::worker
