#include "coordinator/vault/blob_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::coordinator {
namespace {

constexpr int64_t kReadPartBytes = int64_t{1} << 20;
// Free space is looked at again after every so many bytes: others write to the disk too.
constexpr int64_t kSpaceCheckBytes = int64_t{16} << 20;
constexpr std::string_view kPartEnding = ".part";

std::string TwoHexDigits(int value) { return absl::StrFormat("%02x", value); }

}  // namespace

struct Upload {
  explicit Upload(Digest digest) : blob(std::move(digest)) {}

  const Digest blob;
  absl::Mutex mutex;
  int64_t turn ABSL_GUARDED_BY(mutex) = 0;
  // Opened by the first turn; closed for good once the blob is complete or the part was dropped.
  std::unique_ptr<File> file ABSL_GUARDED_BY(mutex);
  DigestBuilder builder ABSL_GUARDED_BY(mutex);
  int64_t bytes ABSL_GUARDED_BY(mutex) = 0;
  int64_t space_checked_at ABSL_GUARDED_BY(mutex) = 0;
  bool complete ABSL_GUARDED_BY(mutex) = false;
};

BlobWriter::BlobWriter(BlobStore& store, std::shared_ptr<Upload> upload, int64_t turn)
    : store_(store), upload_(std::move(upload)), turn_(turn) {}

BlobWriter::~BlobWriter() = default;

int64_t BlobWriter::committed_bytes() const {
  absl::MutexLock lock(&upload_->mutex);
  return upload_->bytes;
}

absl::Status BlobWriter::Append(std::string_view bytes) {
  Upload& upload = *upload_;
  absl::MutexLock lock(&upload.mutex);
  if (upload.turn != turn_) return Aborted("a newer upload of blob ", upload.blob.hex, " took over");
  if (upload.file == nullptr) return FailedPrecondition("the upload of blob ", upload.blob.hex, " has ended");
  const auto size = static_cast<int64_t>(bytes.size());
  if (size > upload.blob.size_bytes - upload.bytes) {
    return InvalidArgument("blob ", upload.blob.hex, " has ", upload.blob.size_bytes, " bytes; ",
                           upload.bytes + size, " were sent");
  }
  if (upload.bytes - upload.space_checked_at >= kSpaceCheckBytes) {
    ICPT_RETURN_IF_ERROR(store_.CheckSpace(upload.blob, upload.blob.size_bytes - upload.bytes));
    upload.space_checked_at = upload.bytes;
  }
  const absl::Status written = upload.file->WriteAt(upload.bytes, bytes);
  if (!written.ok()) {
    // A full disk takes the front of a write; what Query answers must be what was hashed.
    const absl::Status cut = upload.file->Truncate(upload.bytes);
    if (!cut.ok()) upload.file.reset();
    return written;
  }
  upload.builder.Add(bytes);
  upload.bytes += size;
  return absl::OkStatus();
}

absl::Status BlobWriter::Finish() {
  Upload& upload = *upload_;
  absl::MutexLock lock(&upload.mutex);
  if (upload.complete || upload.bytes < upload.blob.size_bytes) return absl::OkStatus();
  if (upload.turn != turn_) return Aborted("a newer upload of blob ", upload.blob.hex, " took over");
  if (upload.file == nullptr) return FailedPrecondition("the upload of blob ", upload.blob.hex, " has ended");
  return store_.Commit(upload);
}

BlobStore::~BlobStore() = default;

absl::StatusOr<std::unique_ptr<BlobStore>> BlobStore::Open(const FileSystem& files, Options options) {
  std::unique_ptr<BlobStore> store(new BlobStore(files, std::move(options)));
  const std::string& folder = store->options_.folder;
  ICPT_RETURN_IF_ERROR(files.MakeFolder(JoinPath(folder, "incoming")));
  // All of them at once, so that a commit has one folder to sync.
  for (int i = 0; i < 256; ++i) {
    ICPT_RETURN_IF_ERROR(files.MakeFolder(store->BlobFolder(TwoHexDigits(i))));
  }
  ICPT_RETURN_IF_ERROR(files.SyncFolder(JoinPath(folder, "blobs")));
  ICPT_RETURN_IF_ERROR(files.SyncFolder(folder));
  ICPT_ASSIGN_OR_RETURN(const std::vector<Digest> blobs, store->List());
  int64_t total = 0;
  for (const Digest& blob : blobs) total += blob.size_bytes;
  store->total_bytes_ = total;
  return store;
}

bool BlobStore::Has(const Digest& blob) const {
  if (!ValidateDigestHex(blob.hex).ok()) return false;
  const absl::StatusOr<FileInfo> info = files_.Stat(BlobPath(blob));
  return info.ok() && !info->is_directory && info->size_bytes == blob.size_bytes;
}

BlobStore::Received BlobStore::Query(const Digest& blob) const {
  if (Has(blob)) return {blob.size_bytes, true};
  if (!ValidateDigestHex(blob.hex).ok()) return {};
  const absl::StatusOr<FileInfo> info = files_.Stat(PartPath(blob));
  if (!info.ok() || info->size_bytes > blob.size_bytes) return {};
  return {info->size_bytes, false};
}

absl::StatusOr<std::unique_ptr<BlobWriter>> BlobStore::Write(const Digest& blob, int64_t offset) {
  ICPT_RETURN_IF_ERROR(ValidateDigestHex(blob.hex));
  if (blob.size_bytes < 0 || blob.size_bytes > options_.blob_bytes_max) {
    return InvalidArgument("blob.size_bytes is ", blob.size_bytes, ", allowed: 0 to ",
                           options_.blob_bytes_max);
  }
  if (Has(blob)) return absl::AlreadyExistsError(Cat("blob ", blob.hex, " is complete"));
  ICPT_ASSIGN_OR_RETURN(const std::shared_ptr<Upload> upload, UploadFor(blob));

  absl::MutexLock lock(&upload->mutex);
  if (upload->complete) return absl::AlreadyExistsError(Cat("blob ", blob.hex, " is complete"));
  if (upload->file == nullptr) {
    ICPT_ASSIGN_OR_RETURN(upload->file, files_.Open(PartPath(blob), OpenMode::kReadWrite));
    ICPT_ASSIGN_OR_RETURN(const int64_t size, upload->file->Size());
    upload->builder = DigestBuilder();
    upload->bytes = 0;
    if (offset == 0 || size > blob.size_bytes) {
      ICPT_RETURN_IF_ERROR(upload->file->Truncate(0));
    }
    while (offset > 0 && size <= blob.size_bytes && upload->bytes < size) {
      ICPT_ASSIGN_OR_RETURN(const std::string part, upload->file->ReadAt(upload->bytes, kReadPartBytes));
      upload->builder.Add(part);
      upload->bytes += static_cast<int64_t>(part.size());
    }
  } else if (offset == 0 && upload->bytes > 0) {
    ICPT_RETURN_IF_ERROR(upload->file->Truncate(0));
    upload->builder = DigestBuilder();
    upload->bytes = 0;
  }
  if (offset != upload->bytes) {
    return absl::OutOfRangeError(
        Cat("offset is ", offset, ", but ", upload->bytes, " bytes of blob ", blob.hex, " are here"));
  }
  ICPT_RETURN_IF_ERROR(CheckSpace(blob, blob.size_bytes - upload->bytes));
  upload->space_checked_at = upload->bytes;
  return std::unique_ptr<BlobWriter>(new BlobWriter(*this, upload, ++upload->turn));
}

absl::StatusOr<std::unique_ptr<File>> BlobStore::Read(const Digest& blob) const {
  ICPT_RETURN_IF_ERROR(ValidateDigestHex(blob.hex));
  absl::StatusOr<std::unique_ptr<File>> file = files_.Open(BlobPath(blob), OpenMode::kRead);
  if (absl::IsNotFound(file.status())) return NotFound("blob ", blob.hex, " is not in the vault");
  return file;
}

absl::Status BlobStore::Verify(const Digest& blob) const {
  ICPT_RETURN_IF_ERROR(ValidateDigestHex(blob.hex));
  const absl::StatusOr<Digest> found = DigestOfFile(files_, BlobPath(blob));
  if (absl::IsNotFound(found.status())) return NotFound("blob ", blob.hex, " is not in the vault");
  ICPT_RETURN_IF_ERROR(found.status());
  if (*found != blob) {
    return DataLoss("blob ", blob.hex, " of ", blob.size_bytes, " bytes holds ", found->size_bytes,
                    " bytes with digest ", found->hex);
  }
  return absl::OkStatus();
}

absl::Status BlobStore::Remove(const Digest& blob) {
  ICPT_RETURN_IF_ERROR(ValidateDigestHex(blob.hex));
  const absl::StatusOr<FileInfo> info = files_.Stat(BlobPath(blob));
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(info.status());
  ICPT_RETURN_IF_ERROR(files_.Remove(BlobPath(blob)));
  total_bytes_ -= info->size_bytes;
  return files_.SyncFolder(BlobFolder(blob.hex));
}

absl::StatusOr<int> BlobStore::LinkTo(const std::string& folder, const std::vector<Digest>& blobs) const {
  int missing = 0;
  std::set<std::string> folders = {folder, JoinPath(folder, "blobs")};
  ICPT_RETURN_IF_ERROR(files_.MakeFolder(JoinPath(folder, "blobs")));
  for (const Digest& blob : std::set<Digest>(blobs.begin(), blobs.end())) {
    const std::string target = JoinPath(JoinPath(folder, "blobs"), blob.hex.substr(0, 2));
    if (folders.insert(target).second) ICPT_RETURN_IF_ERROR(files_.MakeFolder(target));
    const absl::Status linked = files_.Link(BlobPath(blob), JoinPath(target, blob.hex));
    if (absl::IsNotFound(linked)) {
      ++missing;
    } else {
      ICPT_RETURN_IF_ERROR(linked);
    }
  }
  for (const std::string& target : folders) ICPT_RETURN_IF_ERROR(files_.SyncFolder(target));
  return missing;
}

absl::StatusOr<std::vector<Digest>> BlobStore::List() const {
  std::vector<Digest> blobs;
  for (int i = 0; i < 256; ++i) {
    const std::string folder = BlobFolder(TwoHexDigits(i));
    ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder));
    for (const std::string& name : names) {
      if (!ValidateDigestHex(name).ok()) {
        ICPT_LOG(kWarning) << "the vault holds a file that is no blob and is left alone: "
                           << JoinPath(folder, name);
        continue;
      }
      ICPT_ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(JoinPath(folder, name)));
      blobs.push_back({name, info.size_bytes});
    }
  }
  return blobs;
}

absl::StatusOr<int> BlobStore::Sweep(const std::vector<Digest>& referenced, absl::Time older_than) {
  std::set<std::string> keep;
  for (const Digest& blob : referenced) keep.insert(blob.hex);
  int removed = 0;
  ICPT_ASSIGN_OR_RETURN(const std::vector<Digest> blobs, List());
  for (const Digest& blob : blobs) {
    if (keep.count(blob.hex) > 0) continue;
    ICPT_ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(BlobPath(blob)));
    if (info.modified >= older_than) continue;
    ICPT_RETURN_IF_ERROR(Remove(blob));
    ++removed;
  }
  const std::string incoming = JoinPath(options_.folder, "incoming");
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> parts, files_.List(incoming));
  for (const std::string& name : parts) {
    const std::string path = JoinPath(incoming, name);
    ICPT_ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(path));
    if (info.modified >= older_than) continue;
    ICPT_RETURN_IF_ERROR(files_.Remove(path));
    ++removed;
  }
  return removed;
}

absl::StatusOr<int64_t> BlobStore::FreeBytes() const {
  ICPT_ASSIGN_OR_RETURN(const SpaceInfo space, files_.Space(options_.folder));
  return space.free_bytes;
}

std::string BlobStore::BlobFolder(std::string_view hex) const {
  return JoinPath(JoinPath(options_.folder, "blobs"), hex.substr(0, 2));
}

std::string BlobStore::BlobPath(const Digest& blob) const { return JoinPath(BlobFolder(blob.hex), blob.hex); }

std::string BlobStore::PartPath(const Digest& blob) const {
  return JoinPath(JoinPath(options_.folder, "incoming"), Cat(blob.hex, kPartEnding));
}

absl::Status BlobStore::CheckSpace(const Digest& blob, int64_t to_come) const {
  ICPT_ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes());
  if (free_bytes >= to_come + options_.reserve_bytes) return absl::OkStatus();
  return ResourceExhausted("the vault's disk is full: blob ", blob.hex, " needs ", to_come, " bytes and ",
                           options_.reserve_bytes, " stay reserved, ", free_bytes, " are free in ",
                           options_.folder);
}

absl::StatusOr<std::shared_ptr<Upload>> BlobStore::UploadFor(const Digest& blob) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(uploads_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = uploads_.find(blob.hex); found != uploads_.end()) {
    if (std::shared_ptr<Upload> upload = found->second.lock()) {
      if (upload->blob == blob) return upload;
      return InvalidArgument("blob ", blob.hex, " is being sent with ", upload->blob.size_bytes,
                             " bytes, not ", blob.size_bytes);
    }
  }
  if (static_cast<int>(uploads_.size()) >= options_.uploads_max) {
    return ResourceExhausted(uploads_.size(), " uploads are running; the limit is ", options_.uploads_max);
  }
  auto upload = std::make_shared<Upload>(blob);
  uploads_[blob.hex] = upload;
  return upload;
}

absl::Status BlobStore::Commit(Upload& upload) {
  upload.mutex.AssertHeld();
  const std::string part = PartPath(upload.blob);
  const Digest found = upload.builder.Finish();
  std::unique_ptr<File> file = std::move(upload.file);
  if (found != upload.blob) {
    upload.bytes = 0;
    ICPT_RETURN_IF_ERROR(files_.Remove(part));
    return DataLoss("blob ", upload.blob.hex, " was sent with other bytes: their digest is ", found.hex,
                    "; send it again from the start");
  }
  if (absl::Status synced = file->Sync(); !synced.ok()) {
    // What did reach the disk is unknown now, and a second sync would prove nothing: all of it is sent again.
    upload.bytes = 0;
    synced.Update(files_.Remove(part));
    return synced;
  }
  file.reset();
  ICPT_RETURN_IF_ERROR(files_.Rename(part, BlobPath(upload.blob)));
  total_bytes_ += upload.blob.size_bytes;
  upload.complete = true;
  return files_.SyncFolder(BlobFolder(upload.blob.hex));
}

}  // namespace interceptor::coordinator
