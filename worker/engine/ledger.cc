#include "worker/engine/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& run_folder) {
  const std::string path = JoinPath(run_folder, "ledger.csv");
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, Cat("open ", path));
  return std::unique_ptr<Ledger>(new Ledger(fd));
}

Ledger::~Ledger() { close(fd_); }

void Ledger::Add(const std::string& chunk, const Cursor& cursor, int64_t step,
                 const std::vector<Sample>& samples) {
  std::string content;
  for (const Sample& sample : samples) {
    content += Cat(sample.replay, ":", sample.clip, ":", sample.augmentation.value, ";");
  }
  const std::string line = Cat(chunk, ",", cursor.epoch, ",", cursor.position, ",", step, ",",
                               DigestOf(content).hex.substr(0, 16), "\n");
  if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    ICPT_LOG(kWarning) << "step " << step << " is missing from ledger.csv";
  }
}

}  // namespace interceptor::worker
