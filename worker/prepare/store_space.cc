#include "worker/prepare/store_space.h"

#include "common/base/status.h"
#include "worker/media/decoded_clip.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {
namespace {

// Of the clips in all chunks but `chunk`, whose files are about to be replaced.
absl::StatusOr<int64_t> BytesBeside(const FileSystem& files, const std::string& store,
                                    const std::string& chunk) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(store));
  int64_t bytes = 0;
  for (const std::string& name : names) {
    if (name == chunk) continue;
    for (const std::string& path : {TrainStorePath(store, name), KeepStorePath(store, name)}) {
      // Another process may evict it at any moment.
      if (const auto info = files.Stat(path); info.ok()) bytes += info->size_bytes;
    }
  }
  return bytes;
}

}  // namespace

absl::Status CheckStoreSpace(const FileSystem& files, const PrepareOptions& options, const GateReport& gate) {
  const PreparationSettings& settings = options.settings.preparation;
  const int64_t needed = gate.reals * ClipBytesMax(settings.frames_per_real, settings.view_pixels) +
                         gate.fakes * ClipBytesMax(settings.frames_per_fake, settings.view_pixels);
  ICPT_ASSIGN_OR_RETURN(const SpaceInfo space, files.Space(options.store));
  if (space.free_bytes < needed) {
    return ResourceExhausted("the store of chunk ", options.chunk, " needs up to ", needed >> 20, " MiB in ",
                             options.store, " and ", space.free_bytes >> 20,
                             " MiB are free: free some, or name another --out folder");
  }
  if (options.store_bytes_max == 0) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const int64_t taken, BytesBeside(files, options.store, options.chunk));
  if (taken + needed <= options.store_bytes_max) return absl::OkStatus();
  return ResourceExhausted("the store of chunk ", options.chunk, " needs up to ", needed >> 20, " MiB, and ",
                           options.store, " holds ", taken >> 20, " of at most ",
                           options.store_bytes_max >> 20,
                           " MiB: chunks that every run is past make room; or raise --store-max");
}

}  // namespace interceptor::worker
