// A face detector's model that needs no training: it finds what it is told to.
#pragma once

#include <string>

namespace interceptor {

// An ONNX file with YuNet's outputs, those of 2022 and those of 2023: in a picture of 128 x 128 it finds one
// face, 64 pixels wide, its middle at (48, 80); with `everywhere`, faces all over a picture of any size up to
// that.
std::string YuNetModel(bool everywhere = false);

}  // namespace interceptor
