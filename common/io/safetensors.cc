#include "common/io/safetensors.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/enum_names.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"

namespace interceptor {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kHeaderBytesMax = 100'000'000;
constexpr int64_t kDataAlignment = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

constexpr std::pair<DType, std::string_view> kDTypes[] = {{DType::kF32, "F32"}, {DType::kBF16, "BF16"},
                                                          {DType::kF64, "F64"}, {DType::kI64, "I64"},
                                                          {DType::kI32, "I32"}, {DType::kU8, "U8"}};

// Bytes of a tensor; nothing when a dimension is negative or the product does not fit 63 bits.
std::optional<int64_t> TensorSize(DType dtype, const std::vector<int64_t>& shape) {
  if (std::any_of(shape.begin(), shape.end(), [](int64_t n) { return n < 0; })) return std::nullopt;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  int64_t size = BytesPerElement(dtype);
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(size, n, &size)) return std::nullopt;
  }
  return size;
}

absl::StatusOr<std::vector<int64_t>> Integers(const Json& array, std::string_view what) {
  std::vector<int64_t> values;
  for (const Json& item : array) {
    const bool fits = item.is_number_unsigned() &&
                      item.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!fits) return DataLoss(what, " holds ", item.dump(-1, ' ', true, Json::error_handler_t::replace));
    values.push_back(item.get<int64_t>());
  }
  return values;
}

absl::StatusOr<TensorEntry> ParseEntry(const std::string& name, const Json& json) {
  const std::string what = Cat("tensor \"", name, "\"");
  JsonReader reader(json, what);
  const std::string dtype_name = reader.String("dtype");
  const Json& shape = reader.Array("shape");
  const Json& offsets = reader.Array("data_offsets");
  const absl::Status read = reader.Finish();
  if (!read.ok()) return DataLoss(read.message());

  const std::optional<DType> dtype = ValueNamed(kDTypes, dtype_name);
  if (!dtype.has_value()) return DataLoss(what, " has the unknown dtype \"", dtype_name, "\"");
  TensorEntry entry;
  entry.name = name;
  entry.dtype = *dtype;
  ICPT_ASSIGN_OR_RETURN(entry.shape, Integers(shape, Cat("the shape of ", what)));
  ICPT_ASSIGN_OR_RETURN(const std::vector<int64_t> range, Integers(offsets, Cat("data_offsets of ", what)));
  if (range.size() != 2 || range[0] > range[1]) return DataLoss("data_offsets of ", what, " are no range");
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
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
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
    header[tensor.name] = {{"dtype", std::string(NameOf(kDTypes, tensor.dtype))},
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

std::string EncodeLength(uint64_t length) {
  std::string bytes(kLengthBytes, '\0');
  for (int i = 0; i < kLengthBytes; ++i) bytes[i] = static_cast<char>((length >> (8 * i)) & 0xff);
  return bytes;
}

uint64_t DecodeLength(std::string_view bytes) {
  uint64_t length = 0;
  for (int i = 0; i < kLengthBytes; ++i) length |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return length;
}

class LoadedFile : public SafetensorsFile {
 public:
  LoadedFile(std::string path, SafetensorsHeader header, std::string data)
      : path_(std::move(path)), header_(std::move(header)), data_(std::move(data)) {
    for (const TensorEntry& entry : header_.tensors) by_name_[entry.name] = &entry;
  }

  const SafetensorsHeader& header() const override { return header_; }

  absl::StatusOr<std::string_view> Bytes(std::string_view name) const override {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return NotFound(path_, " has no tensor \"", name, "\"");
    const TensorEntry& entry = *found->second;
    return std::string_view(data_).substr(static_cast<size_t>(entry.begin),
                                          static_cast<size_t>(entry.end - entry.begin));
  }

 private:
  const std::string path_;
  const SafetensorsHeader header_;
  const std::string data_;
  std::map<std::string_view, const TensorEntry*> by_name_;
};

}  // namespace

int64_t BytesPerElement(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBF16:
      return 2;
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kU8:
      return 1;
  }
  return 0;
}

absl::Status WriteSafetensors(const FileSystem& files, const std::string& path,
                              const std::map<std::string, std::string>& metadata,
                              const std::vector<TensorBytes>& tensors) {
  ICPT_ASSIGN_OR_RETURN(const std::string header, MakeHeader(metadata, tensors));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> writer,
                        AtomicFileWriter::Create(files, path));
  ICPT_RETURN_IF_ERROR(writer->Append(Cat(EncodeLength(header.size()), header)));
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
  const uint64_t length = DecodeLength(length_bytes);
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
  return std::make_unique<LoadedFile>(path, *std::move(header), std::move(data));
}

}  // namespace interceptor
