// A face detector's model that needs no training: it finds what it is told to.
#pragma once

#include <string>

namespace interceptor {

// An ONNX file with YuNet's outputs. It takes for a face of 64 pixels each red cell of a grid of 32 pixels,
// about its middle; with `everywhere`, each cell.
std::string YuNetModel(bool everywhere = false);

}  // namespace interceptor
