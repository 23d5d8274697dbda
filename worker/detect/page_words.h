// Numbers and terms of the evidence page in words that a layman reads rightly. Where what is shown is not the number itself
// but made of it, data-shown says how: "percent", "times", "yes-no". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/html/html.h"

namespace interceptor::worker {

// "49.1 %" of a share.
std::string PercentSpan(const ReportField& share);
// "about 35 times" of a log10 likelihood ratio of either sign; in two digits above ten.
std::string TimesSpan(const ReportField& log10_ratio);
// Whether TimesSpan would say "1.0 times".
bool IsEven(double log10_ratio);
// "1.2" seconds, or "unknown" where the container does not tell.
std::string SecondsSpan(const ReportField& seconds);
// The value of an attribute of a clip as it is usually said; "unknown" for null.
std::string AttributeSpan(std::string_view attribute, const ReportField& value);

// Those of docs/clip-store.md, sorted.
std::vector<std::string> AttributeNames();
// "brightness (0 dark, 1 white)"; of an attribute without words its name.
std::string AttributeWords(std::string_view attribute);
// What a specialist looks at, one sentence. `front_end`: of the plan's settings; empty is face_crop.
std::string SpecialistWords(std::string_view specialist, std::string_view front_end);

}  // namespace interceptor::worker
