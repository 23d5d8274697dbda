#include "worker/media/decoder_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/grey_clip.h"
#include "tests/support/scratch_folder.h"
#include "worker/media/sandbox.h"

namespace interceptor::worker {
namespace {

DecoderPoolOptions Options(int decoders = 1) {
  DecoderPoolOptions options;
  options.program = INTERCEPTOR_DECODE_PROGRAM;
  options.face_model_path = INTERCEPTOR_CASCADE;
  options.decoders = decoders;
  return options;
}

DecodeRequest Request(const std::string& name, const std::string& bytes) {
  return {name, bytes, {.frames = 4, .view_pixels = 32, .face_detection_stride = 10}};
}

CATCH_TEST_CASE("clips are decoded by the children, and faults of a clip are its own") {
  const auto pool = DecoderPool::Start(Options(2));
  const std::string clip = GreyClip(8);
  auto good = pool->Submit(Request("good.mp4", clip));
  auto bad = pool->Submit(Request("bad.mp4", "no video"));
  auto again = pool->Submit(Request("again.mp4", clip));
  const DecodeOutcome first = good.get();
  CATCH_INFO(Message(first.status) << " " << first.fault);
  CATCH_REQUIRE(first.status.ok());
  CATCH_REQUIRE(first.fault.empty());
  CATCH_CHECK(first.clip.views.size() == 2);
  CATCH_CHECK(first.clip.frame_seconds.size() == 4);
  const DecodeOutcome second = bad.get();
  CATCH_CHECK(second.status.ok());
  CATCH_CHECK(second.fault.find("not a video") == 0);
  CATCH_CHECK(again.get().clip.views[1].bytes == first.clip.views[1].bytes);
}

// Sends a signal to the child in front of the first `times` attempts at each clip.
std::function<void(const std::string&, pid_t)> Strike(int signal, int times) {
  auto counts = std::make_shared<std::map<std::string, int>>();
  return [=](const std::string& clip, pid_t child) {
    if ((*counts)[clip]++ < times) kill(child, signal);
  };
}

CATCH_TEST_CASE("a decoder that is killed in a clip is replaced and the clip tried again") {
  DecoderPoolOptions options = Options();
  options.before_job = Strike(SIGKILL, 1);
  const auto pool = DecoderPool::Start(options);
  const std::string clip = GreyClip(4);
  for (const char* name : {"a.mp4", "b.mp4"}) {
    const DecodeOutcome outcome = pool->Submit(Request(name, clip)).get();
    CATCH_CHECK(outcome.status.ok());
    CATCH_CHECK(outcome.fault.empty());
    CATCH_CHECK(outcome.clip.views.size() == 2);
  }
}

CATCH_TEST_CASE("a decoder that is killed from outside again and again is no fault of the clip") {
  DecoderPoolOptions options = Options();
  options.before_job = Strike(SIGKILL, 2);
  const auto pool = DecoderPool::Start(options);
  const DecodeOutcome outcome = pool->Submit(Request("a.mp4", GreyClip(4))).get();
  CATCH_CHECK(outcome.status.code() == absl::StatusCode::kUnavailable);
  CATCH_CHECK(Message(outcome.status).find("a.mp4") != std::string::npos);
  CATCH_CHECK(outcome.fault.empty());
}

CATCH_TEST_CASE(
    "a clip that ends its decoder twice is given up with the reason, and the next one is decoded") {
  DecoderPoolOptions options = Options();
  auto strike = Strike(SIGSEGV, 2);
  options.before_job = [&](const std::string& clip, pid_t child) {
    if (clip == "deadly.mp4") strike(clip, child);
  };
  const auto pool = DecoderPool::Start(options);
  const std::string clip = GreyClip(4);
  auto deadly = pool->Submit(Request("deadly.mp4", clip));
  auto good = pool->Submit(Request("good.mp4", clip));
  const std::string fault = deadly.get().fault;
  // A sanitizer's runtime turns the signal into an exit.
  CATCH_CHECK(fault == (kIsSandboxed ? "the decoder died with signal 11" : fault));
  CATCH_CHECK_FALSE(fault.empty());
  CATCH_CHECK(good.get().fault.empty());
}

CATCH_TEST_CASE("a decoder that hangs is ended at the clip's deadline") {
  DecoderPoolOptions options = Options();
  options.clip_deadline = absl::Milliseconds(300);
  options.before_job = Strike(SIGSTOP, 2);
  const auto pool = DecoderPool::Start(options);
  const DecodeOutcome outcome = pool->Submit(Request("slow.mp4", GreyClip(4))).get();
  CATCH_CHECK(outcome.status.ok());
  CATCH_CHECK(outcome.fault == "the decoder gave no answer within 300ms");
}

CATCH_TEST_CASE("a machine that cannot run decoders is distinguished from bad clips") {
  DecoderPoolOptions options = Options();
  options.program = "/nonexistent/interceptor-decode";
  const DecodeOutcome absent = DecoderPool::Start(options)->Submit(Request("a.mp4", "x")).get();
  CATCH_CHECK(absent.status.code() == absl::StatusCode::kNotFound);
  CATCH_CHECK(Message(absent.status).find("/nonexistent/interceptor-decode") != std::string::npos);
  options.program = "/bin/false";
  const auto pool = DecoderPool::Start(options);
  const DecodeOutcome wrong = pool->Submit(Request("a.mp4", "x")).get();
  CATCH_CHECK(Message(wrong.status) == "/bin/false did not start: the decoder left with code 1");
}

CATCH_TEST_CASE("a decoder that cannot use its face model says why, and it is not tried again") {
  const ScratchFolder folder;
  DecoderPoolOptions options = Options();
  options.face_model_path = folder.File("other.onnx");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), options.face_model_path, "no model").ok());
  const DecodeOutcome outcome = DecoderPool::Start(options)->Submit(Request("a.mp4", "x")).get();
  CATCH_CHECK(outcome.status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(outcome.status).find("other.onnx is no YuNet model") != std::string::npos);
}

CATCH_TEST_CASE("ending the pool answers what was not begun and ends the children") {
  std::atomic<pid_t> child = 0;
  std::future<DecodeOutcome> running;
  std::future<DecodeOutcome> waiting;
  absl::Mutex mutex;
  bool begun = false;
  {
    DecoderPoolOptions options = Options();
    options.before_job = [&](const std::string&, pid_t pid) {
      child = pid;
      kill(pid, SIGSTOP);
      absl::MutexLock lock(&mutex);
      begun = true;
    };
    const auto pool = DecoderPool::Start(options);
    running = pool->Submit(Request("a.mp4", GreyClip(4)));
    waiting = pool->Submit(Request("b.mp4", GreyClip(4)));
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&begun));
  }
  CATCH_CHECK_FALSE(running.get().clip.views.size() == 2);
  CATCH_CHECK(waiting.get().status.code() == absl::StatusCode::kCancelled);
  CATCH_CHECK(kill(child, 0) != 0);
}

}  // namespace
}  // namespace interceptor::worker
