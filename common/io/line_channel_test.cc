#include "common/io/line_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

using Kind = ChannelInput::Kind;

struct Ends {
  std::unique_ptr<LineChannel> channel;
  int raw = -1;
};

Ends MakeEnds() {
  auto pair = MakeChannelPair();
  CATCH_REQUIRE(pair.ok());
  return {std::move(pair->channel), pair->child_fd};
}

void WriteRaw(int fd, std::string_view text) {
  CATCH_REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

CATCH_TEST_CASE("messages arrive whole and in order, also when lines come in pieces") {
  Ends ends = MakeEnds();
  WriteRaw(ends.raw, "{\"command\":\"save\"}\n{\"com");
  auto first = ends.channel->Receive();
  CATCH_REQUIRE(first.ok());
  CATCH_CHECK(first->kind == Kind::kMessage);
  CATCH_CHECK(first->message["command"] == "save");
  auto unfinished = ends.channel->TryReceive();
  CATCH_REQUIRE(unfinished.ok());
  CATCH_CHECK(unfinished->kind == Kind::kNothing);
  WriteRaw(ends.raw, "mand\":\"stop\"}\n");
  auto second = ends.channel->TryReceive();
  CATCH_REQUIRE(second.ok());
  CATCH_CHECK(second->message["command"] == "stop");
  close(ends.raw);
}

CATCH_TEST_CASE("what was sent before the other side left is received before the end is told") {
  Ends ends = MakeEnds();
  WriteRaw(ends.raw, "{\"a\":1}\n{\"unfinished");
  close(ends.raw);
  CATCH_CHECK(ends.channel->Receive()->kind == Kind::kMessage);
  CATCH_CHECK(ends.channel->Receive()->kind == Kind::kClosed);
  CATCH_CHECK(ends.channel->Receive()->kind == Kind::kClosed);
  CATCH_CHECK(ends.channel->Send({{"event", "hello"}}).code() == absl::StatusCode::kUnavailable);
}

CATCH_TEST_CASE("a line that is not an object is an error and the next one is still read") {
  Ends ends = MakeEnds();
  WriteRaw(ends.raw, "nonsense\n[1]\n{\"a\":1}\n");
  CATCH_CHECK(ends.channel->Receive().status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(ends.channel->Receive().status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(ends.channel->Receive()->kind == Kind::kMessage);
  close(ends.raw);
}

CATCH_TEST_CASE("lines over the limit are refused on both ends") {
  Ends ends = MakeEnds();
  const std::string big(kLineBytesMax, 'x');
  CATCH_CHECK(ends.channel->Send({{"text", big}}).code() == absl::StatusCode::kResourceExhausted);
  std::thread writer([&] {
    std::string_view left = big;
    while (!left.empty()) {
      const ssize_t count = send(ends.raw, left.data(), left.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      left.remove_prefix(static_cast<size_t>(count));
    }
  });
  CATCH_CHECK(ends.channel->Receive().status().code() == absl::StatusCode::kResourceExhausted);
  ends.channel.reset();
  writer.join();
  close(ends.raw);
}

CATCH_TEST_CASE("lines of several threads never mix and large ones pass") {
  auto pair = MakeChannelPair();
  CATCH_REQUIRE(pair.ok());
  LineChannel other(pair->child_fd);
  constexpr int kEach = 50;
  const std::string text(20000, 'y');
  auto sender = [&](int who) {
    for (int i = 0; i < kEach; ++i) {
      if (!pair->channel->Send({{"who", who}, {"i", i}, {"text", text}}).ok()) return;
    }
  };
  std::thread one(sender, 0);
  std::thread two(sender, 1);
  int next[2] = {0, 0};
  int faults = 0;
  for (int i = 0; i < 2 * kEach; ++i) {
    auto input = other.Receive(absl::Minutes(10));
    if (!input.ok() || input->kind != Kind::kMessage || input->message["text"] != text ||
        input->message["i"] != next[input->message["who"].get<int>()]++) {
      ++faults;
      break;
    }
  }
  if (faults > 0) shutdown(other.fd(), SHUT_RDWR);
  one.join();
  two.join();
  CATCH_CHECK(faults == 0);
}

}  // namespace
}  // namespace interceptor
