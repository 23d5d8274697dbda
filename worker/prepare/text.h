// How a chunk's facts, and what foreign files say, are shown to a person. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace interceptor::worker {

// "00" for "data/00.zip": the name without folder and ending.
std::string ChunkOf(std::string_view zip_path);

// Things of one kind: all are counted, the first three are named.
class Examples {
 public:
  void Add(std::string example);
  int64_t count() const { return count_; }
  std::string Text() const;  // "a.mp4, b.mp4, c.mp4, ..."

 private:
  int64_t count_ = 0;
  std::vector<std::string> named_;
};

// "9.8 GB": powers of ten, as disks are sold.
std::string ShownBytes(int64_t bytes);

// Text that a terminal shows and does not obey: '?' for control characters (C0, DEL, C1), for those that turn
// the direction of writing, and for bytes that are not UTF-8. Cut to about `bytes_max` with "...".
std::string Printable(std::string_view text, size_t bytes_max = 800);

}  // namespace interceptor::worker
