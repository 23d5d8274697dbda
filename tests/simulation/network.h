// The simulated network between boxes and the coordinator. A stream behaves as TCP does: messages of one
// direction arrive in order or, when it breaks, a front part of what was on its way arrives and the rest is
// lost; two streams know nothing of each other, so an old one's tail may arrive after a new one's hello. A
// blocked direction holds everything back until it opens or one side gives up.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tests/simulation/draws.h"
#include "tests/simulation/process.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

// gRPC's keepalive finds a dead connection within this.
inline constexpr absl::Duration kKeepalive = absl::Seconds(30);

enum class Way { kUp, kDown };  // to the coordinator, from it

class Pipe;

// One box's way to the coordinator.
class Link {
 public:
  Link(World& world, Draws draws) : world_(world), draws_(draws) {}

  bool blocked(Way way) const { return way == Way::kUp ? up_blocked_ : down_blocked_; }
  bool open() const { return !up_blocked_ && !down_blocked_; }
  // Counts the times it was blocked: whoever waits for an end can tell one blockage from the next.
  int blockages() const { return blockages_; }
  void Block(bool up, bool down);
  void Unblock();
  void SetSlow(bool slow) { slow_ = slow; }
  absl::Duration Delay();
  Draws& draws() { return draws_; }

 private:
  friend class Pipe;
  World& world_;
  Draws draws_;
  bool up_blocked_ = false;
  bool down_blocked_ = false;
  bool slow_ = false;
  int blockages_ = 0;
  std::vector<std::weak_ptr<Pipe>> waiting_;
};

// One direction of one stream.
class Pipe : public std::enable_shared_from_this<Pipe> {
 public:
  Pipe(World& world, Link& link, Way way) : world_(world), link_(link), way_(way) {}

  // Does nothing once the pipe is closed.
  void Send(std::function<void()> arrive);
  // The last message; what was sent before arrives before it.
  void Close(std::function<void()> end);
  // Of what is on its way a drawn front part arrives, then `end`, which may be empty: then the other side
  // hears nothing at all.
  void Break(std::function<void()> end);
  bool closed() const { return closed_; }

 private:
  friend class Link;
  struct Message {
    MonotonicTime due;
    std::function<void()> arrive;
  };
  void Push(std::function<void()> arrive);
  void Schedule(MonotonicTime at);
  void Flush();

  World& world_;
  Link& link_;
  const Way way_;
  bool closed_ = false;
  MonotonicTime last_due_;
  std::deque<Message> messages_;
};

// One question to `server` over `link`, and its answer. `serve` gets the means to answer; it may answer
// later. `done` hears UNAVAILABLE when the server is away or either way is lost: what was asked may have
// happened.
using Reply = std::function<void(absl::Status)>;
struct Call {
  Link& link;
  Process& caller;
  Process& server;
  std::function<void(Reply)> serve;
  Reply done;
};
void Ask(World& world, Call call);

}  // namespace interceptor::simulation
