#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

// How long a caller waits for an answer that does not come.
constexpr absl::Duration kPatience = absl::Seconds(20);

}  // namespace

void Link::Block(bool up, bool down) {
  up_blocked_ = up;
  down_blocked_ = down;
  ++blockages_;
}

void Link::Unblock() {
  up_blocked_ = down_blocked_ = false;
  ++blockages_;
  for (const std::weak_ptr<Pipe>& waiting : std::exchange(waiting_, {})) {
    if (const std::shared_ptr<Pipe> pipe = waiting.lock()) pipe->Schedule(world_.now() + Delay());
  }
}

absl::Duration Link::Delay() {
  return slow_ ? draws_.Between(absl::Milliseconds(200), absl::Seconds(4))
               : draws_.Between(absl::Milliseconds(1), absl::Milliseconds(60));
}

void Pipe::Send(std::function<void()> arrive) {
  if (!closed_) Push(std::move(arrive));
}

void Pipe::Close(std::function<void()> end) {
  if (closed_) return;
  closed_ = true;
  Push(std::move(end));
}

void Pipe::Break(std::function<void()> end) {
  if (closed_ && messages_.empty()) return;
  closed_ = true;
  messages_.resize(link_.draws_.Below(messages_.size() + 1));
  if (end) Push(std::move(end));
}

void Pipe::Push(std::function<void()> arrive) {
  last_due_ = std::max(last_due_, world_.now() + link_.Delay());
  messages_.push_back({last_due_, std::move(arrive)});
  Schedule(last_due_);
}

void Pipe::Schedule(MonotonicTime at) {
  world_.After(at - world_.now(), [self = shared_from_this()] { self->Flush(); });
}

void Pipe::Flush() {
  if (link_.blocked(way_)) {
    link_.waiting_.push_back(weak_from_this());
    return;
  }
  while (!messages_.empty() && messages_.front().due <= world_.now()) {
    const std::function<void()> arrive = std::move(messages_.front().arrive);
    messages_.pop_front();
    arrive();
  }
}

void Ask(World& world, Call call) {
  struct Asked {
    Call call;
    int caller_life = 0;
    bool answered = false;
  };
  auto asked = std::make_shared<Asked>(Asked{std::move(call), 0, false});
  asked->caller_life = asked->call.caller.life();
  const auto finish = [asked](const absl::Status& status) {
    if (std::exchange(asked->answered, true)) return;
    asked->call.caller.RunIn(asked->caller_life, [asked, status] { asked->call.done(status); });
  };
  world.After(kPatience, [finish] { finish(Unavailable("no answer")); });
  world.After(asked->call.link.Delay(), [&world, asked, finish] {
    Call& arrived = asked->call;
    if (arrived.link.blocked(Way::kUp)) return;
    if (!arrived.server.alive()) return finish(Unavailable("connection refused"));
    arrived.server.RunIn(arrived.server.life(), [&world, asked, finish] {
      asked->call.serve([&world, asked, finish](const absl::Status& status) {
        world.After(asked->call.link.Delay(), [asked, finish, status] {
          if (!asked->call.link.blocked(Way::kDown)) finish(status);
        });
      });
    });
  });
}

}  // namespace interceptor::simulation
