// A worker without training: real gRPC to a coordinator, updates and uploads as a test says them. One test
// thread; a thread of its own reads directives. Waits carry a deadline of twenty seconds, so a test fails
// rather than hangs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/bounded_queue.h"
#include "common/base/digest.h"
#include "interceptor/v1/checkpoint_service.grpc.pb.h"
#include "interceptor/v1/cluster_service.grpc.pb.h"
#include "interceptor/v1/worker_service.grpc.pb.h"

namespace interceptor {

// For what must come; a busy machine needs a fraction of it.
inline constexpr absl::Duration kTestDeadline = absl::Minutes(10);

class ScriptedWorker {
 public:
  // Opens a stream; says nothing yet.
  explicit ScriptedWorker(const std::string& address);
  // Breaks the stream off, as a killed agent does.
  ~ScriptedWorker();

  // A hello of protocol 1 with chunk 00 ... of `chunks` complete on this box.
  static v1::Hello MakeHello(const std::string& member, const std::string& box, int chunks = 2);
  // Says hello and waits for the welcome, or the status that ended the stream.
  absl::StatusOr<v1::Welcome> Attach(const v1::Hello& hello);

  // Numbers the update and sends it.
  void Send(v1::WorkerUpdate update);
  // The next directive of that kind, passing over renewals and others before it. UNAVAILABLE and other codes:
  // the stream's end; DEADLINE_EXCEEDED: none came.
  absl::StatusOr<v1::Directive> Await(v1::Directive::DirectiveCase kind);
  // The stream's end.
  absl::Status AwaitEnd();
  // Half-closes and waits for the end.
  absl::Status Leave();

  // Meanwhile reports progress on `working`, so that their leases live.
  absl::StatusOr<v1::Assignment> AwaitAssignment(const std::string& task,
                                                 const std::vector<v1::TaskRef>& working = {});
  // OK when accepted, the rejection's status otherwise.
  absl::Status AwaitAnswer(const std::string& request_id);

  // Sends and waits for the answer; the request id is made when empty.
  absl::Status Propose(v1::DataManifestProposal proposal);
  absl::Status Propose(v1::CheckpointProposal proposal);
  absl::Status Report(v1::EvaluationReport report);
  absl::Status Finish(v1::ChunkFinished finished);
  absl::Status Fail(v1::TaskFailed failed);
  void SendProgress(const v1::TaskRef& task, int64_t activity, double training_seconds = 0);

 private:
  void ReadAll();

  grpc::ClientContext context_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerUpdate, v1::Directive>> stream_;
  int64_t last_number_ = 0;
  int64_t activity_ = 0;
  BoundedQueue<v1::Directive> directives_{100'000};
  absl::Status end_;  // set before directives_ is closed
  std::thread reader_;
};

// What a checkpoint or manifest of some bytes looks like.
v1::Digest ToProtoDigest(const Digest& digest);
// Sends `bytes` in parts of `part_bytes` from `offset`, breaking off after `bytes_max` of them.
absl::Status UploadBlob(const std::string& address, const Digest& blob, std::string_view bytes,
                        int64_t offset = 0, int64_t part_bytes = 512 << 10,
                        int64_t bytes_max = int64_t{1} << 40);
absl::StatusOr<std::string> DownloadBlob(const std::string& address, const Digest& blob, int64_t offset = 0);
absl::StatusOr<v1::GetStatusResponse> GetStatus(const std::string& address);
// Watches the status until `wanted` holds of it; DEADLINE_EXCEEDED otherwise.
absl::StatusOr<v1::GetStatusResponse> AwaitStatus(
    const std::string& address, const std::function<bool(const v1::GetStatusResponse&)>& wanted);

}  // namespace interceptor
