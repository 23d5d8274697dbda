// Where in a clip a specialist's statistic is large: its front end looks at places where the face is not, in the
// way in which it looks at the face. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/media/decoded_clip.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// Of BG, CM, RR, LL and TM {"reach", "values"}: the rows of a square, from the top. The value in the middle is of the
// face, the outermost ones are of places `reach` sides of the face away that move with it; each is of four moments
// that lie evenly in the clip. null where the middle of a face would not lie in the picture, or the specialist
// would abstain.
//
// Of AV {"offsets_seconds", "seconds", "values"}: a row for each offset, with the statistic of each window of mouth
// and sound, the sound taken so much later than the mouth. null where the clip has no such sound.
//
// Of all "faces": seconds, x and y of the middle, and side in pixels of the upright picture, of sampled frames.
//
// `decoded` is of `bytes`, with whole_clip. FAILED_PRECONDITION for a clip that the specialist sees nothing of.
absl::StatusOr<nlohmann::json> EvidenceMap(SpecialistName specialist, std::string_view bytes,
                                           const DecodedClip& decoded);

}  // namespace interceptor::worker
