#include "tests/support/faulty_file_system.h"

#include <limits>
#include <utility>

#include "common/base/status.h"

namespace interceptor {

class FaultyFile : public File {
 public:
  FaultyFile(const FaultyFileSystem& files, std::unique_ptr<File> real)
      : files_(files), real_(std::move(real)) {}

  absl::Status WriteAt(int64_t offset, std::string_view bytes) override {
    const absl::Status fault = files_.Count();
    if (fault.ok()) return real_->WriteAt(offset, bytes);
    ICPT_RETURN_IF_ERROR(real_->WriteAt(offset, bytes.substr(0, bytes.size() / 2)));
    return fault;
  }
  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const override {
    return real_->ReadAt(offset, size);
  }
  absl::StatusOr<int64_t> Size() const override { return real_->Size(); }
  absl::Status Truncate(int64_t size) override {
    ICPT_RETURN_IF_ERROR(files_.Count());
    return real_->Truncate(size);
  }
  absl::Status Sync() override {
    ICPT_RETURN_IF_ERROR(files_.Count());
    return real_->Sync();
  }
  absl::Status Lock() override { return real_->Lock(); }

 private:
  const FaultyFileSystem& files_;
  const std::unique_ptr<File> real_;
};

void FaultyFileSystem::FailCall(int64_t nth, absl::Status status) { Arm(nth, nth, std::move(status)); }

void FaultyFileSystem::FailFromCall(int64_t nth, absl::Status status) {
  Arm(nth, std::numeric_limits<int64_t>::max(), std::move(status));
}

void FaultyFileSystem::Heal() {
  absl::MutexLock lock(&mutex_);
  last_ = -1;
}

int64_t FaultyFileSystem::mutating_calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

void FaultyFileSystem::Arm(int64_t first, int64_t last, absl::Status status) {
  absl::MutexLock lock(&mutex_);
  calls_ = 0;
  first_ = first;
  last_ = last;
  status_ = std::move(status);
}

absl::Status FaultyFileSystem::Count() const {
  absl::MutexLock lock(&mutex_);
  ++calls_;
  return calls_ >= first_ && calls_ <= last_ ? status_ : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<File>> FaultyFileSystem::Open(const std::string& path, OpenMode mode) const {
  if (mode != OpenMode::kRead) ICPT_RETURN_IF_ERROR(Count());
  ICPT_ASSIGN_OR_RETURN(std::unique_ptr<File> file, real_.Open(path, mode));
  return std::make_unique<FaultyFile>(*this, std::move(file));
}

absl::Status FaultyFileSystem::MakeFolder(const std::string& folder) const {
  ICPT_RETURN_IF_ERROR(Count());
  return real_.MakeFolder(folder);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) const {
  ICPT_RETURN_IF_ERROR(Count());
  return real_.Rename(from, to);
}

absl::Status FaultyFileSystem::Link(const std::string& from, const std::string& to) const {
  ICPT_RETURN_IF_ERROR(Count());
  return real_.Link(from, to);
}

absl::Status FaultyFileSystem::Remove(const std::string& path) const {
  ICPT_RETURN_IF_ERROR(Count());
  return real_.Remove(path);
}

absl::Status FaultyFileSystem::SyncFolder(const std::string& folder) const {
  ICPT_RETURN_IF_ERROR(Count());
  return real_.SyncFolder(folder);
}

}  // namespace interceptor
