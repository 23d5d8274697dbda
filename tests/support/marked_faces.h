// Where a person sees the face in each twentieth frame of two filmed clips (../shared/clips), marked by hand
// from hairline to chin, in pixels of the upright picture.
#pragma once

#include <cstdint>

namespace interceptor {

struct MarkedFace {
  const char* clip;
  int64_t frame;  // in order of presentation
  int left;
  int top;
  int width;
  int height;
};

inline constexpr MarkedFace kMarkedFaces[] = {
    {"lynaeydofd", 10, 850, 253, 195, 217},  {"lynaeydofd", 30, 845, 253, 197, 217},
    {"lynaeydofd", 50, 839, 253, 195, 215},  {"lynaeydofd", 70, 864, 255, 192, 219},
    {"lynaeydofd", 90, 856, 253, 199, 227},  {"lynaeydofd", 110, 854, 257, 195, 221},
    {"lynaeydofd", 130, 850, 257, 195, 216}, {"lynaeydofd", 150, 866, 255, 195, 216},
    {"lynaeydofd", 170, 838, 255, 197, 226}, {"lynaeydofd", 190, 823, 259, 195, 226},
    {"lynaeydofd", 210, 844, 255, 194, 219}, {"lynaeydofd", 230, 839, 252, 198, 219},
    {"lynaeydofd", 250, 842, 253, 199, 217}, {"lynaeydofd", 270, 850, 253, 200, 215},
    {"lynaeydofd", 290, 838, 253, 199, 220}, {"yhffcuhhjy", 10, 362, 299, 101, 129},
    {"yhffcuhhjy", 30, 359, 298, 102, 132},  {"yhffcuhhjy", 50, 359, 304, 101, 131},
    {"yhffcuhhjy", 70, 361, 312, 99, 117},   {"yhffcuhhjy", 90, 370, 310, 91, 113},
    {"yhffcuhhjy", 110, 365, 308, 99, 148},  {"yhffcuhhjy", 130, 358, 295, 103, 153},
    {"yhffcuhhjy", 150, 375, 308, 102, 146}, {"yhffcuhhjy", 170, 377, 318, 97, 135},
    {"yhffcuhhjy", 190, 362, 320, 108, 161}, {"yhffcuhhjy", 210, 360, 322, 104, 156},
    {"yhffcuhhjy", 230, 353, 307, 105, 156}, {"yhffcuhhjy", 250, 331, 304, 101, 140},
    {"yhffcuhhjy", 270, 354, 304, 101, 134}, {"yhffcuhhjy", 290, 350, 298, 101, 132},
};

}  // namespace interceptor
