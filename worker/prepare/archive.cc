#include "worker/prepare/archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/io/zip_directory.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr int64_t kReadBytes = 1 << 20;

// Compressed media barely shrink; text may. Small entries are not worth a judgement.
constexpr int64_t kRatioMax = 100;
constexpr int64_t kRatioFreeBytes = 16 << 20;

struct DiscardZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZipPtr = std::unique_ptr<zip_t, DiscardZip>;
using ZipFilePtr = std::unique_ptr<zip_file_t, CloseEntry>;

std::string OpenErrorText(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Judges what the central directory says of one entry. True for a regular file, false for a folder.
absl::StatusOr<bool> JudgeEntry(zip_t* zip, const zip_stat_t& stat) {
  const std::string_view name = stat.name;
  const bool is_folder = name.ends_with('/');
  ICPT_RETURN_IF_ERROR(ValidateEntryName(is_folder ? name.substr(0, name.size() - 1) : name));
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(zip, stat.index, 0, &system, &attributes) == 0 &&
      system == ZIP_OPSYS_UNIX) {
    const mode_t kind = (attributes >> 16) & S_IFMT;
    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR) {
      return InvalidArgument("entry '", name, "' is a link or a device, not a file");
    }
  }
  if (is_folder) return false;
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
    return InvalidArgument("entry '", name, "' is encrypted");
  }
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
    return InvalidArgument("entry '", name, "' is packed by method ", stat.comp_method,
                           "; only stored and deflated entries are read");
  }
  return true;
}

absl::StatusOr<std::vector<ArchiveEntry>> ListEntries(zip_t* zip) {
  const zip_int64_t count = zip_get_num_entries(zip, 0);
  std::vector<ArchiveEntry> entries;
  std::set<std::string> seen;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    if (zip_stat_index(zip, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &stat) != 0) {
      return DataLoss("entry ", i, ": ", zip_strerror(zip));
    }
    ICPT_ASSIGN_OR_RETURN(const bool is_file, JudgeEntry(zip, stat));
    if (!is_file) continue;
    if (!seen.insert(LowerCase(stat.name)).second) {
      return InvalidArgument("entry '", stat.name, "' stands twice");
    }
    constexpr zip_uint64_t kSizeLimit = zip_uint64_t{1} << 62;
    entries.push_back({.index = stat.index,
                       .path = stat.name,
                       .size_bytes = static_cast<int64_t>(std::min(stat.size, kSizeLimit)),
                       .packed_bytes = static_cast<int64_t>(std::min(stat.comp_size, kSizeLimit)),
                       .checksum = stat.crc});
  }
  std::sort(entries.begin(), entries.end(),
            [](const ArchiveEntry& a, const ArchiveEntry& b) { return a.path < b.path; });
  return entries;
}

class ZipArchive final : public Archive {
 public:
  ZipArchive(std::string path, ZipPtr zip, std::vector<ArchiveEntry> entries)
      : path_(std::move(path)), zip_(std::move(zip)), entries_(std::move(entries)) {}

  std::span<const ArchiveEntry> entries() const override { return entries_; }
  const std::string& path() const override { return path_; }

  absl::StatusOr<std::string> Read(const ArchiveEntry& entry, int64_t limit_bytes) override {
    if (entry.size_bytes > limit_bytes) {
      return ResourceExhausted("declares ", entry.size_bytes, " bytes; at most ", limit_bytes, " are read");
    }
    if (bytes_read_ > kArchiveBytesMax - std::min(entry.size_bytes, kArchiveBytesMax)) {
      return ResourceExhausted("the zip unpacks to more than ", kArchiveBytesMax, " bytes");
    }
    if (entry.size_bytes > kRatioFreeBytes && entry.size_bytes / kRatioMax > entry.packed_bytes) {
      return ResourceExhausted("declares ", entry.size_bytes, " bytes packed into ", entry.packed_bytes);
    }
    ZipFilePtr file(zip_fopen_index(zip_.get(), entry.index, 0));
    if (file == nullptr) return Fault(*zip_get_error(zip_.get()));
    std::string bytes;
    while (true) {
      const auto filled = static_cast<int64_t>(bytes.size());
      const int64_t ask = std::min(kReadBytes, entry.size_bytes - filled + 1);
      bytes.resize(static_cast<size_t>(filled + ask));
      const zip_int64_t count = zip_fread(file.get(), bytes.data() + filled, static_cast<zip_uint64_t>(ask));
      if (count < 0) return Fault(*zip_file_get_error(file.get()));
      bytes.resize(static_cast<size_t>(filled + count));
      if (count == 0) break;
      if (static_cast<int64_t>(bytes.size()) > entry.size_bytes) {
        return DataLoss("damaged in the zip: it unpacks to more than the declared ", entry.size_bytes,
                        " bytes");
      }
    }
    if (static_cast<int64_t>(bytes.size()) != entry.size_bytes) {
      return DataLoss("damaged in the zip: ", bytes.size(), " of ", entry.size_bytes, " bytes are there");
    }
    bytes_read_ += entry.size_bytes;
    return bytes;
  }

 private:
  // What the disk or this machine's memory refuses says nothing of the entry.
  absl::Status Fault(zip_error_t& error) const {
    const int code = zip_error_code_zip(&error);
    const std::string text = zip_error_strerror(&error);
    if (code == ZIP_ER_READ || code == ZIP_ER_SEEK || code == ZIP_ER_OPEN || code == ZIP_ER_MEMORY) {
      return Unavailable(path_, " cannot be read: ", text);
    }
    return DataLoss("damaged in the zip: ", text);
  }

  std::string path_;
  ZipPtr zip_;
  std::vector<ArchiveEntry> entries_;
  int64_t bytes_read_ = 0;
};

}  // namespace

absl::Status ValidateEntryName(std::string_view name) {
  const std::string shown = Cat("entry name '", Printable(name, 100), "'");
  if (name.empty()) return InvalidArgument("an entry has no name");
  if (name.size() > kNameBytesMax) return InvalidArgument(shown, " is over ", kNameBytesMax, " bytes");
  if (!IsUtf8(name)) return InvalidArgument(shown, " is not UTF-8");
  if (name.front() == '/') return InvalidArgument(shown, " is absolute");
  // Names are short enough to be shown whole, with '?' for what a terminal might obey.
  if (Printable(name) != name) return InvalidArgument(shown, " has a control character");
  for (const char c : {'\\', ':'}) {
    if (name.find(c) != std::string_view::npos) return InvalidArgument(shown, " has a '", c, "'");
  }
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return InvalidArgument(shown, " has the part '", part, "', which leads elsewhere");
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Archive>> Archive::Open(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? NotFound(path, " does not exist") : ErrnoStatus(errno, Cat("look at ", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument(path, S_ISDIR(info.st_mode) ? " is a folder" : " is not a regular file",
                           "; name a zip");
  }
  ICPT_RETURN_IF_ERROR(Annotate(CheckZipDirectory(SystemFiles(), path), path));
  int code = 0;
  ZipPtr zip(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (zip == nullptr) {
    return DataLoss(path, ": no readable central directory (", OpenErrorText(code),
                    "): it is cut short or still being copied; copy it again");
  }
  auto entries = ListEntries(zip.get());
  if (!entries.ok()) return Annotate(entries.status(), path);
  return std::make_unique<ZipArchive>(path, std::move(zip), *std::move(entries));
}

}  // namespace interceptor::worker
