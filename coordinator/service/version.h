#pragma once

#include <string_view>

namespace interceptor::coordinator {

// CMakeLists.txt's project version.
inline constexpr std::string_view kVersion = INTERCEPTOR_VERSION;

}  // namespace interceptor::coordinator
