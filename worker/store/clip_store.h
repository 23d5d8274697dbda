// The clip store: one chunk decoded once, read by every specialist and every epoch.
//
// A chunk's folder <store>/<chunk>/ holds
//   manifest.jsonl   the data manifest (worker/store/manifest.h)
//   train.clips      clips of the training families that are not kept (may be evicted)
//   keep.clips       held-out families and the replay reservoir (kept to the plan's end)
//   prepared.json    what the others were made from (worker/prepare/prepared_stamp.h); there when they are whole
// A .clips file is: 64 bytes of header, the views' raw bytes (each tensor on a 64-byte boundary), and a JSON
// index that names every clip with its attributes and tensors, and since version 2 each tensor's digest (the
// first 32 hexadecimal digits of its SHA-256), and since version 3 the matrix and range of a planar picture
// and series of numbers by name. Header: magic "ICPTCLIP", version u32, zero u32, index offset and index
// bytes (u64) and the first 32 hexadecimal digits of the index's SHA-256, little-endian. Files are written
// atomically; a reader maps them, verifies header and index before the first use, and a tensor's digest when
// the tensor is touched first (VerifiedBytes).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/io/atomic_file.h"
#include "common/io/file_system.h"
#include "common/io/mapped_file.h"
#include "worker/sampling/types.h"
#include "worker/store/planar.h"

namespace interceptor::worker {

// Version 1 had no digests of tensors; it is read without them. Versions 1 and 2 had pictures in RGB alone,
// those before 4 no block_mask.
inline constexpr uint32_t kClipStoreVersion = 4;

enum class ElementType { kU8, kF32 };

std::string_view ToString(ElementType type);  // "u8", "f32"
int64_t ElementBytes(ElementType type);

// One view of one clip, row-major. Square pictures are planar YUV 4:2:0 with `yuv` set and shape
// [frames, 3/2 side, side] (worker/store/planar.h), or RGB with shape [frames, side, side, 3].
struct ViewTensor {
  View view = View::kFullFrame;
  ElementType type = ElementType::kU8;
  std::vector<int64_t> shape;
  std::string_view bytes;
  std::optional<YuvColours> yuv = {};
  // Of a tensor that was read from a store; written by the store itself.
  std::string digest = {};
  std::shared_ptr<std::atomic<bool>> verified = {};
};

struct StoredClip {
  ClipInfo info;
  // Measured properties by name: "brightness", "bits_per_pixel", "face_share" (frames with a face), ...
  std::map<std::string, double> attributes;
  // Presentation time of each frame of the frame views, seconds.
  std::vector<double> frame_seconds;
  // More numbers that belong to views, by name (worker/media): times, boxes, places.
  std::map<std::string, std::vector<double>> series = {};
  std::vector<ViewTensor> views;

  const ViewTensor* Find(View view) const;
};

// The tensor's bytes, compared with its digest the first time. DATA_LOSS names the clip and the remedy. Safe
// from any thread.
absl::StatusOr<std::string_view> VerifiedBytes(const StoredClip& clip, const ViewTensor& tensor);

class ClipStoreWriter {
 public:
  static absl::StatusOr<std::unique_ptr<ClipStoreWriter>> Create(const FileSystem& files, std::string path);
  // Appends a clip; its bytes are copied to the file before the call returns.
  absl::Status Add(const StoredClip& clip);
  // Writes the index sorted by clip name and makes the file visible.
  absl::Status Commit();

 private:
  explicit ClipStoreWriter(std::unique_ptr<AtomicFileWriter> file) : file_(std::move(file)) {}
  absl::Status Pad();

  const std::unique_ptr<AtomicFileWriter> file_;
  std::map<std::string, nlohmann::json> index_;  // by clip name
};

// Read-only and safe from any thread. Views point into the map and live as long as this object.
class ClipStoreReader {
 public:
  // NOT_FOUND, DATA_LOSS (naming file and fault) or FAILED_PRECONDITION (written by a newer version).
  static absl::StatusOr<std::unique_ptr<ClipStoreReader>> Open(const std::string& path);
  std::span<const StoredClip> clips() const { return clips_; }  // sorted by name

 private:
  ClipStoreReader(MappedFile file, std::vector<StoredClip> clips)
      : file_(std::move(file)), clips_(std::move(clips)) {}

  const MappedFile file_;
  const std::vector<StoredClip> clips_;
};

std::string TrainStorePath(std::string_view store, std::string_view chunk);
std::string KeepStorePath(std::string_view store, std::string_view chunk);
std::string ManifestPath(std::string_view store, std::string_view chunk);
std::string PreparedStampPath(std::string_view store, std::string_view chunk);

}  // namespace interceptor::worker
