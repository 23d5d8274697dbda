#include "common/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "common/io/json_fields.h"

namespace interceptor {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kHeaderBytesMax = 100'000'000;
constexpr int64_t kDataAlignment = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

static_assert(std::endian::native == std::endian::little, "the length is written as it lies in memory");

struct ElementFormat {
  std::string_view name;
  int64_t bytes;
};
constexpr ElementFormat kDTypes[] = {{"F32", 4}, {"BF16", 2}, {"F64", 8}, {"I64", 8}, {"I32", 4}, {"U8", 1}};

std::string_view ToString(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

std::optional<DType> ParseDType(std::string_view name) {
  const auto* const found = std::ranges::find(kDTypes, name, &ElementFormat::name);
  if (found == std::end(kDTypes)) return std::nullopt;
  return static_cast<DType>(found - std::begin(kDTypes));
}

// Bytes of a tensor; nothing when a dimension is negative or the product does not fit 63 bits.
std::optional<int64_t> TensorSize(DType dtype, const std::vector<int64_t>& shape) {
  if (std::ranges::any_of(shape, [](int64_t n) { return n < 0; })) return std::nullopt;
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  int64_t size = BytesPerElement(dtype);
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(size, n, &size)) return std::nullopt;
  }
  return size;
}

absl::StatusOr<TensorEntry> ParseEntry(const std::string& name, const Json& json) {
  const std::string what = Cat("tensor \"", name, "\"");
  FieldReader reader(json, what);
  TensorEntry entry;
  entry.name = name;
  std::vector<int64_t> range;
  reader.Name("dtype", entry.dtype, ParseDType);
  reader("shape", entry.shape);
  reader("data_offsets", range);
  const absl::Status read = reader.Finish();
  if (!read.ok()) return DataLoss(read.message());
  if (range.size() != 2 || range[0] < 0 || range[0] > range[1])
    return DataLoss("data_offsets of ", what, " are no range");
  entry.begin = range[0];
  entry.end = range[1];
  const std::optional<int64_t> size = TensorSize(entry.dtype, entry.shape);
  if (!size.has_value()) return DataLoss("the shape of ", what, " is out of range");
  if (*size != entry.end - entry.begin) {
    return DataLoss(what, " spans ", entry.end - entry.begin, " bytes, but its shape needs ", *size);
  }
  return entry;
}

// Sorts by place and demands that the tensors fill the data section from end to end.
absl::Status OrderAndCheckCover(std::vector<TensorEntry>& tensors, int64_t data_bytes) {
  std::ranges::sort(tensors, {}, [](const TensorEntry& e) { return std::tie(e.begin, e.end, e.name); });
  int64_t at = 0;
  for (const TensorEntry& entry : tensors) {
    if (entry.begin != at) {
      return DataLoss("tensor \"", entry.name, "\" begins at byte ", entry.begin, ", where ", at, " is due");
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    return DataLoss("the tensors need ", at, " bytes, but the data section has ", data_bytes);
  }
  return absl::OkStatus();
}

// JSON holds UTF-8 only; anything else would be altered on its way into the header.
bool SurvivesJson(const std::string& text) {
  const std::string dumped = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(dumped, nullptr, false) == Json(text);
}

absl::StatusOr<std::string> MakeHeader(const std::map<std::string, std::string>& metadata,
                                       const std::vector<TensorBytes>& tensors) {
  Json header = Json::object();
  for (const auto& [key, value] : metadata) {
    if (!SurvivesJson(key) || !SurvivesJson(value)) {
      return InvalidArgument("a metadata key or value is not UTF-8");
    }
    header[std::string(kMetadataKey)][key] = value;
  }
  int64_t at = 0;
  std::set<std::string_view> names;
  for (const TensorBytes& tensor : tensors) {
    if (tensor.name == kMetadataKey || !names.insert(tensor.name).second) {
      return InvalidArgument("the tensor name \"", tensor.name, "\" is taken");
    }
    if (!SurvivesJson(tensor.name)) return InvalidArgument("a tensor's name is not UTF-8");
    const std::optional<int64_t> size = TensorSize(tensor.dtype, tensor.shape);
    if (size != static_cast<int64_t>(tensor.bytes.size())) {
      return InvalidArgument("tensor \"", tensor.name, "\" is given ", tensor.bytes.size(),
                             " bytes, but its shape needs ",
                             size.has_value() ? Cat(*size) : "more than 2^63");
    }
    header[tensor.name] = {{"dtype", std::string(ToString(tensor.dtype))},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, at + *size}}};
    at += *size;
  }
  std::string text = header.dump();
  const int64_t used = (kLengthBytes + static_cast<int64_t>(text.size())) % kDataAlignment;
  if (used != 0) text.append(static_cast<size_t>(kDataAlignment - used), ' ');
  if (static_cast<int64_t>(text.size()) > kHeaderBytesMax) {
    return InvalidArgument("the header needs ", text.size(), " bytes; the limit is ", kHeaderBytesMax);
  }
  return text;
}

}  // namespace

int64_t BytesPerElement(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].bytes; }

absl::Status WriteSafetensors(const FileSystem& files, const std::string& path,
                              const std::map<std::string, std::string>& metadata,
                              const std::vector<TensorBytes>& tensors) {
  ICPT_ASSIGN_OR_RETURN(const std::string header, MakeHeader(metadata, tensors));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> writer,
                        AtomicFileWriter::Create(files, path));
  const uint64_t length = header.size();
  const std::string_view length_bytes(reinterpret_cast<const char*>(&length), kLengthBytes);
  ICPT_RETURN_IF_ERROR(writer->Append(Cat(length_bytes, header)));
  for (const TensorBytes& tensor : tensors) ICPT_RETURN_IF_ERROR(writer->Append(tensor.bytes));
  return writer->Commit();
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view header_json, int64_t data_bytes) {
  if (header_json.empty() || header_json.front() != '{')
    return DataLoss("the header does not begin with '{'");
  const absl::StatusOr<Json> document = ParseJsonObject(header_json, kHeaderBytesMax);
  if (!document.ok()) return DataLoss("the header is damaged: ", document.status().message());
  SafetensorsHeader header;
  for (const auto& [name, value] : document->items()) {
    if (name != kMetadataKey) {
      ICPT_ASSIGN_OR_RETURN(TensorEntry entry, ParseEntry(name, value));
      header.tensors.push_back(std::move(entry));
      continue;
    }
    if (!value.is_object()) return DataLoss("the metadata is no object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) return DataLoss("metadata \"", key, "\" is no string");
      header.metadata[key] = text.get<std::string>();
    }
  }
  ICPT_RETURN_IF_ERROR(OrderAndCheckCover(header.tensors, data_bytes));
  return header;
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const FileSystem& files,
                                                                       const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  ICPT_ASSIGN_OR_RETURN(const int64_t file_bytes, file->Size());
  ICPT_ASSIGN_OR_RETURN(const std::string length_bytes, file->ReadAt(0, kLengthBytes));
  if (static_cast<int64_t>(length_bytes.size()) != kLengthBytes) {
    return DataLoss(path, ": ", file_bytes, " bytes are too few for a safetensors file");
  }
  uint64_t length = 0;
  std::memcpy(&length, length_bytes.data(), kLengthBytes);
  if (length > static_cast<uint64_t>(std::min(kHeaderBytesMax, file_bytes - kLengthBytes))) {
    return DataLoss(path, ": a header of ", length, " bytes is announced in a file of ", file_bytes,
                    "; the limit is ", kHeaderBytesMax);
  }
  const auto header_bytes = static_cast<int64_t>(length);
  const int64_t data_bytes = file_bytes - kLengthBytes - header_bytes;
  ICPT_ASSIGN_OR_RETURN(const std::string header_json, file->ReadAt(kLengthBytes, header_bytes));
  absl::StatusOr<SafetensorsHeader> header = ParseSafetensorsHeader(header_json, data_bytes);
  if (!header.ok()) return Annotate(header.status(), path);
  ICPT_ASSIGN_OR_RETURN(std::string data, file->ReadAt(kLengthBytes + header_bytes, data_bytes));
  if (static_cast<int64_t>(data.size()) != data_bytes) return DataLoss(path, " shrank while it was read");
  return std::unique_ptr<SafetensorsFile>(new SafetensorsFile(path, *std::move(header), std::move(data)));
}

SafetensorsFile::SafetensorsFile(std::string path, SafetensorsHeader header, std::string data)
    : path_(std::move(path)), header_(std::move(header)), data_(std::move(data)) {
  for (const TensorEntry& entry : header_.tensors) by_name_[entry.name] = &entry;
}

const TensorEntry* SafetensorsFile::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

absl::StatusOr<std::string_view> SafetensorsFile::Bytes(std::string_view name) const {
  const TensorEntry* entry = Find(name);
  if (entry == nullptr) return NotFound(path_, " has no tensor \"", name, "\"");
  return std::string_view(data_).substr(static_cast<size_t>(entry->begin),
                                        static_cast<size_t>(entry->end - entry->begin));
}

absl::Status CopyTensor(const SafetensorsFile& file, const TensorBytes& target) {
  const TensorEntry* entry = file.Find(target.name);
  if (entry == nullptr) return FailedPrecondition("it has no tensor ", target.name);
  if (entry->dtype != target.dtype || entry->shape != target.shape) {
    return FailedPrecondition("its tensor ", target.name, " has another shape or type");
  }
  ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, file.Bytes(target.name));
  std::memcpy(const_cast<char*>(target.bytes.data()), bytes.data(), bytes.size());
  return absl::OkStatus();
}

std::string ContentDigest(const std::vector<TensorBytes>& tensors) {
  DigestBuilder digest;
  for (const TensorBytes& tensor : tensors) {
    digest.Add(tensor.name);
    digest.Add(tensor.bytes);
  }
  return digest.Finish().hex;
}

}  // namespace interceptor
