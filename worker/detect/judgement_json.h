// One JSON line a video: docs/bundle.md, "What interceptor-detect prints". Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "common/base/digest.h"
#include "worker/detect/verdict.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

inline constexpr int kJudgementVersion = 1;

// `name`: the video as the user names it.
nlohmann::json JudgementJson(const std::string& name, const Digest& bundle_digest, const Bundle& bundle,
                             const VideoJudgement& judgement, const DecodedClip& clip);
// Of a video that cannot be decoded.
nlohmann::json RefusalJson(const std::string& name, const Digest& bundle_digest, const std::string& reason);

// One line with its end; bytes that are not UTF-8 become U+FFFD.
std::string ToLine(const nlohmann::json& object);

}  // namespace interceptor::worker
