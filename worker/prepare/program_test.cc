// interceptor-prepare as its users meet it: its exit codes, its protocol, and what is left when it is killed.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/line_channel.h"
#include "tests/support/catch.h"
#include "tests/support/face_model.h"
#include "tests/support/tiny_chunk.h"
#include "worker/store/clip_store.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

// One run of interceptor-prepare; output goes to a file. Killed and reaped in the end.
class Program {
 public:
  Program(const ScratchFolder& folder, std::vector<std::string> arguments, bool with_channel)
      : output_(folder.File("output.txt")) {
    ChannelPair pair;
    if (with_channel) {
      auto made = MakeChannelPair();
      CATCH_REQUIRE(made.ok());
      pair = *std::move(made);
      channel_ = std::move(pair.channel);
      arguments.insert(arguments.end(), {"--control-fd", "5"});
    }
    arguments.insert(arguments.begin(), INTERCEPTOR_PREPARE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const int output = open(output_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      dup2(output, STDOUT_FILENO);
      dup2(output, STDERR_FILENO);
      // dup2 onto itself would leave the descriptor marked to be closed.
      if (with_channel && pair.child_fd == 5) fcntl(5, F_SETFD, 0);
      if (with_channel && pair.child_fd != 5) dup2(pair.child_fd, 5);
      execv(argv[0], argv.data());
      _exit(127);
    }
    if (pair.child_fd >= 0) close(pair.child_fd);
  }

  ~Program() {
    if (pid_ > 0) Kill();
  }

  pid_t pid() const { return pid_; }
  LineChannel& channel() { return *channel_; }

  int Wait() {
    int status = 0;
    CATCH_REQUIRE(waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  int Kill() {
    kill(pid_, SIGKILL);
    return Wait();
  }

  std::string Output() const { return *ReadWholeFile(SystemFiles(), output_); }

  // The next event of a kind; others are skipped. Null when the program left before.
  nlohmann::json Await(const std::string& kind) {
    while (true) {
      auto input = channel_->Receive(absl::Minutes(5));
      CATCH_REQUIRE(input.ok());
      CATCH_REQUIRE(input->kind != ChannelInput::Kind::kNothing);
      if (input->kind == ChannelInput::Kind::kClosed) return nullptr;
      if (input->message["event"] == kind) return input->message;
    }
  }

 private:
  std::string output_;
  std::unique_ptr<LineChannel> channel_;
  pid_t pid_ = -1;
};

// Small views and few frames, as the tests of the library use them.
std::vector<std::string> Arguments(const ScratchFolder& folder, const std::string& zip) {
  const PrepareOptions options = TinyOptions(folder, zip, 1);
  const std::string settings = folder.File("run.json");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), settings, RunSettingsToJson(options.settings)).ok());
  return {zip, "--out", options.store, "--settings", settings, "--decoders", "2"};
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat{std::istreambuf_iterator<char>(file), {}};
    const size_t end = stat.rfind(") ");
    pid_t above = 0;
    if (end != std::string::npos && std::sscanf(stat.c_str() + end, ") %*c %d", &above) == 1 &&
        above == parent) {
      children.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return children;
}

CATCH_TEST_CASE("a person gets a store, a summary and code 0; the second run says it is there") {
  const ScratchFolder folder;
  const auto arguments = Arguments(folder, WriteTinyChunk(folder, {.families = 3}));
  Program first(folder, arguments, false);
  const int code = first.Wait();
  CATCH_INFO(first.Output());
  CATCH_REQUIRE(code == 0);
  CATCH_CHECK(first.Output().find("3 REAL and 3 FAKE") != std::string::npos);
  CATCH_CHECK(first.Output().find("chunk 00: prepared, 6 clips of 3 families, 0 quarantined") !=
              std::string::npos);
  CATCH_CHECK(ClipStoreReader::Open(TrainStorePath(folder.File("store"), "00")).ok());
  Program second(folder, arguments, false);
  CATCH_CHECK(second.Wait() == 0);
  CATCH_CHECK(second.Output().find("already prepared") != std::string::npos);
}

CATCH_TEST_CASE("each kind of bad input has its exit code and one line that names it") {
  const ScratchFolder folder;
  const std::string zip = WriteTinyChunk(folder, {.families = 2});
  auto write = [&](const std::string& name, const std::string& bytes) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File(name), bytes).ok());
    return folder.File(name);
  };
  const std::string bytes = *ReadWholeFile(SystemFiles(), zip);
  const std::string store = folder.File("other");
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string named;
  };
  const Case cases[] = {
      {{"--help"}, 0, "  interceptor-prepare audit data"},
      {{"audit", folder.path()}, 1, "not ready to be trained on"},
      {{"audit"}, 2, "DIR"},
      {{"estimate", folder.File("absent")}, 4, "absent"},
      {{}, 2, "ZIP"},
      {{zip}, 2, "--out"},
      {{zip, "--out", store, "--decoders", "0"}, 2, "--decoders"},
      {{folder.File("absent.zip"), "--out", store}, 4, "absent.zip"},
      {{zip, "--out", store, "--settings", folder.File("absent.json")}, 4, "absent.json"},
      {{zip, "--out", store, "--chunk", "../00"}, 1, "../00"},
      {{write("01.zip", bytes.substr(0, bytes.size() / 2)), "--out", store}, 1, "copy it again"},
      {{write("02.zip", RawZip({{.name = "../x.mp4", .bytes = "x"}})), "--out", store}, 1, "../x.mp4"},
      {{write("03.zip", RawZip({{.name = "x.mp4", .bytes = "x"}})), "--out", store}, 1, "no metadata.json"},
      {{zip, "--out", store, "--settings", write("bad.json", R"({"recpie":{}})")}, 1, "recpie"},
      {{zip, "--out", store, "--settings", write("new.json", R"({"version":9})")}, 78, "version 9"},
  };
  for (const Case& c : cases) {
    Program program(folder, c.arguments, false);
    const int code = program.Wait();
    CATCH_INFO(program.Output());
    CATCH_CHECK(code == c.code);
    CATCH_CHECK(program.Output().find(c.named) != std::string::npos);
  }
}

CATCH_TEST_CASE(
    "a person is told once that a cascade looks for the faces and what that costs, and nothing of YuNet") {
  const ScratchFolder folder;
  const std::string zip = WriteTinyChunk(folder, {.families = 2});
  const std::string yunet = folder.File("yunet.onnx");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), yunet, YuNetModel()).ok());
  for (const std::string command : {"audit", "estimate"}) {
    Program cascade(folder, {command, folder.path()}, false);
    CATCH_CHECK(cascade.Wait() == 0);
    const std::string told = cascade.Output();
    CATCH_INFO(told);
    const size_t at = told.find("Haar cascade");
    CATCH_REQUIRE(at != std::string::npos);
    CATCH_CHECK(told.find("deploy/face-model", at) != std::string::npos);
    CATCH_CHECK(told.find("Haar cascade", at + 1) == std::string::npos);
    Program other(folder, {command, folder.path(), "--face-model", yunet}, false);
    CATCH_CHECK(other.Wait() == 0);
    CATCH_CHECK(other.Output().find("cascade") == std::string::npos);
  }
}

CATCH_TEST_CASE("an agent is told hello, the gate, progress and the manifest, in this order") {
  const ScratchFolder folder;
  Program program(folder,
                  Arguments(folder, WriteTinyChunk(folder, {.families = 3, .replaced = {{"f2.mp4", "x"}}})),
                  true);
  std::vector<std::string> events;
  nlohmann::json last;
  while (true) {
    auto input = program.channel().Receive(absl::Minutes(5));
    CATCH_REQUIRE(input.ok());
    if (input->kind != ChannelInput::Kind::kMessage) break;
    last = input->message;
    const std::string event = last["event"];
    if (events.empty() || events.back() != event) events.push_back(event);
    if (event == "hello") CATCH_CHECK((last["protocol"] == 1 && last["program"] == "interceptor-prepare"));
    if (event == "gate") CATCH_CHECK((last["reals"] == 3 && last["fakes"] == 3 && last["fake_share"] == 0.5));
    if (event == "quarantine") CATCH_CHECK(last["clip"] == "f2.mp4");
  }
  CATCH_CHECK(program.Wait() == 0);
  CATCH_REQUIRE(events.size() >= 4);
  CATCH_CHECK(events[0] == "hello");
  CATCH_CHECK(events[1] == "gate");
  CATCH_CHECK(events[2] == "progress");
  CATCH_CHECK(events.back() == "manifest");
  CATCH_CHECK(last["clips"] == 5);
  CATCH_CHECK(last["quarantined"] == 1);
  const Digest digest = DigestOf(*ReadWholeFile(SystemFiles(), last["path"]));
  CATCH_CHECK(last["sha256"] == digest.hex);
  CATCH_CHECK(last["size_bytes"] == digest.size_bytes);
}

CATCH_TEST_CASE("a refused chunk is told as failed and not to be retried") {
  const ScratchFolder folder;
  const std::string zip = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), zip, RawZip({{.name = "x.mp4", .bytes = "x"}})).ok());
  Program program(folder, Arguments(folder, zip), true);
  const nlohmann::json failed = program.Await("failed");
  CATCH_CHECK(failed["code"] == "INVALID_ARGUMENT");
  CATCH_CHECK(failed["retry"] == false);
  CATCH_CHECK(failed["text"].get<std::string>().find("no metadata.json") != std::string::npos);
  CATCH_CHECK(program.Wait() == 1);
}

CATCH_TEST_CASE("told to stop, or left alone by its agent, it leaves with 0 and without a store") {
  for (const bool by_command : {true, false}) {
    const ScratchFolder folder;
    auto program =
        std::make_unique<Program>(folder, Arguments(folder, WriteTinyChunk(folder, {.families = 60})), true);
    CATCH_REQUIRE_FALSE(program->Await("progress").is_null());
    if (by_command) {
      CATCH_REQUIRE(program->channel().Send({{"command", "stop"}}).ok());
      CATCH_CHECK(program->Await("manifest").is_null());
    } else {
      CATCH_REQUIRE(shutdown(program->channel().fd(), SHUT_RDWR) == 0);
    }
    CATCH_CHECK(program->Wait() == 0);
    CATCH_CHECK(*SystemFiles().List(folder.File("store/00")) == std::vector<std::string>{"builder.lock"});
  }
}

CATCH_TEST_CASE(
    "when its terminal closes it leaves without a store, by itself and not for want of decoders") {
  const ScratchFolder folder;
  Program program(folder, Arguments(folder, WriteTinyChunk(folder, {.families = 60})), true);
  nlohmann::json progress = program.Await("progress");
  while (progress["done"] == 0) progress = program.Await("progress");
  for (const pid_t child : ChildrenOf(program.pid())) kill(child, SIGHUP);
  CATCH_REQUIRE(kill(program.pid(), SIGHUP) == 0);
  CATCH_CHECK(program.Await("failed")["code"] == "CANCELLED");
  CATCH_CHECK(program.Wait() == 1);
  CATCH_CHECK(*SystemFiles().List(folder.File("store/00")) == std::vector<std::string>{"builder.lock"});
}

CATCH_TEST_CASE("killed in the middle it leaves no store and no decoder, and the next run succeeds") {
  const ScratchFolder folder;
  const auto arguments = Arguments(folder, WriteTinyChunk(folder, {.families = 60}));
  {
    Program program(folder, arguments, true);
    nlohmann::json progress = program.Await("progress");
    while (progress["done"] == 0) progress = program.Await("progress");
    // Stopped first, so that it cannot finish while its children are looked for.
    CATCH_REQUIRE(kill(program.pid(), SIGSTOP) == 0);
    std::vector<pollfd> decoders;
    for (const pid_t child : ChildrenOf(program.pid())) {
      decoders.push_back(
          {.fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0)), .events = POLLIN, .revents = 0});
    }
    CATCH_REQUIRE_FALSE(decoders.empty());
    CATCH_CHECK(program.Kill() == -SIGKILL);
    for (pollfd& decoder : decoders) {
      CATCH_CHECK(poll(&decoder, 1, 300 * 1000) == 1);
      close(decoder.fd);
    }
  }
  const std::string store = folder.File("store");
  CATCH_CHECK_FALSE(SystemFiles().Exists(TrainStorePath(store, "00")));
  CATCH_CHECK_FALSE(SystemFiles().Exists(KeepStorePath(store, "00")));
  CATCH_CHECK_FALSE(SystemFiles().Exists(ManifestPath(store, "00")));
  CATCH_CHECK_FALSE(SystemFiles().Exists(JoinPath(store, "00/prepared.json")));
  Program again(folder, arguments, false);
  CATCH_CHECK(again.Wait() == 0);
  CATCH_CHECK(*SystemFiles().List(JoinPath(store, "00")) ==
              std::vector<std::string>{"builder.lock", "keep.clips", "manifest.jsonl", "prepared.json",
                                       "train.clips"});
}

CATCH_TEST_CASE("a decoder killed from outside costs nothing: the store is the same") {
  const ScratchFolder calm;
  Program undisturbed(calm, Arguments(calm, WriteTinyChunk(calm, {.families = 30})), false);
  CATCH_REQUIRE(undisturbed.Wait() == 0);
  const ScratchFolder folder;
  Program program(folder, Arguments(folder, WriteTinyChunk(folder, {.families = 30})), true);
  nlohmann::json progress = program.Await("progress");
  while (progress["done"] == 0) progress = program.Await("progress");
  for (const pid_t child : ChildrenOf(program.pid())) kill(child, SIGKILL);
  CATCH_CHECK_FALSE(program.Await("manifest").is_null());
  CATCH_CHECK(program.Wait() == 0);
  for (const char* name : {"train.clips", "keep.clips", "manifest.jsonl"}) {
    const std::string path = Cat("store/00/", name);
    CATCH_CHECK(*ReadWholeFile(SystemFiles(), folder.File(path)) ==
                *ReadWholeFile(SystemFiles(), calm.File(path)));
  }
}

}  // namespace
}  // namespace interceptor::worker
