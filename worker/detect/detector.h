// A bundle that judges clips. No LibTorch in this header. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/io/file_system.h"
#include "worker/detect/verdict.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

struct OpenedBundle {
  std::string folder;
  Digest digest;  // of bundle.json
  Bundle bundle;
};

// Compares every file with its digest. NOT_FOUND; DATA_LOSS names a file that is missing or was changed; INVALID_ARGUMENT and
// FAILED_PRECONDITION as ParseBundle.
absl::StatusOr<OpenedBundle> OpenBundle(const FileSystem& files, const std::string& folder);

struct DetectorOptions {
  std::string device = "auto";
  int threads = 1;
};

class Detector {
 public:
  // Loads the weights, of one specialist after the other. FAILED_PRECONDITION for another architecture or preprocessing than
  // this program's; NOT_FOUND for a device that is not there. `opened` outlives the detector.
  static absl::StatusOr<std::unique_ptr<Detector>> Load(const FileSystem& files, const OpenedBundle& opened,
                                                        const DetectorOptions& options);

  // What a decoder is asked for: the views as a chunk's are prepared.
  DecodeJob Job() const;

  absl::StatusOr<VideoJudgement> Judge(const DecodedClip& clip);

 private:
  explicit Detector(const Bundle& bundle) : bundle_(bundle) {}

  const Bundle& bundle_;
  std::vector<std::unique_ptr<Scorer>> scorers_;  // of the fusion's specialists, in its order
};

}  // namespace interceptor::worker
