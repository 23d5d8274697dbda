// Big bytes between this box and the vault, on a channel of their own so that an upload never starves
// renewals. Everything may be repeated: bytes that are there already are not sent again, a broken transfer
// goes on where it stopped, and what arrives is held to its digest. Calls block; any thread, Cancel from any
// other.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/base/digest.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

class BlobTransfer {
 public:
  BlobTransfer(const FileSystem& files, const std::string& address);
  ~BlobTransfer();

  // Makes sure that the vault holds the file's bytes under this digest.
  //   NOT_FOUND           the file is not there
  //   DATA_LOSS           its bytes are not the digest's
  //   RESOURCE_EXHAUSTED  the vault is full
  //   UNAVAILABLE         no coordinator, or the transfer broke off
  absl::Status Upload(const Digest& blob, const std::string& path);

  // Writes the blob to `path`, whole and verified, or not at all. NOT_FOUND when the vault has no such blob.
  absl::Status Fetch(const Digest& blob, const std::string& path);

  // Ends what is under way and everything that follows with CANCELLED.
  void Cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace interceptor::worker
