#include "worker/engine/saver.h"

#include <thread>
#include <utility>

#include "common/base/bounded_queue.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {

struct Saver::Impl {
  Impl(const FileSystem& files, const Architecture& architecture, bool bf16_moments)
      : files(files), architecture(architecture), buffer(MakeHostState(architecture, bf16_moments)) {
    writer = std::thread([this] {
      while (std::optional<SaveJob> job = jobs.Pop()) results.Push(Write(*std::move(job)));
    });
  }

  ~Impl() {
    jobs.Close();
    writer.join();
  }

  SavedFile Write(SaveJob job) {
    const MonotonicTime begin = SystemClock().Now();
    SavedFile saved;
    saved.status = WriteCheckpoint(files, job.path, architecture, job.info, buffer, job.losses);
    if (saved.status.ok()) {
      absl::StatusOr<Digest> digest = DigestOfFile(files, job.path);
      saved.status = digest.status();
      if (digest.ok()) saved.digest = *std::move(digest);
    }
    saved.job = std::move(job);
    saved.write_seconds = absl::ToDoubleSeconds(SystemClock().Now() - begin);
    return saved;
  }

  const FileSystem& files;
  const Architecture architecture;
  HostState buffer;
  bool busy = false;
  BoundedQueue<SaveJob> jobs{1};
  BoundedQueue<SavedFile> results{1};
  std::thread writer;
};

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

Saver::Saver(const FileSystem& files, const Architecture& architecture, bool bf16_moments)
    : impl_(std::make_unique<Impl>(files, architecture, bf16_moments)) {}
Saver::~Saver() = default;

bool Saver::busy() const { return impl_->busy; }

HostState& Saver::buffer() {
  ICPT_CHECK(!impl_->busy) << "the buffer is being written";
  return impl_->buffer;
}

void Saver::Start(SaveJob job) {
  ICPT_CHECK(!impl_->busy) << "a save is under way";
  impl_->busy = true;
  impl_->jobs.Push(std::move(job));
}

std::optional<SavedFile> Saver::Poll() {
  if (!impl_->busy || impl_->results.size() == 0) return std::nullopt;
  return Wait();
}

std::optional<SavedFile> Saver::Wait() {
  if (!impl_->busy) return std::nullopt;
  std::optional<SavedFile> saved = impl_->results.Pop();
  impl_->busy = false;
  return saved;
}

}  // namespace interceptor::worker
