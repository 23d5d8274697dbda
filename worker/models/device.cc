#include "worker/models/device.h"

#include <malloc.h>

#include <cstdlib>
#include <limits>
#include <mutex>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

std::string CpuCapability() {
  const std::string config = at::show_config();
  const std::string mark = "CPU capability usage: ";
  const size_t begin = config.find(mark);
  if (begin == std::string::npos) return "unknown";
  const size_t end = config.find('\n', begin);
  return config.substr(begin + mark.size(), end - begin - mark.size());
}

// Every step allocates the same tensors. glibc would give the large ones back to the kernel and have them cleared anew:
// a sixth (RR) to a third (CM) of a step of a small network.
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

}  // namespace

absl::StatusOr<at::Device> OpenDevice(const std::string& name) {
  const int gpus = c10::impl::hasDeviceGuardImpl(at::kCUDA)
                       ? static_cast<int>(c10::impl::getDeviceGuardImpl(at::kCUDA)->deviceCount())
                       : 0;
  if (name == "cpu" || (name == "auto" && gpus == 0)) return at::Device(at::kCPU);
  if (name == "auto") return at::Device(at::kCUDA, 0);
  const std::string digits = name.starts_with("cuda:") ? name.substr(5) : "";
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos || digits.size() > 3) {
    return InvalidArgument("device '", name, "' is none of cpu, auto, cuda:0, cuda:1, ...");
  }
  const int index = std::atoi(digits.c_str());
  if (index >= gpus) {
    return NotFound("device ", name, " is not there: this build and machine offer ", gpus,
                    " GPUs; use --device auto or cpu");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

void PrepareProcess(int threads) {
  at::set_num_threads(threads);
  static std::once_flag once;
  std::call_once(once, [] {
    KeepFreedMemory();
    // Inter-operator parallelism would make the order of sums depend on timing; it may be set only once.
    at::set_num_interop_threads(1);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
    // What is asked for in fp32 is computed in fp32; speed comes from bf16.
    at::globalContext().setAllowTF32CuDNN(false);
  });
}

EngineFacts DescribeEngine(const at::Device& device, int threads, bool bf16_on_gpu) {
  EngineFacts facts;
  facts.device = device.is_cpu() ? "cpu" : Cat("cuda:", static_cast<int>(device.index()));
  facts.precision = device.is_cpu() || !bf16_on_gpu ? "fp32" : "bf16 autocast";
  facts.threads = threads;
  facts.cpu_capability = CpuCapability();
  facts.build = Cat("libtorch ", TORCH_VERSION, ", g++ ", __VERSION__);
  return facts;
}

}  // namespace interceptor::worker
