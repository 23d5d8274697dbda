// Text for people, whichever program says it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace interceptor {

// "1 family", "2 families".
std::string Counted(int64_t count, std::string_view one, std::string_view many);

}  // namespace interceptor
