#include "common/io/atomic_file.h"

#include <algorithm>
#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr size_t kIdLength = 32;
constexpr int64_t kDigestPartBytes = 1 << 20;

bool IsTemporary(std::string_view name) {
  const size_t mark = name.rfind(kTemporaryMark);
  if (mark == std::string_view::npos) return false;
  const std::string_view id = name.substr(mark + kTemporaryMark.size());
  return id.size() == kIdLength &&
         std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

class Writer : public AtomicFileWriter {
 public:
  Writer(const FileSystem& files, std::string path, std::string temporary, std::unique_ptr<File> file)
      : files_(files), path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

  ~Writer() override {
    file_.reset();
    // What cannot be removed now is swept by RemoveTemporaries; the target is untouched either way.
    if (!renamed_) files_.Remove(temporary_).IgnoreError();
  }

  absl::Status Append(std::string_view bytes) override {
    ICPT_RETURN_IF_ERROR(CheckUsable());
    const absl::Status status = file_->WriteAt(size_bytes_, bytes);
    failed_ = !status.ok();
    if (status.ok()) size_bytes_ += static_cast<int64_t>(bytes.size());
    return status;
  }

  absl::Status WriteAt(int64_t offset, std::string_view bytes) override {
    ICPT_RETURN_IF_ERROR(CheckUsable());
    const auto size = static_cast<int64_t>(bytes.size());
    if (offset < 0 || size > size_bytes_ || offset > size_bytes_ - size) {
      return InvalidArgument("cannot overwrite ", size, " bytes at ", offset, " of ", temporary_, ": only ",
                             size_bytes_, " bytes are appended so far");
    }
    const absl::Status status = file_->WriteAt(offset, bytes);
    failed_ = !status.ok();
    return status;
  }

  int64_t size_bytes() const override { return size_bytes_; }

  absl::Status Commit() override {
    ICPT_RETURN_IF_ERROR(CheckUsable());
    // A sync that failed may have dropped the pages it could not write, so a second try could report success
    // over lost bytes.
    failed_ = true;
    ICPT_RETURN_IF_ERROR(file_->Sync());
    file_.reset();
    ICPT_RETURN_IF_ERROR(files_.Rename(temporary_, path_));
    renamed_ = true;
    return files_.SyncFolder(ParentFolder(path_));
  }

 private:
  absl::Status CheckUsable() const {
    if (!failed_) return absl::OkStatus();
    return FailedPrecondition(path_, " was committed, or an earlier write of it failed");
  }

  const FileSystem& files_;
  const std::string path_;
  const std::string temporary_;
  std::unique_ptr<File> file_;
  int64_t size_bytes_ = 0;
  bool failed_ = false;  // or committed: nothing may follow either
  bool renamed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AtomicFileWriter>> AtomicFileWriter::Create(const FileSystem& files,
                                                                           std::string path) {
  std::string temporary = Cat(path, kTemporaryMark, NewId());
  ICPT_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.Open(temporary, OpenMode::kCreateNew));
  return std::make_unique<Writer>(files, std::move(path), std::move(temporary), std::move(file));
}

absl::Status WriteFileAtomically(const FileSystem& files, const std::string& path, std::string_view bytes) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> writer,
                        AtomicFileWriter::Create(files, path));
  ICPT_RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit();
}

absl::StatusOr<std::string> ReadWholeFile(const FileSystem& files, const std::string& path,
                                          int64_t limit_bytes) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  ICPT_ASSIGN_OR_RETURN(const int64_t size, file->Size());
  if (size > limit_bytes) {
    return ResourceExhausted(path, " has ", size, " bytes; the limit is ", limit_bytes);
  }
  ICPT_ASSIGN_OR_RETURN(std::string bytes, file->ReadAt(0, limit_bytes));
  return bytes;
}

absl::StatusOr<Digest> DigestOfFile(const FileSystem& files, const std::string& path,
                                    const std::function<bool()>& stopped) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  DigestBuilder builder;
  int64_t offset = 0;
  while (true) {
    if (stopped && stopped()) return absl::CancelledError("stopped");
    ICPT_ASSIGN_OR_RETURN(const std::string part, file->ReadAt(offset, kDigestPartBytes));
    if (part.empty()) return builder.Finish();
    builder.Add(part);
    offset += static_cast<int64_t>(part.size());
  }
}

absl::Status RemoveTemporaries(const FileSystem& files, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (IsTemporary(name)) ICPT_RETURN_IF_ERROR(files.Remove(JoinPath(folder, name)));
  }
  return absl::OkStatus();
}

}  // namespace interceptor
