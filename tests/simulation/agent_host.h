// The agent's process on one box: the real worker::Session, and around it what worker/agent/agent.cc does
// with its outputs: the stream and its reconnects, uploads and downloads one after the other, children, run
// memory.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/box_disk.h"
#include "tests/simulation/child.h"
#include "tests/simulation/messages.h"
#include "tests/simulation/process.h"
#include "tests/simulation/server_stream.h"
#include "worker/session/session.h"

namespace interceptor::simulation {

class Box;

class AgentHost {
 public:
  AgentHost(Box& box, std::string name, Draws draws);

  Process& process() { return process_; }
  void Start();
  // Signal 15: leaves in order; a second one hurries.
  void AskToStop();
  // Ends the process as it stands; the kernel ends its children and, unless `silent`, its connections.
  void End(bool silent);
  // Why the last life ended by itself; OK when in order.
  const absl::Status& fault() const { return fault_; }

  // What a child of this life said.
  void OnChild(worker::ChildId child, const worker::SessionInput& input);
  // The box's zips changed, or their digests became known.
  void OnFilesSeen();

  // How a stream ends without anybody's wish.
  enum class Loss {
    kReset,     // both ends hear of it, the coordinator after what was sent before
    kBothGave,  // keepalive found nobody at either end
    kHalfOpen,  // the coordinator hears nothing
  };
  void LoseConnection(Loss loss);
  bool connected() const { return connection_ != nullptr; }

  std::vector<Child*> Children();
  // Of the newest assignment in this life.
  int64_t BaseStepOf(const std::string& specialist) const;

 private:
  void Feed(const worker::SessionInput& input);
  void Drain();
  void ScheduleWake();
  void OnDirective(const Directive& directive);
  void OnStreamEnd(const absl::Status& status);
  void Recall(worker::Assigned& assigned);
  void LeaveWith(const absl::Status& status);
  void Scan();

  void TryConnect();
  void OpenStream();
  void RetryLater();
  void Send(Update update);

  void Upload();
  void UploadPart(int64_t offset);
  void Uploaded(const absl::Status& status);
  void Download();
  // `base_of` is the specialist whose base it is; empty for another blob.
  void Fetch(const Digest& blob, const std::string& base_of,
             std::function<void(absl::StatusOr<BodyPtr>)> done);

  void Do(const worker::SendHello& hello);
  void Do(const worker::SendChunkFiles& sent) { Send({0, sent}); }
  void Do(const worker::SendProgress& sent) { Send({0, sent}); }
  void Do(const worker::SendPublication& sent) { Send({0, sent}); }
  void Do(const worker::SendGoodbye& sent) { Send({0, sent}); }
  void Do(const worker::StartPreparer& start);
  void Do(const worker::StartTrainer& start);
  void Do(const worker::StartIntegrator& start);
  void Do(const worker::GiveChunk& give);
  void Do(const worker::SaveCheckpoint& save);
  void Do(const worker::StopChild& stop);
  void Do(const worker::UploadBlob& upload);
  void Do(const worker::FetchBlob& fetch);
  void Do(const worker::FetchTable& fetch);
  void Do(const worker::DeleteFile& file);
  void Do(const worker::RememberRun& remember);
  void Do(const worker::ReferChunk& refer);
  void Do(const worker::ReleaseChunk& release);
  void Do(const worker::ExplainManifest&) {}
  void Do(const worker::Note& note) { process_.Tell(note.text); }
  void Do(const worker::Leave& leave);

  Box& box_;
  Process process_;
  Draws draws_;
  absl::Status fault_;
  std::vector<std::shared_ptr<Child>>
      every_child_;  // of all lives: their processes must outlive their events

  // Of one life.
  std::string incarnation_;
  std::unique_ptr<worker::Session> session_;
  std::map<worker::ChildId, Child*> children_;
  std::deque<worker::SessionInput> pending_;
  std::set<std::string> recalled_;
  std::set<std::string> trusted_;
  std::map<std::string, int64_t> base_steps_;
  bool knows_chunks_ = false;
  bool stop_asked_ = false;
  bool feeding_ = false;
  worker::ChunkFiles told_;
  std::optional<MonotonicTime> wake_at_;
  int idle_wakes_ = 0;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<ServerStream> server_;
  bool heard_ = false;
  bool said_hello_ = false;
  coordinator::LastCoordinator last_coordinator_;  // kept in the work folder
  int attempt_ = 0;
  int64_t last_number_ = 0;
  std::deque<worker::UploadBlob> uploads_;
  BodyPtr uploading_;
  int upload_attempts_ = 0;
  struct Wanted {
    Digest blob;
    std::string path;
    std::string base_of;     // specialist; empty for a score table
    std::string table_text;  // for a score table
  };
  std::deque<Wanted> downloads_;
};

}  // namespace interceptor::simulation
