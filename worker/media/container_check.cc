#include "worker/media/container_check.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// Of the boxes that stand outside all others (ISO/IEC 14496-12, table 1; QuickTime File Format).
bool IsBoxType(std::string_view type) {
  constexpr std::string_view kTypes[] = {"ftyp", "styp", "moov", "moof", "mdat", "mfra", "meta",
                                         "meco", "sidx", "ssix", "prft", "pdin", "emsg", "free",
                                         "skip", "wide", "uuid", "udta", "pnot"};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

absl::Status CheckBoxes(std::string_view bytes) {
  bool has_index = false;
  for (size_t at = 0; bytes.size() - at >= 8;) {
    uint64_t size = BigEndian(bytes.substr(at, 4));
    const std::string_view type = bytes.substr(at + 4, 4);
    if (size == 1 && bytes.size() - at >= 16) size = BigEndian(bytes.substr(at + 8, 8));
    if (size == 0) size = bytes.size() - at;
    if (size < 8) break;
    has_index = has_index || type == "moov";
    if (size > bytes.size() - at) {
      if (!IsBoxType(type)) break;
      return DataLoss("cut short: its ", has_index ? "" : "index (moov) is missing, and its ",
                      "last part runs ", size - (bytes.size() - at), " bytes past its end");
    }
    at += size;
  }
  return has_index ? absl::OkStatus() : DataLoss("cut short: its index (moov) is missing");
}

// A number of 1 to 8 bytes whose leading zero bits give the length. All ones in the rest: unknown. 0 bytes:
// malformed.
struct EbmlNumber {
  size_t bytes = 0;
  uint64_t value = 0;
  bool is_known = true;
};

EbmlNumber ReadEbmlNumber(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto length = static_cast<size_t>(std::countl_zero(static_cast<uint8_t>(bytes[0]))) + 1;
  if (length > 8 || length > bytes.size()) return {};
  const uint64_t mask = (uint64_t{1} << (7 * length)) - 1;
  const uint64_t value = BigEndian(bytes.substr(0, length)) & mask;
  return {length, value, value != mask};
}

absl::Status CheckSegment(std::string_view bytes) {
  constexpr size_t kIdBytes = 4;
  const EbmlNumber header = ReadEbmlNumber(bytes.substr(kIdBytes));
  const size_t at = kIdBytes + header.bytes + header.value;
  if (header.bytes == 0 || at < header.value || at + kIdBytes > bytes.size()) return DataLoss("cut short");
  if (bytes.substr(at, kIdBytes) != "\x18\x53\x80\x67") return absl::OkStatus();
  const EbmlNumber segment = ReadEbmlNumber(bytes.substr(at + kIdBytes));
  if (segment.bytes == 0 || !segment.is_known) return absl::OkStatus();
  const size_t room = bytes.size() - at - kIdBytes - segment.bytes;
  if (segment.value <= room) return absl::OkStatus();
  return DataLoss("cut short: ", segment.value - room, " bytes are missing at its end");
}

}  // namespace

absl::Status CheckIsWhole(std::string_view bytes) {
  if (bytes.substr(0, 4) == "\x1a\x45\xdf\xa3") return CheckSegment(bytes);
  if (bytes.size() >= 8 && bytes.substr(4, 4) == "ftyp") return CheckBoxes(bytes);
  return absl::OkStatus();
}

}  // namespace interceptor::worker
