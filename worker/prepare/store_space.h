// Whether a chunk's store finds room, asked before anything is decoded, so that a full disk costs no hour of
// decoding.
#pragma once

#include "absl/status/status.h"
#include "common/io/file_system.h"
#include "worker/prepare/labels.h"
#include "worker/prepare/prepare.h"

namespace interceptor::worker {

// RESOURCE_EXHAUSTED when the chunk could take more than the disk has free, or more than
// options.store_bytes_max leaves beside what the other chunks in the store take now. An agent asks again
// until train files have been evicted.
absl::Status CheckStoreSpace(const FileSystem& files, const PrepareOptions& options, const GateReport& gate);

}  // namespace interceptor::worker
