#include "worker/engine/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& run_folder) {
  const std::string path = LedgerPath(run_folder);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, Cat("open ", path));
  return std::unique_ptr<Ledger>(new Ledger(fd));
}

Ledger::~Ledger() {
  if (!unwritten_.empty()) Write();
  if (!unwritten_.empty()) ICPT_LOG(kWarning) << "missing from ledger.csv: " << unwritten_;
  close(fd_);
}

void Ledger::Add(const std::string& chunk, const Cursor& cursor, int64_t step,
                 const std::vector<Sample>& samples) {
  std::string content;
  for (const Sample& sample : samples) {
    content += Cat(sample.replay, ":", sample.clip, ":", sample.augmentation.value, ";");
  }
  unwritten_ += Cat(chunk, ",", cursor.epoch, ",", cursor.position, ",", step, ",",
                    DigestOf(content).hex.substr(0, 16), "\n");
  Write();
}

void Ledger::Write() {
  const off_t end = lseek(fd_, 0, SEEK_END);
  if (write(fd_, unwritten_.data(), unwritten_.size()) == static_cast<ssize_t>(unwritten_.size())) {
    unwritten_.clear();
    failed_ = false;
    return;
  }
  if (!std::exchange(failed_, true)) ICPT_LOG(kWarning) << ErrnoStatus(errno, "ledger.csv waits for room");
  if (ftruncate(fd_, end) != 0) ICPT_LOG(kWarning) << ErrnoStatus(errno, "ledger.csv ends in half a line");
}

}  // namespace interceptor::worker
