#include "worker/store/clip_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/digest.h"
#include "common/base/enum_names.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "common/io/json_fields.h"

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

constexpr std::pair<ElementType, std::string_view> kTypes[] = {{ElementType::kU8, "u8"},
                                                               {ElementType::kF32, "f32"}};

std::optional<ElementType> ParseElementType(std::string_view text) { return ValueNamed(kTypes, text); }

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

// A clip and its views as the index has them.
struct IndexedView {
  ViewTensor tensor;
  int64_t offset = 0;
};
struct IndexedClip {
  StoredClip clip;  // but for its views
  std::vector<IndexedView> views;
};

void Fields(auto& visit, YuvColours& colours) {
  visit.Name("matrix", colours.matrix, ParseColourMatrix);
  visit("full_range", colours.full_range);
}

void Fields(auto& visit, IndexedView& view) {
  visit.Name("view", view.tensor.view, ParseView);
  visit.Name("type", view.tensor.type, ParseElementType);
  visit("shape", view.tensor.shape);
  visit("offset", view.offset);
  visit.Optional("sha256", view.tensor.digest);
  visit.Optional("yuv", view.tensor.yuv, [](auto& nested, auto& colours) { Fields(nested, colours); });
}

void Fields(auto& visit, IndexedClip& indexed) {
  ClipInfo& info = indexed.clip.info;
  visit("name", info.name);
  visit("chunk", info.chunk);
  visit("family", info.family);
  visit.Name("label", info.label, ParseLabel);
  visit("fold", info.fold);
  visit("attributes", indexed.clip.attributes);
  visit("frame_seconds", indexed.clip.frame_seconds);
  visit.Optional("series", indexed.clip.series);
  visit.List("views", indexed.views, [](auto& nested, auto& view) { Fields(nested, view); });
}

// JSON knows no infinities, so they are refused here rather than found when the file is read.
absl::Status CheckNumbers(const StoredClip& clip) {
  for (const auto& [name, value] : clip.attributes) {
    if (!std::isfinite(value)) {
      return InvalidArgument("clip '", clip.info.name, "': attribute ", name, " is ", value);
    }
  }
  const auto is_finite = [](double value) { return std::isfinite(value); };
  bool all = std::ranges::all_of(clip.frame_seconds, is_finite);
  for (const auto& [name, values] : clip.series) all = all && std::ranges::all_of(values, is_finite);
  if (!all) return InvalidArgument("clip '", clip.info.name, "': a time or place of a frame is no number");
  return absl::OkStatus();
}

absl::StatusOr<MappedFile> OpenMapped(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, Cat("open ", path));
  auto file = MapFile(fd, path);
  close(fd);
  if (file.ok() && file->bytes.size() < kHeaderBytes) {
    return DataLoss(path, ": too short for a clip store (", file->bytes.size(), " bytes)");
  }
  return file;
}

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

// Where the view's bytes lie in the file's `data`.
absl::Status PlaceView(std::string_view data, const std::string& clip, IndexedView& view) {
  ViewTensor& tensor = view.tensor;
  tensor.verified = std::make_shared<std::atomic<bool>>(tensor.digest.empty());
  const int64_t bytes = TensorBytes(tensor.shape, tensor.type);
  const auto size = static_cast<int64_t>(data.size());
  if (bytes < 0 || view.offset < kHeaderBytes || view.offset % kAlignment != 0 || view.offset > size ||
      bytes > size - view.offset) {
    return DataLoss("clip '", clip, "': view ", ToString(tensor.view), " lies outside the file's data");
  }
  tensor.bytes = data.substr(static_cast<size_t>(view.offset), static_cast<size_t>(bytes));
  return absl::OkStatus();
}

absl::StatusOr<StoredClip> DecodeEntry(const json& object, std::string_view data) {
  FieldReader reader(object, "index: a clip");
  IndexedClip indexed;
  Fields(reader, indexed);
  ICPT_RETURN_IF_ERROR(reader.Finish());
  StoredClip& clip = indexed.clip;
  if (clip.info.fold < 0 || clip.info.fold > 100) {
    return DataLoss("clip '", clip.info.name, "': fold is ", clip.info.fold);
  }
  for (IndexedView& view : indexed.views) {
    ICPT_RETURN_IF_ERROR(PlaceView(data, clip.info.name, view));
    clip.views.push_back(std::move(view.tensor));
  }
  return std::move(clip);
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

std::string InChunkFolder(std::string_view store, std::string_view chunk, std::string_view name) {
  return JoinPath(JoinPath(store, chunk), name);
}

}  // namespace

std::string_view ToString(ElementType type) { return NameOf(kTypes, type); }

int64_t ElementBytes(ElementType type) { return type == ElementType::kF32 ? 4 : 1; }

const ViewTensor* StoredClip::Find(View view) const {
  const auto found = std::ranges::find(views, view, &ViewTensor::view);
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
  return std::unique_ptr<ClipStoreWriter>(new ClipStoreWriter(std::move(file)));
}

absl::Status ClipStoreWriter::Add(const StoredClip& clip) {
  if (index_.contains(clip.info.name)) {
    return InvalidArgument("clip '", clip.info.name, "' is added twice");
  }
  ICPT_RETURN_IF_ERROR(CheckNumbers(clip));
  IndexedClip indexed{clip, {}};
  for (const ViewTensor& tensor : clip.views) {
    if (TensorBytes(tensor.shape, tensor.type) != static_cast<int64_t>(tensor.bytes.size())) {
      return InvalidArgument("clip '", clip.info.name, "': view ", ToString(tensor.view), " has ",
                             tensor.bytes.size(), " bytes, not what its shape says");
    }
    ICPT_RETURN_IF_ERROR(Pad());
    indexed.views.push_back({tensor, file_->size_bytes()});
    indexed.views.back().tensor.digest = ShortDigest(tensor.bytes);
    ICPT_RETURN_IF_ERROR(file_->Append(tensor.bytes));
  }
  FieldWriter entry;
  Fields(entry, indexed);
  index_[clip.info.name] = std::move(entry.object);
  return absl::OkStatus();
}

absl::Status ClipStoreWriter::Commit() {
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

absl::Status ClipStoreWriter::Pad() {
  const int64_t over = file_->size_bytes() % kAlignment;
  return over == 0 ? absl::OkStatus() : file_->Append(std::string(kAlignment - over, '\0'));
}

absl::StatusOr<std::unique_ptr<ClipStoreReader>> ClipStoreReader::Open(const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(MappedFile file, OpenMapped(path));
  auto clips = DecodeClips(file.bytes);
  if (absl::IsFailedPrecondition(clips.status())) return Annotate(clips.status(), path);
  if (!clips.ok()) return DataLoss(path, ": ", clips.status().message());
  return std::unique_ptr<ClipStoreReader>(new ClipStoreReader(std::move(file), *std::move(clips)));
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
