// The step ledger shows afterwards that every chunk was trained once: a line an optimizer step,
// chunk,epoch,position,step,samples, where `samples` is a digest of what the batch held. Steps lost in a
// crash are taken again and listed again with the same chunk, epoch, position and samples: the last line of a
// position counts. It is no input to anything. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/sampling/sampler.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

class Ledger {
 public:
  // Appends to <run>/ledger.csv, which survives the death of this process but is not synced.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& run_folder);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // One line, written with one call so that a kill leaves whole lines: the step just taken from `cursor`.
  // Lines that find no room are kept and written with a later one.
  void Add(const std::string& chunk, const Cursor& cursor, int64_t step, const std::vector<Sample>& samples);

 private:
  explicit Ledger(int fd) : fd_(fd) {}
  void Write();

  const int fd_;
  std::string unwritten_;
  bool failed_ = false;  // and a person was told
};

}  // namespace interceptor::worker
