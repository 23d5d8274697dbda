// A chunk on disk: NN.zip with dfdc_train_part_<N>/<clip>.mp4 and dfdc_train_part_<N>/metadata.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

struct ChunkClip {
  std::string name;  // "abcdefghij.mp4"
  bool fake = false;
  std::string original;  // of a fake
  std::string bytes;
};

// Two digits: "00" to "99".
std::string ChunkName(int chunk);

// The chunk's metadata.json, with DFDC's own keys.
std::string Metadata(const std::vector<ChunkClip>& clips);

// Writes <folder>/<NN>.zip, replacing it. The same clips give the same bytes.
absl::Status WriteChunk(const std::string& folder, int chunk, const std::vector<ChunkClip>& clips);

// All clips of a chunk written by WriteChunk, or of a part of DFDC itself. `path` is the zip.
absl::StatusOr<std::vector<ChunkClip>> ReadChunk(const std::string& path);

// Paths of the *.zip in a folder, in order. NOT_FOUND when there is none.
absl::StatusOr<std::vector<std::string>> ListChunks(const std::string& folder);

}  // namespace interceptor::synth
