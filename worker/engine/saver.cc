#include "worker/engine/saver.h"

#include <chrono>
#include <memory>
#include <utility>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {

CheckpointEvent ToEvent(const SavedFile& saved) {
  CheckpointEvent event;
  event.path = saved.job.path;
  event.checkpoint.blob = saved.digest;
  event.checkpoint.step = saved.job.info.step;
  event.checkpoint.cursor = saved.job.info.cursor;
  event.checkpoint.training_seconds = saved.job.info.training_seconds;
  event.checkpoint.manifests = saved.job.info.manifests;
  event.checkpoint.reason = saved.job.reason;
  event.stall_ms = saved.job.stall_ms;
  return event;
}

HostState& Saver::buffer() {
  ICPT_CHECK(!busy()) << "the buffer is being written";
  return buffer_;
}

void Saver::Start(SaveJob job) {
  ICPT_CHECK(!busy()) << "a save is under way";
  const auto write = std::make_shared<std::packaged_task<SavedFile()>>(
      [this, job = std::move(job)]() mutable { return Write(std::move(job)); });
  writing_ = write->get_future();
  writer_.Post([write] { (*write)(); });
}

SavedFile Saver::Write(SaveJob job) const {
  const MonotonicTime begin = SystemClock().Now();
  SavedFile saved;
  saved.status = WriteCheckpoint(files_, job.path, architecture_, job.info, buffer_, job.losses);
  if (saved.status.ok()) {
    absl::StatusOr<Digest> digest = DigestOfFile(files_, job.path);
    saved.status = digest.status();
    if (digest.ok()) saved.digest = *std::move(digest);
  }
  saved.job = std::move(job);
  saved.write_seconds = absl::ToDoubleSeconds(SystemClock().Now() - begin);
  return saved;
}

std::optional<SavedFile> Saver::Poll() {
  const bool ended = busy() && writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  return ended ? Wait() : std::nullopt;
}

std::optional<SavedFile> Saver::Wait() {
  if (!busy()) return std::nullopt;
  return writing_.get();
}

}  // namespace interceptor::worker
