// The safetensors format: 8 bytes little-endian header length, a JSON header, then raw tensors. Reading
// trusts nothing: the header is at most 100 MB, offsets must be in range, in order, without overlap or hole,
// and each size must equal shape x dtype. Format: github.com/huggingface/safetensors, README.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"

namespace interceptor {

enum class DType { kF32, kBF16, kF64, kI64, kI32, kU8 };

int64_t BytesPerElement(DType dtype);

struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  int64_t begin = 0;  // in the data section, bytes
  int64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> tensors;  // in data order
};

// A tensor to be written; `bytes` must stay alive until the write returns.
struct TensorBytes {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

// Writes the file atomically (common/io/atomic_file.h), data starting on a 64-byte boundary, in the order
// given. INVALID_ARGUMENT for a repeated name or a size that is not shape x dtype.
absl::Status WriteSafetensors(const FileSystem& files, const std::string& path,
                              const std::map<std::string, std::string>& metadata,
                              const std::vector<TensorBytes>& tensors);

// DATA_LOSS, naming the fault, for anything that is not well formed. `data_bytes` is the size of the data
// section: the whole file less the eight length bytes and the header.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view header_json, int64_t data_bytes);

// A file read into memory; entries point into it and may be unaligned for their type.
class SafetensorsFile {
 public:
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const FileSystem& files,
                                                               const std::string& path);
  const SafetensorsHeader& header() const { return header_; }
  // Null for a tensor that is not there.
  const TensorEntry* Find(std::string_view name) const;
  // NOT_FOUND names the tensor. Valid while this object lives.
  absl::StatusOr<std::string_view> Bytes(std::string_view name) const;

 private:
  SafetensorsFile(std::string path, SafetensorsHeader header, std::string data);

  const std::string path_;
  const SafetensorsHeader header_;
  const std::string data_;
  std::map<std::string_view, const TensorEntry*> by_name_;
};

// Copies the tensor of the target's name to where `target.bytes` lies. FAILED_PRECONDITION when the file lacks it or has it
// in another shape or type.
absl::Status CopyTensor(const SafetensorsFile& file, const TensorBytes& target);

// SHA-256 over names and bytes, in their order: the format itself carries no checksum.
std::string ContentDigest(const std::vector<TensorBytes>& tensors);

}  // namespace interceptor
