// What the machine contributes to a result; stamped into every checkpoint.
#pragma once

#include <string>

namespace interceptor::worker {

struct EngineFacts {
  std::string device;     // "cpu", "cuda:0"
  std::string precision;  // "fp32" or "bf16 autocast"
  int threads = 1;
  std::string cpu_capability;  // "AVX512"
  std::string build;           // LibTorch's version and our compiler's
};

}  // namespace interceptor::worker
