#include "worker/media/decoder.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>

#include "common/base/status.h"
#include "worker/media/clip_decode.h"
#include "worker/media/decoder_wire.h"
#include "worker/media/face_detector.h"

namespace interceptor::worker {
namespace {

constexpr rlim_t kAddressBytesMax = rlim_t{2} << 30;
constexpr rlim_t kOutputBytesMax = rlim_t{1} << 30;
constexpr rlim_t kFilesMax = 16;

// What a single-threaded decoder does: compute, get and give back memory, read and answer jobs, end.
constexpr int kAllowedCalls[] = {
    SCMP_SYS(brk),          SCMP_SYS(clock_gettime),
    SCMP_SYS(close),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(fstat),
    SCMP_SYS(futex),        SCMP_SYS(getpid),
    SCMP_SYS(getrandom),    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),       SCMP_SYS(gettimeofday),
    SCMP_SYS(lseek),        SCMP_SYS(madvise),
    SCMP_SYS(mremap),       SCMP_SYS(munmap),
    SCMP_SYS(poll),         SCMP_SYS(ppoll),
    SCMP_SYS(pread64),      SCMP_SYS(read),
    SCMP_SYS(recvmsg),      SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),  SCMP_SYS(sendmsg),
    SCMP_SYS(write),        SCMP_SYS(writev),
};

// Libraries may look for a file and do well without it.
constexpr int kFailingCalls[] = {SCMP_SYS(open),  SCMP_SYS(openat),    SCMP_SYS(access),  SCMP_SYS(readlink),
                                 SCMP_SYS(statx), SCMP_SYS(prlimit64), SCMP_SYS(sysinfo), SCMP_SYS(uname)};

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

absl::Status Limit(__rlimit_resource resource, rlim_t value, std::string_view what) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  if (setrlimit(resource, &limit) != 0) return ErrnoStatus(errno, Cat("limit ", what));
  return absl::OkStatus();
}

absl::Status InstallFilter() {
  const std::unique_ptr<void, ReleaseFilter> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return Internal("seccomp cannot be set up");
  // Every thread there is, should a library have made one.
  int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  for (const int call : kAllowedCalls) {
    if (error == 0) error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  for (const int call : kFailingCalls) {
    if (error == 0) error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), call, 0);
  }
  // How fstat asks of a descriptor; of a path it would tell what files there are.
  if (error == 0) {
    error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                             SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
  }
  // Signals, as abort() sends one, to itself alone.
  if (error == 0) {
    error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid())));
  }
  // Memory, but none that can be run.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    if (error == 0) {
      error =
          seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
  }
  if (error == 0) error = seccomp_load(filter.get());
  if (error != 0) return Internal("seccomp filter: error ", -error, "; a kernel with seccomp is needed");
  return absl::OkStatus();
}

// A memory file mapped to be read; unmapped by the destructor.
class Mapped {
 public:
  static absl::StatusOr<std::unique_ptr<Mapped>> Map(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "look at the clip");
    if (info.st_size == 0) return DataLoss("empty file");
    const auto size = static_cast<size_t>(info.st_size);
    void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) return ErrnoStatus(errno, "map the clip");
    return std::unique_ptr<Mapped>(new Mapped(address, size));
  }
  ~Mapped() { munmap(address_, size_); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }

 private:
  Mapped(void* address, size_t size) : address_(address), size_(size) {}

  void* address_;
  size_t size_;
};

absl::StatusOr<std::string> Answer(const WireMessage& message, FaceDetector& detector) {
  ICPT_ASSIGN_OR_RETURN(const DecodeJob job, DecodeJobText(message.text));
  if (message.files.size() != 2) return InvalidArgument("a decode job needs two files");
  ICPT_ASSIGN_OR_RETURN(const auto input, Mapped::Map(message.files[0].get()));
  ICPT_ASSIGN_OR_RETURN(const DecodedClip clip, DecodeClip(input->bytes(), job, detector));
  return WriteAnswer(clip, message.files[1].get());
}

// Loads the model, which runs it once, while files may still be opened.
absl::StatusOr<std::unique_ptr<FaceDetector>> LoadAndLockIn(const std::string& face_model) {
  cv::setNumThreads(1);
  cv::ocl::setUseOpenCL(false);
  ICPT_ASSIGN_OR_RETURN(auto detector, FaceDetector::Load(face_model));
  ICPT_RETURN_IF_ERROR(LockIn());
  return detector;
}

}  // namespace

absl::Status LockIn() {
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0, "core dumps"));
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, kFilesMax, "open files"));
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, kOutputBytesMax, "file size"));
  if (!kIsCaged) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_AS, kAddressBytesMax, "address space"));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return ErrnoStatus(errno, "forbid dumps");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "forbid new privileges");
  return InstallFilter();
}

absl::Status ServeDecodeJobs(int socket, const std::string& face_model) {
  const auto detector = LoadAndLockIn(face_model);
  if (!detector.ok()) return SendWire(socket, FaultAnswer(detector.status()), {});
  ICPT_RETURN_IF_ERROR(SendWire(socket, kReadyText, {}));
  while (true) {
    auto message = ReceiveWire(socket, absl::InfiniteDuration());
    if (absl::IsUnavailable(message.status())) return absl::OkStatus();
    if (!message.ok()) return message.status();
    auto answer = Answer(*message, **detector);
    ICPT_RETURN_IF_ERROR(SendWire(socket, answer.ok() ? *answer : FaultAnswer(answer.status()), {}));
  }
}

}  // namespace interceptor::worker
