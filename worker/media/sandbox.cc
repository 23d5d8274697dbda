#include "worker/media/sandbox.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "common/base/c_ptr.h"
#include "common/base/status.h"

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

// Libraries try these and work without them.
constexpr int kFailingCalls[] = {SCMP_SYS(open),  SCMP_SYS(openat),    SCMP_SYS(access),  SCMP_SYS(readlink),
                                 SCMP_SYS(statx), SCMP_SYS(prlimit64), SCMP_SYS(sysinfo), SCMP_SYS(uname)};

absl::Status Limit(__rlimit_resource resource, rlim_t value, std::string_view what) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  if (setrlimit(resource, &limit) != 0) return ErrnoStatus(errno, Cat("limit ", what));
  return absl::OkStatus();
}

absl::Status InstallFilter() {
  const CPtr<void, seccomp_release> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return Internal("seccomp cannot be set up");
  // Every thread there is, should a library have made one.
  int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  const auto add = [&](uint32_t action, int call, std::initializer_list<scmp_arg_cmp> where = {}) {
    if (error != 0) return;
    error = seccomp_rule_add_array(filter.get(), action, call, static_cast<unsigned>(where.size()),
                                   where.begin());
  };
  for (const int call : kAllowedCalls) add(SCMP_ACT_ALLOW, call);
  for (const int call : kFailingCalls) add(SCMP_ACT_ERRNO(EACCES), call);
  // As fstat calls it on a descriptor; on a path it would reveal which files exist.
  add(SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), {SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)});
  // Signals, as abort() sends one, to itself alone.
  add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()))});
  // Memory, but none that can be run.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    add(SCMP_ACT_ALLOW, call, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  }
  if (error == 0) error = seccomp_load(filter.get());
  if (error != 0) return Internal("seccomp filter: error ", -error, "; a kernel with seccomp is needed");
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterSandbox() {
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0, "core dumps"));
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, kFilesMax, "open files"));
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, kOutputBytesMax, "file size"));
  if (!kIsSandboxed) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(Limit(RLIMIT_AS, kAddressBytesMax, "address space"));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return ErrnoStatus(errno, "forbid dumps");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "forbid new privileges");
  return InstallFilter();
}

}  // namespace interceptor::worker
