// Numbers as text in files: what is read back is the number that was written.
#pragma once

#include <charconv>
#include <string>

namespace interceptor {

// The shortest text that reads back as the same value: "0.1", "123456.789", "1e+05".
inline std::string NumberText(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace interceptor
