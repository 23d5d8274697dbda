#include "common/io/zip_directory.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr std::string_view kEndSignature("PK\5\6", 4);
constexpr std::string_view kEnd64Signature("PK\6\6", 4);
constexpr std::string_view kLocatorSignature("PK\6\7", 4);
constexpr std::string_view kEntrySignature("PK\1\2", 4);
constexpr uint64_t kEndBytes = 22;
constexpr uint64_t kCommentBytesMax = 65535;
constexpr uint64_t kEnd64Bytes = 56;
constexpr uint64_t kLocatorBytes = 20;
constexpr uint64_t kEntryBytes = 46;
constexpr uint64_t kLocalBytes = 30;
constexpr uint64_t kDirectoryBytesMax = uint64_t{256} << 20;
constexpr uint64_t kIn64Of16 = 0xffff;  // the number stands in the zip64 record
constexpr uint64_t kIn64Of32 = 0xffffffff;

uint64_t Number(std::string_view bytes, uint64_t at, int width) {
  uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i)
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<uint64_t>(i)]);
  return value;
}

// Where an end record says that the directory lies.
struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;

  friend bool operator==(const Directory&, const Directory&) = default;
};

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  const ZipEntry* entry = nullptr;
};

absl::Status CutShort(std::string_view why) {
  return DataLoss("no readable central directory (", why,
                  "): it is cut short or still being copied; copy it again");
}

template <typename... Parts>
absl::Status Deceives(const Parts&... parts) {
  return InvalidArgument(parts..., "; pack its files again");
}

class DirectoryReader {
 public:
  explicit DirectoryReader(const File& file) : file_(file) {}

  absl::StatusOr<std::vector<ZipEntry>> Read() {
    ICPT_ASSIGN_OR_RETURN(const int64_t size, file_.Size());
    size_ = static_cast<uint64_t>(size);
    ICPT_ASSIGN_OR_RETURN(const Directory directory, FindDirectory());
    ICPT_ASSIGN_OR_RETURN(text_, ReadAt(directory.offset, directory.bytes));
    std::vector<ZipEntry> entries(directory.entries);
    std::vector<Extent> extents(directory.entries);
    uint64_t at = 0;
    for (uint64_t i = 0; i < directory.entries; ++i) {
      extents[i].entry = &entries[i];
      ICPT_RETURN_IF_ERROR(ReadEntry(at, entries[i], extents[i]));
      if (extents[i].end > directory.offset) {
        return Deceives("entry '", entries[i].name, "' reaches past the central directory");
      }
    }
    if (at != text_.size()) return CutShort("it holds more than the entries it says");
    ICPT_RETURN_IF_ERROR(CheckOverlap(std::move(extents)));
    return entries;
  }

 private:
  absl::StatusOr<std::string> ReadAt(uint64_t offset, uint64_t bytes) {
    ICPT_ASSIGN_OR_RETURN(std::string text,
                          file_.ReadAt(static_cast<int64_t>(offset), static_cast<int64_t>(bytes)));
    if (text.size() != bytes) return CutShort("it ends while it is read");
    return text;
  }

  // A comment may hold an end record's signature, and an entry may be a zip: of what looks like end records
  // counts the one that points at a directory, and before all others one whose comment ends with the file.
  absl::StatusOr<Directory> FindDirectory() {
    const uint64_t tail_bytes = std::min(size_, kEndBytes + kCommentBytesMax);
    ICPT_ASSIGN_OR_RETURN(const std::string tail, ReadAt(size_ - tail_bytes, tail_bytes));
    std::optional<Directory> found;
    bool is_last = false;  // nothing stands behind the record that was found
    bool are_two = false;
    absl::Status fault = CutShort(Cat("not a zip archive, ", size_, " bytes"));
    for (size_t at = tail.find(kEndSignature); at != std::string::npos;
         at = tail.find(kEndSignature, at + 1)) {
      const std::string_view record = std::string_view(tail).substr(at);
      const auto directory = ReadEnd(record, size_ - record.size());
      if (!directory.ok()) {
        fault = directory.status();
        if (!absl::IsDataLoss(fault) && !absl::IsInvalidArgument(fault)) return fault;
        continue;
      }
      const bool ends = record.size() == kEndBytes + Number(record, 20, 2);
      if (found && is_last && !ends) continue;
      are_two = found && is_last == ends && (are_two || *found != *directory);
      found = *directory;
      is_last = ends;
    }
    if (are_two) return Deceives("it has two central directories that differ");
    // With an end of its own behind what was found, it is another zip that somebody sees.
    if (!found || (!is_last && absl::IsInvalidArgument(fault))) return fault;
    return *found;
  }

  // `record`: from an end record's signature to the end of the file.
  absl::StatusOr<Directory> ReadEnd(std::string_view record, uint64_t at) {
    if (record.size() < kEndBytes || record.size() < kEndBytes + Number(record, 20, 2)) {
      return CutShort("its end record is cut");
    }
    Directory directory{Number(record, 10, 2), Number(record, 12, 4), Number(record, 16, 4)};
    if (Number(record, 4, 4) != 0 || Number(record, 8, 2) != directory.entries) {
      return InvalidArgument("it is one disk of a multi-disk zip; pack it as one file");
    }
    uint64_t end = at;
    ICPT_RETURN_IF_ERROR(ReadEnd64(directory, end));
    if (directory.entries > static_cast<uint64_t>(kArchiveEntriesMax)) {
      return InvalidArgument("its central directory has ", directory.entries, " entries; at most ",
                             kArchiveEntriesMax, " are read; split it into several chunks");
    }
    if (directory.bytes > end || directory.offset > end - directory.bytes) {
      return CutShort("it lies past the end");
    }
    if (directory.bytes > kDirectoryBytesMax) {
      return InvalidArgument("its central directory is over 256 MiB; split it into several chunks");
    }
    ICPT_ASSIGN_OR_RETURN(const bool begins, BeginsAt(directory.offset, directory));
    if (begins) return directory;
    ICPT_ASSIGN_OR_RETURN(const bool begins_later, BeginsAt(end - directory.bytes, directory));
    if (!begins_later) return CutShort("it holds fewer entries than it says");
    return Deceives("its central directory lies ", end - directory.bytes - directory.offset,
                    " bytes behind where its end says, as if bytes had been put before it");
  }

  absl::StatusOr<bool> BeginsAt(uint64_t offset, const Directory& directory) {
    if (directory.bytes < directory.entries * kEntryBytes) return false;
    if (directory.entries == 0) return directory.bytes == 0;
    ICPT_ASSIGN_OR_RETURN(const std::string head, ReadAt(offset, kEntrySignature.size()));
    return head == kEntrySignature;
  }

  // What libzip and others do: where a locator stands before the end record, its record counts. Numbers that
  // the end record has besides must be the same, so that no reader takes another directory.
  absl::Status ReadEnd64(Directory& directory, uint64_t& end) {
    if (end < kLocatorBytes) return absl::OkStatus();
    ICPT_ASSIGN_OR_RETURN(const std::string locator, ReadAt(end - kLocatorBytes, kLocatorBytes));
    if (!locator.starts_with(kLocatorSignature)) return absl::OkStatus();
    const uint64_t at = Number(locator, 8, 8);
    if (at > end - kLocatorBytes || end - kLocatorBytes - at < kEnd64Bytes) {
      return CutShort("its zip64 record lies elsewhere");
    }
    ICPT_ASSIGN_OR_RETURN(const std::string record, ReadAt(at, kEnd64Bytes));
    if (!record.starts_with(kEnd64Signature)) return CutShort("its zip64 record lies elsewhere");
    const Directory wide{Number(record, 32, 8), Number(record, 40, 8), Number(record, 48, 8)};
    if (Number(locator, 4, 4) != 0 || Number(record, 16, 8) != 0 || Number(record, 24, 8) != wide.entries) {
      return InvalidArgument("it is one disk of a multi-disk zip; pack it as one file");
    }
    const auto differs = [](uint64_t narrow, uint64_t number, uint64_t in_64) {
      return narrow != in_64 && narrow != number;
    };
    if (differs(directory.entries, wide.entries, kIn64Of16) ||
        differs(directory.bytes, wide.bytes, kIn64Of32) ||
        differs(directory.offset, wide.offset, kIn64Of32)) {
      return Deceives("its two end records name different central directories");
    }
    directory = wide;
    end = at;
    return absl::OkStatus();
  }

  absl::Status ReadEntry(uint64_t& at, ZipEntry& entry, Extent& extent) {
    const std::string_view text = text_;
    if (text.size() - at < kEntryBytes || text.substr(at, 4) != kEntrySignature) {
      return CutShort("it holds fewer entries than it says");
    }
    const std::string_view record = text.substr(at, kEntryBytes);
    const uint64_t name_bytes = Number(record, 28, 2);
    const uint64_t extra_bytes = Number(record, 30, 2);
    const uint64_t all = kEntryBytes + name_bytes + extra_bytes + Number(record, 32, 2);
    if (text.size() - at < all) return CutShort("it holds fewer entries than it says");
    entry = {.name = std::string(text.substr(at + kEntryBytes, name_bytes)),
             .size_bytes = Number(record, 24, 4),
             .packed_bytes = Number(record, 20, 4),
             .checksum = static_cast<uint32_t>(Number(record, 16, 4)),
             .method = static_cast<uint16_t>(Number(record, 10, 2)),
             .flags = static_cast<uint16_t>(Number(record, 8, 2)),
             .system = static_cast<uint8_t>(Number(record, 5, 1)),
             .attributes = static_cast<uint32_t>(Number(record, 38, 4))};
    const std::string_view extra = text.substr(at + kEntryBytes + name_bytes, extra_bytes);
    at += all;
    if (const size_t nul = entry.name.find('\0'); nul != std::string::npos) {
      return Deceives("entry name '", entry.name.substr(0, nul), "...' has a control character");
    }
    extent.begin = Number(record, 42, 4);
    ICPT_RETURN_IF_ERROR(Read64(extra, entry, extent.begin));
    const uint64_t disk = Number(record, 34, 2);
    if (disk != 0 && disk != kIn64Of16) return Deceives("entry '", entry.name, "' lies on disk ", disk);
    const uint64_t head = extent.begin + kLocalBytes + name_bytes;
    extent.end = head + entry.packed_bytes;
    if (head < extent.begin || extent.end < head) return Deceives("entry '", entry.name, "' has no end");
    return absl::OkStatus();
  }

  // The zip64 extra field holds, in this order, the numbers that do not fit: size, packed size, offset.
  static absl::Status Read64(std::string_view extra, ZipEntry& entry, uint64_t& offset) {
    constexpr uint64_t kField64 = 1;
    std::string_view field;
    while (extra.size() >= 4) {
      const uint64_t bytes = Number(extra, 2, 2);
      if (extra.size() < 4 + bytes) break;
      if (field.empty() && Number(extra, 0, 2) == kField64) field = extra.substr(4, bytes);
      extra.remove_prefix(4 + bytes);
    }
    // Fewer than four zeros are padding.
    if (extra.size() >= 4 || extra.find_first_not_of('\0') != std::string_view::npos) {
      return Deceives("the central directory's extra field of entry '", entry.name, "' has no end");
    }
    for (uint64_t* number : {&entry.size_bytes, &entry.packed_bytes, &offset}) {
      if (*number != kIn64Of32) continue;
      if (field.size() < 8) return Deceives("entry '", entry.name, "' does not say its zip64 size");
      *number = Number(field, 0, 8);
      field.remove_prefix(8);
    }
    return absl::OkStatus();
  }

  static absl::Status CheckOverlap(std::vector<Extent> extents) {
    std::ranges::sort(extents, {}, &Extent::begin);
    for (size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].begin >= extents[i - 1].end) continue;
      return Deceives("entries '", extents[i - 1].entry->name, "' and '", extents[i].entry->name,
                      "' overlap");
    }
    return absl::OkStatus();
  }

  const File& file_;
  uint64_t size_ = 0;
  std::string text_;
};

}  // namespace

absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(const File& file) {
  return DirectoryReader(file).Read();
}

}  // namespace interceptor
