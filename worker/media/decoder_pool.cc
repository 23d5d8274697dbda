#include "worker/media/decoder_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/base/bounded_queue.h"
#include "common/base/status.h"
#include "worker/media/decode_protocol.h"

namespace interceptor::worker {
namespace {

constexpr int kAttempts = 2;
// Of one core: below it a child is taken to hang.
constexpr double kBusyShareMin = 0.01;

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void ExecDecoder(int socket, pid_t parent, const char* const* arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent) _exit(126);
  // A terminal's Ctrl-C, or its end, reaches children too; their end is the preparer's to decide.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (socket == kDecoderSocket) {
    fcntl(socket, F_SETFD, 0);
  } else if (dup2(socket, kDecoderSocket) < 0) {
    _exit(126);
  }
  syscall(SYS_close_range, kDecoderSocket + 1, ~0U, 0);
  const int nothing = open("/dev/null", O_RDWR);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0) _exit(126);
  if (nothing > kDecoderSocket) close(nothing);
  // A library's threads would stand outside the sandbox, and their order of sums would not be ours.
  const char* const environment[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", nullptr};
  execve(arguments[0], const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  _exit(127);
}

std::string DeathText(int wait_status) {
  if (WIFSIGNALED(wait_status)) return Cat("the decoder died with signal ", WTERMSIG(wait_status));
  return Cat("the decoder left with code ", WEXITSTATUS(wait_status));
}

// One child process; killed and reaped by the destructor.
class Child {
 public:
  // Must be called on a thread that outlives the child: the kernel ends it with the thread that made it.
  static absl::StatusOr<std::unique_ptr<Child>> Start(const DecoderPoolOptions& options) {
    if (access(options.program.c_str(), X_OK) != 0) {
      return ErrnoStatus(errno, Cat("decoder program ", options.program));
    }
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
      return ErrnoStatus(errno, "make a decoder's socket");
    }
    Descriptor ours(sockets[0]);
    const Descriptor theirs(sockets[1]);
    const char* const arguments[] = {options.program.c_str(), "--face-model", options.face_model_path.c_str(),
                                     nullptr};
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) ExecDecoder(theirs.get(), parent, arguments);
    if (pid < 0) return ErrnoStatus(errno, "start a decoder");
    auto child = std::unique_ptr<Child>(new Child(pid, std::move(ours)));
    return child;
  }

  ~Child() { End(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  int socket() const { return socket_.get(); }

  // Kills the child if it still runs. How it ended, by its own doing if it had.
  int End() {
    if (pid_ <= 0) return status_;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status_;
  }

  absl::Duration ProcessorTime() const {
    clockid_t clock;
    timespec used{};
    if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0)
      return absl::ZeroDuration();
    return absl::DurationFromTimespec(used);
  }

  // More processor time than this ends the child with SIGXCPU.
  void LimitProcessorTime(absl::Duration more) const {
    const auto seconds = static_cast<rlim_t>(absl::ToInt64Seconds(ProcessorTime() + more) + 1);
    const rlimit limit{.rlim_cur = seconds, .rlim_max = RLIM_INFINITY};
    prlimit(pid_, RLIMIT_CPU, &limit, nullptr);
  }

 private:
  Child(pid_t pid, Descriptor socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_;
  Descriptor socket_;
  int status_ = 0;
};

struct PendingRequest {
  DecodeRequest request;
  std::promise<DecodeOutcome> promise;
};

class Pool final : public DecoderPool {
 public:
  explicit Pool(const DecoderPoolOptions& options) : options_(options) {
    for (int i = 0; i < options.decoders; ++i) threads_.emplace_back([this] { Serve(); });
  }

  ~Pool() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      for (const pid_t pid : busy_) kill(pid, SIGKILL);
    }
    waiting_.Close();
    for (std::thread& thread : threads_) thread.join();
  }

  std::future<DecodeOutcome> Submit(DecodeRequest request) override {
    PendingRequest pending{std::move(request), {}};
    std::future<DecodeOutcome> future = pending.promise.get_future();
    waiting_.Push(std::move(pending));
    return future;
  }

 private:
  void Serve() {
    std::unique_ptr<Child> child;
    while (std::optional<PendingRequest> pending = waiting_.Pop()) {
      pending->promise.set_value(stopping_ ? DecodeOutcome{absl::CancelledError("stopped"), "", {}}
                                           : Decode(child, pending->request));
    }
  }

  DecodeOutcome Decode(std::unique_ptr<Child>& child, const DecodeRequest& request) {
    DecodeOutcome outcome;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      outcome = {};
      if (child == nullptr) {
        outcome.status = Replace(child);
        if (!outcome.status.ok()) return outcome;
      }
      auto response = SendJob(*child, request);
      if (response.ok()) {
        outcome.clip = std::move(response->clip);
        outcome.fault = std::move(response->fault);
        return outcome;
      }
      const int death = Retire(child);
      if (absl::IsUnavailable(response.status())) {
        outcome.fault = DeathText(death);
        if (WIFSIGNALED(death) && WTERMSIG(death) == SIGKILL) outcome = KilledFromOutside(request.name);
      } else if (absl::IsDeadlineExceeded(response.status())) {
        outcome.fault =
            Cat("the decoder gave no answer within ", absl::FormatDuration(options_.clip_deadline));
      } else if (absl::IsInvalidArgument(response.status())) {
        outcome.fault = Message(response.status());
      } else {
        outcome.status = response.status();
        return outcome;
      }
    }
    return outcome;
  }

  // No clip brings SIGKILL about: its limits end in other signals.
  static DecodeOutcome KilledFromOutside(const std::string& clip) {
    return {Unavailable("interceptor-decode was killed (SIGKILL) in clip ", clip,
                        " and was not let finish it, as when memory runs out: free some, or give fewer "
                        "--decoders"),
            "",
            {}};
  }

  absl::StatusOr<DecoderResponse> SendJob(const Child& child, const DecodeRequest& request) {
    ICPT_ASSIGN_OR_RETURN(const Descriptor input, MemoryFile(request.bytes));
    ICPT_ASSIGN_OR_RETURN(const Descriptor output, MemoryFile(""));
    if (options_.before_job) options_.before_job(request.name, child.pid());
    child.LimitProcessorTime(options_.clip_deadline);
    ICPT_RETURN_IF_ERROR(SendMessage(child.socket(), EncodeJob(request.job), {input.get(), output.get()}));
    ICPT_ASSIGN_OR_RETURN(const DecoderMessage message, Await(child));
    return ReadResponse(message.text, output.get(), request.job);
  }

  // DEADLINE_EXCEEDED for a child that hangs. One that computes is let go on to its limit of processor time,
  // since on a busy box a clip may take long through no fault of its own.
  absl::StatusOr<DecoderMessage> Await(const Child& child) {
    while (true) {
      const absl::Duration before = child.ProcessorTime();
      auto message = ReceiveMessage(child.socket(), options_.clip_deadline);
      if (!absl::IsDeadlineExceeded(message.status())) return message;
      if (child.ProcessorTime() - before <= kBusyShareMin * options_.clip_deadline) return message.status();
    }
  }

  // A child may be killed from outside while it starts, so one failure is not yet a broken machine.
  absl::Status Replace(std::unique_ptr<Child>& child) {
    absl::Status status;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      status = StartChild(child);
      if (!absl::IsInternal(status)) return status;
    }
    return status;
  }

  // INTERNAL when the child ended before it was ready; FAILED_PRECONDITION when it says why it cannot work.
  absl::Status StartChild(std::unique_ptr<Child>& child) {
    {
      // Under the lock, so that the destructor either sees the child or keeps it from starting.
      absl::MutexLock lock(&mutex_);
      if (stopping_) return absl::CancelledError("stopped");
      ICPT_ASSIGN_OR_RETURN(child, Child::Start(options_));
      busy_.push_back(child->pid());
    }
    const auto ready = ReceiveMessage(child->socket(), options_.start_deadline);
    if (ready.ok() && ready->text == kReadyText) return absl::OkStatus();
    if (ready.ok()) {
      Retire(child);
      ICPT_ASSIGN_OR_RETURN(const DecoderResponse response, ReadResponse(ready->text, -1, {}));
      return FailedPrecondition(response.fault);
    }
    const bool is_late = absl::IsDeadlineExceeded(ready.status());
    const std::string death = DeathText(Retire(child));
    return Internal(options_.program, " did not start: ", is_late ? "it was not ready in time" : death);
  }

  int Retire(std::unique_ptr<Child>& child) {
    // Not reaped before it is off the list, so that the destructor never kills a stranger of the same number.
    {
      absl::MutexLock lock(&mutex_);
      std::erase(busy_, child->pid());
    }
    const int status = child->End();
    child.reset();
    return status;
  }

  const DecoderPoolOptions options_;
  BoundedQueue<PendingRequest> waiting_{SIZE_MAX};  // its user bounds it
  absl::Mutex mutex_;
  std::vector<pid_t> busy_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_ = false;  // set under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<DecoderPool> DecoderPool::Start(const DecoderPoolOptions& options) {
  return std::make_unique<Pool>(options);
}

}  // namespace interceptor::worker
