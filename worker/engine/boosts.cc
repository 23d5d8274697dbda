#include "worker/engine/boosts.h"

#include <utility>

#include "common/base/log.h"
#include "worker/evaluation/slices.h"

namespace interceptor::worker {
namespace {

bool IsOfSlice(const StoredClip& clip, const SamplingWeight& weight) {
  const auto value = clip.attributes.find(weight.attribute);
  return value != clip.attributes.end() && LiesIn(weight.attribute, weight.slice, value->second);
}

}  // namespace

std::vector<Boost> FindBoosts(const std::vector<SamplingWeight>& weights, const ClipList& base,
                              const ClipList& replay) {
  std::vector<Boost> boosts;
  for (const SamplingWeight& weight : weights) {
    Boost boost{.share = weight.share, .clips = {}, .partners = {}};
    for (const bool is_replay : {false, true}) {
      const ClipList& list = is_replay ? replay : base;
      for (uint32_t i = 0; i < list.clips.size(); ++i) {
        const bool in_slice = IsOfSlice(*list.clips[i], weight);
        const bool of_class = (list.infos[i].label == Label::kFake) == weight.fake;
        if (in_slice == of_class) (in_slice ? boost.clips : boost.partners).push_back({is_replay, i});
      }
    }
    if (boost.clips.empty() || boost.partners.empty()) {
      ICPT_LOG(kWarning) << "no more " << (weight.fake ? "fakes" : "reals") << " of " << weight.attribute
                         << " " << weight.slice << " are shown: the chunk has "
                         << (boost.clips.empty() ? "none" : "no clips of the other class elsewhere");
      continue;
    }
    boosts.push_back(std::move(boost));
  }
  return boosts;
}

double ShareOf(const std::vector<Boost>& boosts) {
  double share = 0;
  for (const Boost& boost : boosts) share += boost.share;
  return share;
}

}  // namespace interceptor::worker
