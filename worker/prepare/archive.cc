#include "worker/prepare/archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/base/c_ptr.h"
#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/io/zip_directory.h"
#include "common/text/utf8.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr int64_t kReadBytes = 1 << 20;
constexpr std::string_view kDamaged = "damaged in the zip: ";

// Compressed media barely shrink; text may. Small entries are not worth a judgement.
constexpr int64_t kRatioMax = 100;
constexpr int64_t kRatioFreeBytes = 16 << 20;

using ZipPtr = CPtr<zip_t, zip_discard>;
using ZipFilePtr = CPtr<zip_file_t, zip_fclose>;

// What the disk or this machine's memory refuses says nothing of the zip.
absl::Status ZipFault(const std::string& path, zip_error_t& error, std::string_view what) {
  const int code = zip_error_code_zip(&error);
  const std::string text = zip_error_strerror(&error);
  if (code == ZIP_ER_READ || code == ZIP_ER_SEEK || code == ZIP_ER_OPEN || code == ZIP_ER_MEMORY) {
    return Unavailable(path, " cannot be read: ", text);
  }
  return DataLoss(what, text);
}

// True for a regular file, false for a folder.
absl::StatusOr<bool> JudgeEntry(const ZipEntry& entry) {
  const std::string_view name = entry.name;
  const bool is_folder = name.ends_with('/');
  const absl::Status valid = ValidateEntryName(is_folder ? name.substr(0, name.size() - 1) : name);
  if (!valid.ok()) {
    const bool from_windows = name.find('\\') != std::string_view::npos;
    return InvalidArgument(
        valid.message(), from_windows ? " where the zip format has '/', as Windows' Compress-Archive writes "
                                        "it; pack it again with another program, such as 7-Zip or tar -a"
                                      : "; rename it and pack the zip again");
  }
  constexpr uint8_t kUnix = 3;
  const mode_t kind = (entry.attributes >> 16) & S_IFMT;
  if (entry.system == kUnix && kind != 0 && kind != S_IFREG && kind != S_IFDIR) {
    return InvalidArgument("entry '", name, "' is a link or a device, not a file; pack the file itself");
  }
  if (is_folder) return false;
  if ((entry.flags & 1) != 0)
    return InvalidArgument("entry '", name, "' is encrypted; pack it without a password");
  if (entry.method != ZIP_CM_STORE && entry.method != ZIP_CM_DEFLATE) {
    return InvalidArgument("entry '", name, "' is packed by method ", entry.method,
                           "; only stored and deflated entries are read, pack it again by deflate");
  }
  return true;
}

// Opening, libzip walks through all names of one hash for each of them.
absl::Status CheckHashes(std::span<const ZipEntry> entries) {
  constexpr int kSameMax = 5000;
  std::vector<int> counts(1 << 16);
  for (const ZipEntry& entry : entries) {
    uint32_t hash = 5381;
    for (const char c : entry.name) hash = hash * 33 + static_cast<uint8_t>(c);
    if (++counts[hash % counts.size()] > kSameMax) {
      return InvalidArgument("its entries' names are made to have one hash, such as '", entry.name,
                             "'; rename them");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ArchiveEntry>> JudgeEntries(std::span<const ZipEntry> listed) {
  ICPT_RETURN_IF_ERROR(CheckHashes(listed));
  std::vector<ArchiveEntry> entries;
  std::set<std::string> seen;
  for (const ZipEntry& entry : listed) {
    ICPT_ASSIGN_OR_RETURN(const bool is_file, JudgeEntry(entry));
    if (!is_file) continue;
    if (!seen.insert(absl::AsciiStrToLower(entry.name)).second) {
      return InvalidArgument("entry '", entry.name, "' stands twice; keep one of them");
    }
    constexpr uint64_t kSizeLimit = uint64_t{1} << 62;
    entries.push_back({.index = static_cast<uint64_t>(&entry - listed.data()),
                       .path = entry.name,
                       .size_bytes = static_cast<int64_t>(std::min(entry.size_bytes, kSizeLimit)),
                       .packed_bytes = static_cast<int64_t>(std::min(entry.packed_bytes, kSizeLimit)),
                       .checksum = entry.checksum});
  }
  std::ranges::sort(entries, {}, &ArchiveEntry::path);
  return entries;
}

// That libzip reads the directory that was judged.
absl::Status CheckSameEntries(zip_t* zip, std::span<const ZipEntry> entries) {
  bool same = zip_get_num_entries(zip, 0) == static_cast<zip_int64_t>(entries.size());
  for (size_t i = 0; same && i < entries.size(); ++i) {
    zip_stat_t stat;
    same = zip_stat_index(zip, i, ZIP_FL_ENC_RAW, &stat) == 0 && entries[i].name == stat.name &&
           entries[i].size_bytes == stat.size && entries[i].packed_bytes == stat.comp_size;
  }
  if (same) return absl::OkStatus();
  return DataLoss("libzip finds another central directory in it; copy it again, or pack its files again");
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
    if (file == nullptr) return ZipFault(path_, *zip_get_error(zip_.get()), kDamaged);
    std::string bytes;
    while (true) {
      const auto filled = static_cast<int64_t>(bytes.size());
      const int64_t ask = std::min(kReadBytes, entry.size_bytes - filled + 1);
      bytes.resize(static_cast<size_t>(filled + ask));
      const zip_int64_t count = zip_fread(file.get(), bytes.data() + filled, static_cast<zip_uint64_t>(ask));
      if (count < 0) return ZipFault(path_, *zip_file_get_error(file.get()), kDamaged);
      bytes.resize(static_cast<size_t>(filled + count));
      if (count == 0) break;
      if (static_cast<int64_t>(bytes.size()) > entry.size_bytes) {
        return DataLoss(kDamaged, "it unpacks to more than the declared ", entry.size_bytes, " bytes");
      }
    }
    if (static_cast<int64_t>(bytes.size()) != entry.size_bytes) {
      return DataLoss(kDamaged, bytes.size(), " of ", entry.size_bytes, " bytes are there");
    }
    bytes_read_ += entry.size_bytes;
    return bytes;
  }

 private:
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
  ICPT_ASSIGN_OR_RETURN(const auto file, SystemFiles().Open(path, OpenMode::kRead));
  const auto listed = ReadZipDirectory(*file);
  if (!listed.ok()) return Annotate(listed.status(), path);
  auto entries = JudgeEntries(*listed);
  if (!entries.ok()) return Annotate(entries.status(), path);
  int code = 0;
  ZipPtr zip(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (zip == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const absl::Status status =
        ZipFault(path, error, Cat(path, ": libzip does not read its central directory: "));
    zip_error_fini(&error);
    return status;
  }
  ICPT_RETURN_IF_ERROR(Annotate(CheckSameEntries(zip.get(), *listed), path));
  return std::make_unique<ZipArchive>(path, std::move(zip), *std::move(entries));
}

}  // namespace interceptor::worker
