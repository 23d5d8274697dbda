#include "common/io/zip_directory.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr std::string_view kEndSignature("PK\5\6", 4);
constexpr std::string_view kWideEndSignature("PK\6\6", 4);
constexpr std::string_view kWideLocatorSignature("PK\6\7", 4);
constexpr std::string_view kEntrySignature("PK\1\2", 4);
constexpr int64_t kEndBytes = 22;
constexpr int64_t kCommentBytesMax = 65535;
constexpr int64_t kWideEndBytes = 56;
constexpr int64_t kWideLocatorBytes = 20;
constexpr int64_t kEntryBytes = 46;
constexpr int64_t kLocalBytes = 30;
constexpr int64_t kDirectoryBytesMax = int64_t{256} << 20;
constexpr uint64_t kWide16 = 0xffff;
constexpr uint64_t kWide32 = 0xffffffff;

uint64_t Number(std::string_view bytes, size_t at, int width) {
  uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i)
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
};

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string_view name;
};

absl::Status CutShort(std::string_view why) {
  return DataLoss("no readable central directory (", why,
                  "): it is cut short or still being copied; copy it again");
}

class DirectoryReader {
 public:
  DirectoryReader(File& file, int64_t size) : file_(file), size_(size) {}

  absl::Status Check() {
    ICPT_ASSIGN_OR_RETURN(const Directory directory, FindDirectory());
    if (directory.entries > static_cast<uint64_t>(kArchiveEntriesMax)) {
      return InvalidArgument(directory.entries, " entries; at most ", kArchiveEntriesMax, " are read");
    }
    const auto size = static_cast<uint64_t>(size_);
    if (directory.bytes > size || directory.offset > size - directory.bytes)
      return CutShort("it lies past the end");
    if (directory.bytes > kDirectoryBytesMax) return InvalidArgument("its central directory is over 256 MiB");
    ICPT_ASSIGN_OR_RETURN(
        text_, Read(static_cast<int64_t>(directory.offset), static_cast<int64_t>(directory.bytes)));
    std::vector<Extent> extents;
    size_t at = 0;
    for (uint64_t i = 0; i < directory.entries; ++i) {
      ICPT_ASSIGN_OR_RETURN(const Extent extent, ReadEntry(at));
      if (extent.end > directory.offset) {
        return InvalidArgument("entry '", extent.name, "' reaches past the central directory");
      }
      extents.push_back(extent);
    }
    return CheckOverlap(std::move(extents));
  }

 private:
  absl::StatusOr<std::string> Read(int64_t offset, int64_t bytes) {
    ICPT_ASSIGN_OR_RETURN(std::string text, file_.ReadAt(offset, bytes));
    if (static_cast<int64_t>(text.size()) != bytes) return CutShort("it ends while it is read");
    return text;
  }

  absl::StatusOr<Directory> FindDirectory() {
    const int64_t tail_bytes = std::min(size_, kEndBytes + kCommentBytesMax);
    ICPT_ASSIGN_OR_RETURN(const std::string tail, Read(size_ - tail_bytes, tail_bytes));
    const size_t at = tail.rfind(kEndSignature);
    if (at == std::string::npos || tail.size() - at < kEndBytes)
      return CutShort(Cat("not a zip archive, ", size_, " bytes"));
    Directory directory{Number(tail, at + 10, 2), Number(tail, at + 12, 4), Number(tail, at + 16, 4)};
    if (directory.entries == kWide16 || directory.bytes == kWide32 || directory.offset == kWide32) {
      return FindWideDirectory(size_ - tail_bytes + static_cast<int64_t>(at), directory);
    }
    if (Number(tail, at + 4, 2) != 0 || Number(tail, at + 6, 2) != 0) {
      return InvalidArgument("it is one disk of a multi-disk zip; pack it as one file");
    }
    return directory;
  }

  // Without a zip64 record the numbers mean what they say.
  absl::StatusOr<Directory> FindWideDirectory(int64_t end_at, const Directory& narrow) {
    if (end_at < kWideLocatorBytes) return narrow;
    ICPT_ASSIGN_OR_RETURN(const std::string locator, Read(end_at - kWideLocatorBytes, kWideLocatorBytes));
    if (!locator.starts_with(kWideLocatorSignature)) return narrow;
    const uint64_t at = Number(locator, 8, 8);
    if (at > static_cast<uint64_t>(end_at - kWideLocatorBytes) ||
        static_cast<uint64_t>(end_at - kWideLocatorBytes) - at < static_cast<uint64_t>(kWideEndBytes)) {
      return CutShort("its zip64 record lies elsewhere");
    }
    ICPT_ASSIGN_OR_RETURN(const std::string end, Read(static_cast<int64_t>(at), kWideEndBytes));
    if (!end.starts_with(kWideEndSignature)) return CutShort("its zip64 record lies elsewhere");
    if (Number(end, 16, 4) != 0 || Number(end, 20, 4) != 0) {
      return InvalidArgument("it is one disk of a multi-disk zip; pack it as one file");
    }
    return Directory{Number(end, 32, 8), Number(end, 40, 8), Number(end, 48, 8)};
  }

  absl::StatusOr<Extent> ReadEntry(size_t& at) {
    const std::string_view text = text_;
    if (text.size() - at < kEntryBytes || text.substr(at, 4) != kEntrySignature) {
      return CutShort("it holds fewer entries than it says");
    }
    const std::string_view record = text.substr(at, kEntryBytes);
    const size_t name_bytes = Number(record, 28, 2);
    const size_t extra_bytes = Number(record, 30, 2);
    const size_t all = kEntryBytes + name_bytes + extra_bytes + Number(record, 32, 2);
    if (text.size() - at < all) return CutShort("it holds fewer entries than it says");
    const std::string_view name = text.substr(at + kEntryBytes, name_bytes);
    const std::string_view extra = text.substr(at + kEntryBytes + name_bytes, extra_bytes);
    at += all;
    if (name.find('\0') != std::string_view::npos) {
      return InvalidArgument("entry name '", name.substr(0, name.find('\0')), "...' has a control character");
    }
    uint64_t packed = Number(record, 20, 4);
    uint64_t offset = Number(record, 42, 4);
    ICPT_RETURN_IF_ERROR(ReadWide(name, extra, Number(record, 24, 4) == kWide32, packed, offset));
    const uint64_t disk = Number(record, 34, 2);
    if (disk != 0 && disk != kWide16) return InvalidArgument("entry '", name, "' lies on disk ", disk);
    const uint64_t head = offset + static_cast<uint64_t>(kLocalBytes) + name_bytes;
    if (head < offset || head + packed < head) return InvalidArgument("entry '", name, "' has no end");
    return Extent{offset, head + packed, name};
  }

  // The zip64 extra field holds, in this order, the numbers that do not fit: unpacked size, packed size,
  // offset.
  static absl::Status ReadWide(std::string_view name, std::string_view extra, bool wide_size,
                               uint64_t& packed, uint64_t& offset) {
    constexpr uint64_t kWideField = 1;
    if (!wide_size && packed != kWide32 && offset != kWide32) return absl::OkStatus();
    const auto missing = [name] { return InvalidArgument("entry '", name, "' does not say its zip64 size"); };
    size_t at = 0;
    while (at + 4 <= extra.size() && Number(extra, at, 2) != kWideField) at += 4 + Number(extra, at + 2, 2);
    if (at + 4 > extra.size()) return missing();
    std::string_view field = extra.substr(at + 4, Number(extra, at + 2, 2));
    const auto take = [&field](uint64_t& value) {
      if (field.size() < 8) return false;
      value = Number(field, 0, 8);
      field.remove_prefix(8);
      return true;
    };
    uint64_t size = 0;
    if (wide_size && !take(size)) return missing();
    if (packed == kWide32 && !take(packed)) return missing();
    if (offset == kWide32 && !take(offset)) return missing();
    return absl::OkStatus();
  }

  static absl::Status CheckOverlap(std::vector<Extent> extents) {
    std::sort(extents.begin(), extents.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].begin >= extents[i - 1].end) continue;
      return InvalidArgument("entries '", extents[i - 1].name, "' and '", extents[i].name, "' overlap");
    }
    return absl::OkStatus();
  }

  File& file_;
  const int64_t size_;
  std::string text_;
};

}  // namespace

absl::Status CheckZipDirectory(const FileSystem& files, const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
  ICPT_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kRead));
  return DirectoryReader(*file, info.size_bytes).Check();
}

}  // namespace interceptor
