#include "worker/store/clip_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "the header is written as it lies in memory");

constexpr char kMagic[] = "ICPTCLIP";
constexpr int64_t kHeaderBytes = 64;
constexpr int64_t kAlignment = 64;
constexpr size_t kDigestDigits = 32;
constexpr size_t kDimensionsMax = 8;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t index_offset;
  uint64_t index_bytes;
  char index_digits[kDigestDigits];
};
static_assert(sizeof(Header) == kHeaderBytes);

std::string ShortDigest(std::string_view bytes) { return DigestOf(bytes).hex.substr(0, kDigestDigits); }

std::string_view TypeName(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return "u8";
    case ElementType::kF32:
      return "f32";
  }
  return "?";
}

// Bytes of a tensor, or -1 when a dimension is not positive or the product leaves int64.
int64_t TensorBytes(const std::vector<int64_t>& shape, ElementType type) {
  if (shape.empty() || shape.size() > kDimensionsMax) return -1;
  int64_t bytes = ElementBytes(type);
  for (const int64_t dimension : shape) {
    if (dimension <= 0 || dimension > std::numeric_limits<int64_t>::max() / bytes) return -1;
    bytes *= dimension;
  }
  return bytes;
}

json IndexEntry(const StoredClip& clip, const std::vector<int64_t>& offsets) {
  json views = json::array();
  for (size_t i = 0; i < clip.views.size(); ++i) {
    const ViewTensor& tensor = clip.views[i];
    views.push_back({{"view", std::string(ToString(tensor.view))},
                     {"type", std::string(TypeName(tensor.type))},
                     {"shape", tensor.shape},
                     {"offset", offsets[i]},
                     {"sha256", ShortDigest(tensor.bytes)}});
    if (tensor.yuv.has_value()) {
      views.back()["yuv"] = {{"matrix", std::string(ToString(tensor.yuv->matrix))},
                             {"full_range", tensor.yuv->full_range}};
    }
  }
  return {{"name", clip.info.name},
          {"chunk", clip.info.chunk},
          {"family", clip.info.family},
          {"label", std::string(ToString(clip.info.label))},
          {"fold", clip.info.fold},
          {"attributes", clip.attributes},
          {"frame_seconds", clip.frame_seconds},
          {"series", clip.series},
          {"views", std::move(views)}};
}

// JSON knows no infinities, so they are refused here rather than found when the file is read.
absl::Status CheckNumbers(const StoredClip& clip) {
  for (const auto& [name, value] : clip.attributes) {
    if (!std::isfinite(value)) {
      return InvalidArgument("clip '", clip.info.name, "': attribute ", name, " is ", value);
    }
  }
  const auto is_finite = [](double value) { return std::isfinite(value); };
  bool all = std::all_of(clip.frame_seconds.begin(), clip.frame_seconds.end(), is_finite);
  for (const auto& [name, values] : clip.series)
    all = all && std::all_of(values.begin(), values.end(), is_finite);
  if (!all) return InvalidArgument("clip '", clip.info.name, "': a time or place of a frame is no number");
  return absl::OkStatus();
}

class Writer final : public ClipStoreWriter {
 public:
  explicit Writer(std::unique_ptr<AtomicFileWriter> file) : file_(std::move(file)) {}

  absl::Status Add(const StoredClip& clip) override {
    if (index_.contains(clip.info.name)) {
      return InvalidArgument("clip '", clip.info.name, "' is added twice");
    }
    ICPT_RETURN_IF_ERROR(CheckNumbers(clip));
    std::vector<int64_t> offsets;
    for (const ViewTensor& tensor : clip.views) {
      if (TensorBytes(tensor.shape, tensor.type) != static_cast<int64_t>(tensor.bytes.size())) {
        return InvalidArgument("clip '", clip.info.name, "': view ", ToString(tensor.view), " has ",
                               tensor.bytes.size(), " bytes, not what its shape says");
      }
      ICPT_RETURN_IF_ERROR(Pad());
      offsets.push_back(file_->size_bytes());
      ICPT_RETURN_IF_ERROR(file_->Append(tensor.bytes));
    }
    index_[clip.info.name] = IndexEntry(clip, offsets);
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    ICPT_RETURN_IF_ERROR(Pad());
    json clips = json::array();
    for (auto& [name, entry] : index_) clips.push_back(std::move(entry));
    const std::string index = json{{"clips", std::move(clips)}}.dump();
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof(header.magic));
    header.version = kClipStoreVersion;
    header.index_offset = static_cast<uint64_t>(file_->size_bytes());
    header.index_bytes = index.size();
    std::memcpy(header.index_digits, ShortDigest(index).data(), kDigestDigits);
    ICPT_RETURN_IF_ERROR(file_->Append(index));
    ICPT_RETURN_IF_ERROR(
        file_->WriteAt(0, std::string_view(reinterpret_cast<const char*>(&header), sizeof(header))));
    return file_->Commit();
  }

 private:
  absl::Status Pad() {
    const int64_t over = file_->size_bytes() % kAlignment;
    return over == 0 ? absl::OkStatus() : file_->Append(std::string(kAlignment - over, '\0'));
  }

  std::unique_ptr<AtomicFileWriter> file_;
  std::map<std::string, json> index_;
};

// A file mapped read-only; unmapped by the destructor.
class Mapping {
 public:
  static absl::StatusOr<std::unique_ptr<Mapping>> Open(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, Cat("open ", path));
    struct stat info {};
    if (fstat(fd, &info) != 0) {
      const int error = errno;
      close(fd);
      return ErrnoStatus(error, Cat("stat ", path));
    }
    if (info.st_size < kHeaderBytes) {
      close(fd);
      return DataLoss(path, ": too short for a clip store (", info.st_size, " bytes)");
    }
    const auto size = static_cast<size_t>(info.st_size);
    void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    const int error = errno;
    close(fd);
    if (address == MAP_FAILED) return ErrnoStatus(error, Cat("map ", path));
    return std::unique_ptr<Mapping>(new Mapping(address, size));
  }

  ~Mapping() { munmap(address_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }

 private:
  Mapping(void* address, size_t size) : address_(address), size_(size) {}

  void* address_;
  size_t size_;
};

// The index's JSON after its bounds and digest were checked.
absl::StatusOr<std::string_view> VerifiedIndex(std::string_view file) {
  Header header;
  std::memcpy(&header, file.data(), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(header.magic)) != 0) return DataLoss("not a clip store");
  if (header.version > kClipStoreVersion) {
    return FailedPrecondition("written by a newer version (format ", header.version, ", this program reads ",
                              kClipStoreVersion, "): use the newer program");
  }
  if (header.version == 0 || header.index_offset < static_cast<uint64_t>(kHeaderBytes) ||
      header.index_offset > file.size() || header.index_bytes != file.size() - header.index_offset) {
    return DataLoss("header does not fit the file's ", file.size(), " bytes");
  }
  const std::string_view index = file.substr(header.index_offset, header.index_bytes);
  if (ShortDigest(index) != std::string_view(header.index_digits, kDigestDigits)) {
    return DataLoss("index is damaged (its digest differs from the header's)");
  }
  return index;
}

absl::StatusOr<YuvColours> DecodeColours(const json& object, const std::string& what) {
  JsonReader reader(object, what);
  const std::string name = reader.String("matrix");
  const bool full_range = reader.Boolean("full_range");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  const std::optional<ColourMatrix> matrix = ParseColourMatrix(name);
  if (!matrix.has_value()) return DataLoss(what, ": unknown colour matrix '", name, "'");
  return YuvColours{*matrix, full_range};
}

absl::StatusOr<ViewTensor> DecodeTensor(const json& object, const std::string& what, std::string_view data) {
  if (!object.is_object()) return DataLoss(what, ": a view is not an object");
  JsonReader reader(object, what);
  const std::optional<View> view = ParseView(reader.String("view"));
  const std::string type = reader.String("type");
  const int64_t offset = reader.Integer("offset");
  ViewTensor tensor;
  for (const json& dimension : reader.Array("shape")) {
    if (!dimension.is_number_integer()) return DataLoss(what, ": shape holds something else than integers");
    tensor.shape.push_back(dimension.get<int64_t>());
  }
  if (object.contains("sha256")) tensor.digest = reader.String("sha256");
  if (object.contains("yuv")) {
    ICPT_ASSIGN_OR_RETURN(tensor.yuv, DecodeColours(reader.Object("yuv"), what));
  }
  tensor.verified = std::make_shared<std::atomic<bool>>(tensor.digest.empty());
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (!view.has_value()) return DataLoss(what, ": unknown view");
  tensor.view = *view;
  if (type == TypeName(ElementType::kU8)) {
    tensor.type = ElementType::kU8;
  } else if (type == TypeName(ElementType::kF32)) {
    tensor.type = ElementType::kF32;
  } else {
    return DataLoss(what, ": unknown element type '", type, "'");
  }
  const int64_t bytes = TensorBytes(tensor.shape, tensor.type);
  const auto size = static_cast<int64_t>(data.size());
  if (bytes < 0 || offset < kHeaderBytes || offset % kAlignment != 0 || offset > size ||
      bytes > size - offset) {
    return DataLoss(what, ": view ", ToString(tensor.view), " lies outside the file's data");
  }
  tensor.bytes = data.substr(static_cast<size_t>(offset), static_cast<size_t>(bytes));
  return tensor;
}

absl::StatusOr<std::vector<double>> DecodeNumbers(const json& values, const std::string& what) {
  if (!values.is_array()) return DataLoss(what, " is not an array");
  std::vector<double> numbers;
  for (const json& value : values) {
    if (!value.is_number()) return DataLoss(what, " holds something else than numbers");
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

absl::StatusOr<StoredClip> DecodeEntry(const json& object, std::string_view data) {
  if (!object.is_object()) return DataLoss("index: a clip is not an object");
  JsonReader reader(object, "index");
  StoredClip clip;
  clip.info.name = reader.String("name");
  clip.info.chunk = reader.String("chunk");
  clip.info.family = reader.String("family");
  const std::optional<Label> label = ParseLabel(reader.String("label"));
  const int64_t fold = reader.Integer("fold");
  const json& attributes = reader.Object("attributes");
  const json& seconds = reader.Array("frame_seconds");
  const json& series = object.contains("series") ? reader.Object("series") : json::object();
  const json& views = reader.Array("views");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  const std::string what = Cat("clip '", clip.info.name, "'");
  if (!label.has_value()) return DataLoss(what, ": label is neither REAL nor FAKE");
  if (fold < 0 || fold > 100) return DataLoss(what, ": fold is ", fold);
  clip.info.label = *label;
  clip.info.fold = static_cast<int>(fold);
  for (const auto& [name, value] : attributes.items()) {
    if (!value.is_number()) return DataLoss(what, ": attribute ", name, " is not a number");
    clip.attributes[name] = value.get<double>();
  }
  ICPT_ASSIGN_OR_RETURN(clip.frame_seconds, DecodeNumbers(seconds, Cat(what, ": frame_seconds")));
  for (const auto& [name, values] : series.items()) {
    ICPT_ASSIGN_OR_RETURN(clip.series[name], DecodeNumbers(values, Cat(what, ": ", name)));
  }
  for (const json& view : views) {
    ICPT_ASSIGN_OR_RETURN(ViewTensor tensor, DecodeTensor(view, what, data));
    clip.views.push_back(std::move(tensor));
  }
  return clip;
}

absl::StatusOr<std::vector<StoredClip>> DecodeClips(std::string_view file) {
  ICPT_ASSIGN_OR_RETURN(const std::string_view index, VerifiedIndex(file));
  const std::string_view data = file.substr(0, file.size() - index.size());
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(index, int64_t{1} << 30));
  JsonReader reader(object, "index");
  const json& entries = reader.Array("clips");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  std::vector<StoredClip> clips;
  for (const json& entry : entries) {
    ICPT_ASSIGN_OR_RETURN(StoredClip clip, DecodeEntry(entry, data));
    if (!clips.empty() && clip.info.name <= clips.back().info.name) {
      return DataLoss("index: clips are not in order at '", clip.info.name, "'");
    }
    clips.push_back(std::move(clip));
  }
  return clips;
}

class Reader final : public ClipStoreReader {
 public:
  Reader(std::unique_ptr<Mapping> mapping, std::vector<StoredClip> clips)
      : mapping_(std::move(mapping)), clips_(std::move(clips)) {}

  std::span<const StoredClip> clips() const override { return clips_; }
  int64_t size_bytes() const override { return static_cast<int64_t>(mapping_->bytes().size()); }

 private:
  std::unique_ptr<Mapping> mapping_;
  std::vector<StoredClip> clips_;
};

std::string InChunkFolder(std::string_view store, std::string_view chunk, std::string_view name) {
  return JoinPath(JoinPath(store, chunk), name);
}

}  // namespace

int64_t ElementBytes(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return 1;
    case ElementType::kF32:
      return 4;
  }
  return 1;
}

const ViewTensor* StoredClip::Find(View view) const {
  const auto found =
      std::find_if(views.begin(), views.end(), [view](const ViewTensor& t) { return t.view == view; });
  return found == views.end() ? nullptr : &*found;
}

absl::StatusOr<std::string_view> VerifiedBytes(const StoredClip& clip, const ViewTensor& tensor) {
  if (tensor.verified == nullptr || tensor.verified->load(std::memory_order_relaxed)) return tensor.bytes;
  if (ShortDigest(tensor.bytes) != tensor.digest) {
    return DataLoss("chunk ", clip.info.chunk, ": clip ", clip.info.name,
                    " has other bytes in the clip store than ", "were written there (view ",
                    ToString(tensor.view), "): remove the chunk's folder from the store, ",
                    "it is made again from the zip; then 'interceptor resume'");
  }
  tensor.verified->store(true, std::memory_order_relaxed);
  return tensor.bytes;
}

absl::StatusOr<std::unique_ptr<ClipStoreWriter>> ClipStoreWriter::Create(const FileSystem& files,
                                                                         std::string path) {
  ICPT_ASSIGN_OR_RETURN(auto file, AtomicFileWriter::Create(files, std::move(path)));
  ICPT_RETURN_IF_ERROR(file->Append(std::string(kHeaderBytes, '\0')));
  return std::make_unique<Writer>(std::move(file));
}

absl::StatusOr<std::unique_ptr<ClipStoreReader>> ClipStoreReader::Open(const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(auto mapping, Mapping::Open(path));
  auto clips = DecodeClips(mapping->bytes());
  if (absl::IsFailedPrecondition(clips.status())) return Annotate(clips.status(), path);
  if (!clips.ok()) return DataLoss(path, ": ", clips.status().message());
  return std::make_unique<Reader>(std::move(mapping), *std::move(clips));
}

std::string TrainStorePath(std::string_view store, std::string_view chunk) {
  return InChunkFolder(store, chunk, "train.clips");
}
std::string KeepStorePath(std::string_view store, std::string_view chunk) {
  return InChunkFolder(store, chunk, "keep.clips");
}
std::string ManifestPath(std::string_view store, std::string_view chunk) {
  return InChunkFolder(store, chunk, "manifest.jsonl");
}
std::string PreparedStampPath(std::string_view store, std::string_view chunk) {
  return InChunkFolder(store, chunk, "prepared.json");
}

}  // namespace interceptor::worker
