// The vault: bytes named by their digest.
//   blobs/<first 2 hex>/<sha256>   whole, verified, never written again
//   incoming/<sha256>.part         received so far; grows at its end only
// Algorithm of a write: 1. append parts, hashing them, 2. all there: compare the digest, 3. sync the part,
// 4. rename it into blobs/, 5. sync that folder. A crash leaves a part that goes on where it stopped (its
// bytes are hashed again) or a whole blob; never a blob with other bytes than its name says.
//
// Safe from any thread; calls do file work of at most one part, but for Finish, Verify and resuming.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/io/file_system.h"

namespace interceptor::coordinator {

// A part received by one caller at a time.
struct Upload;

// One caller's turn at writing a blob. A newer writer of the same blob takes over: the older one's calls then
// return ABORTED. One thread at a time.
class BlobWriter {
 public:
  ~BlobWriter();
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  // INVALID_ARGUMENT when more bytes come than the digest says; RESOURCE_EXHAUSTED when the disk is full.
  // After an error the part holds what committed_bytes says.
  absl::Status Append(std::string_view bytes);
  // Steps 2 to 5 when all bytes are there, nothing otherwise. DATA_LOSS when their digest is another: the
  // part is gone then.
  absl::Status Finish();
  int64_t committed_bytes() const;

 private:
  friend class BlobStore;
  BlobWriter(class BlobStore& store, std::shared_ptr<Upload> upload, int64_t turn);

  class BlobStore& store_;
  const std::shared_ptr<Upload> upload_;
  const int64_t turn_;
};

class BlobStore {
 public:
  struct Options {
    std::string folder;
    // Left free for the journal and for people.
    int64_t reserve_bytes = int64_t{64} << 20;
    // Largest blob taken.
    int64_t blob_bytes_max = int64_t{4} << 30;
    int uploads_max = 64;
  };
  // Makes the folders. `files` must outlive the store.
  static absl::StatusOr<std::unique_ptr<BlobStore>> Open(const FileSystem& files, Options options);
  ~BlobStore();

  // The blob is there whole, with that length.
  bool Has(const Digest& blob) const;

  struct Received {
    int64_t committed_bytes = 0;
    bool complete = false;
  };
  Received Query(const Digest& blob) const;

  // INVALID_ARGUMENT     the digest is malformed or larger than blob_bytes_max
  // ALREADY_EXISTS       the blob is complete
  // OUT_OF_RANGE         `offset` is not what Query answers; 0 always is accepted and starts again
  // RESOURCE_EXHAUSTED   the disk has not got what is still to come and the reserve, or too many uploads
  absl::StatusOr<std::unique_ptr<BlobWriter>> Write(const Digest& blob, int64_t offset);

  // An open blob; NOT_FOUND names the digest. Reading goes on even when it is removed meanwhile.
  absl::StatusOr<std::unique_ptr<File>> Read(const Digest& blob) const;

  // Reads the blob whole. NOT_FOUND; DATA_LOSS when its bytes are others.
  absl::Status Verify(const Digest& blob) const;

  // OK when it is gone already.
  absl::Status Remove(const Digest& blob);

  // Gives the blobs a second name each in a vault at `folder`, on the same disk, and syncs it. Those that are
  // not there are left out; returns how many were.
  absl::StatusOr<int> LinkTo(const std::string& folder, const std::vector<Digest>& blobs) const;

  // Every whole blob, in the order of digests.
  absl::StatusOr<std::vector<Digest>> List() const;

  // Removes blobs that are not in `referenced` and parts, both only when last written before `older_than`: an
  // upload whose manifest is on its way is referred to by nothing yet. Returns how many went. Call when
  // nothing else runs.
  absl::StatusOr<int> Sweep(const std::vector<Digest>& referenced, absl::Time older_than);

  // Bytes of whole blobs.
  int64_t total_bytes() const { return total_bytes_.load(); }
  absl::StatusOr<int64_t> FreeBytes() const;

 private:
  friend class BlobWriter;
  BlobStore(const FileSystem& files, Options options) : files_(files), options_(std::move(options)) {}

  std::string BlobFolder(std::string_view hex) const;
  std::string BlobPath(const Digest& blob) const;
  std::string PartPath(const Digest& blob) const;
  absl::Status CheckSpace(const Digest& blob, int64_t to_come) const;
  absl::StatusOr<std::shared_ptr<Upload>> UploadFor(const Digest& blob);
  absl::Status Commit(Upload& upload);

  const FileSystem& files_;
  const Options options_;
  std::atomic<int64_t> total_bytes_ = 0;
  mutable absl::Mutex mutex_;
  // By SHA-256; alive while some writer is.
  std::map<std::string, std::weak_ptr<Upload>> uploads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace interceptor::coordinator
