// Which device to compute on, and what it contributes to the result. For .cc files that include
// models/torch.h.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/models/engine_facts.h"
#include "worker/models/torch.h"

namespace interceptor::worker {

// "cpu", "cuda:N" or "auto" (the first GPU, else the CPU). NOT_FOUND for a GPU that is not there.
absl::StatusOr<at::Device> OpenDevice(const std::string& name);

// Sets threads and determinism for the whole process. Call before the first tensor.
void PrepareProcess(int threads);

EngineFacts DescribeEngine(const at::Device& device, int threads, bool bf16_on_gpu);

}  // namespace interceptor::worker
