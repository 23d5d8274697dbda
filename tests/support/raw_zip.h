// Writes zips byte by byte, also such as no honest program writes: any name, repeated names, links, wrong
// sizes, damaged contents. Stored entries only, no zip64. Format: PKWARE APPNOTE 6.3,
// sections 4.3.7, 4.3.12, 4.3.16.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace interceptor {

struct RawZipEntry {
  std::string name;
  std::string bytes = {};
  uint16_t flags = 0;   // 1: encrypted
  uint16_t method = 0;  // 0: stored
  uint32_t unix_mode = 0100644;
  bool wrong_checksum = false;
};

inline uint32_t RawZipChecksum(const std::string& bytes) {
  uint32_t sum = ~0u;
  for (const char c : bytes) {
    sum ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xedb88320u & -(sum & 1));
  }
  return ~sum;
}

class RawZipFields {
 public:
  RawZipFields& U16(uint32_t value) {
    for (int i = 0; i < 2; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  RawZipFields& U32(uint32_t value) { return U16(value & 0xffff).U16(value >> 16); }
  RawZipFields& Text(const std::string& text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

inline std::string RawZip(const std::vector<RawZipEntry>& entries) {
  constexpr uint32_t kVersion = 20;
  constexpr uint32_t kMadeByUnix = 3 << 8;
  constexpr uint32_t kNewYear2020 = (40 << 9) | (1 << 5) | 1;
  std::string data;
  std::string directory;
  for (const RawZipEntry& entry : entries) {
    const auto size = static_cast<uint32_t>(entry.bytes.size());
    const auto name_size = static_cast<uint32_t>(entry.name.size());
    const uint32_t sum = RawZipChecksum(entry.bytes) ^ (entry.wrong_checksum ? 1u : 0u);
    RawZipFields common;
    common.U16(entry.flags).U16(entry.method).U16(0).U16(kNewYear2020).U32(sum).U32(size).U32(size);
    const auto offset = static_cast<uint32_t>(data.size());
    data += RawZipFields().U32(0x04034b50).U16(kVersion).Text(common.bytes()).U16(name_size).U16(0).bytes();
    data += entry.name + entry.bytes;
    directory += RawZipFields()
                     .U32(0x02014b50)
                     .U16(kVersion | kMadeByUnix)
                     .U16(kVersion)
                     .Text(common.bytes())
                     .U16(name_size)
                     .U16(0)
                     .U16(0)
                     .U16(0)
                     .U16(0)
                     .U32(entry.unix_mode << 16)
                     .U32(offset)
                     .Text(entry.name)
                     .bytes();
  }
  const auto count = static_cast<uint32_t>(entries.size());
  return data + directory +
         RawZipFields()
             .U32(0x06054b50)
             .U16(0)
             .U16(0)
             .U16(count)
             .U16(count)
             .U32(static_cast<uint32_t>(directory.size()))
             .U32(static_cast<uint32_t>(data.size()))
             .U16(0)
             .bytes();
}

}  // namespace interceptor
