// The cluster service as the command line asks it: blocking, every call with a deadline, lists read to their
// end. Errors keep the code the coordinator gave; UNAVAILABLE and DEADLINE_EXCEEDED say which address did not
// answer and how to start one. One thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "interceptor/v1/cluster_service.grpc.pb.h"

namespace interceptor::coordinator {

// INVALID_ARGUMENT unless `address` is HOST:PORT or unix:PATH.
absl::Status ValidateAddress(const std::string& address);

class Client {
 public:
  Client(std::string address, absl::Duration timeout);

  absl::StatusOr<v1::GetStatusResponse> Status();
  absl::StatusOr<v1::DescribeWorkerResponse> DescribeWorker(const std::string& member);

  // All pages joined into one answer, at most `limit` items (0: all of them).
  absl::StatusOr<v1::ListChunksResponse> Chunks(int64_t limit);
  // `specialist` may be empty: all.
  absl::StatusOr<v1::ListCheckpointsResponse> Checkpoints(const std::string& specialist, int64_t limit);
  absl::StatusOr<v1::ListEvaluationsResponse> Evaluations(const std::string& specialist, int64_t limit);
  // Newest first; only those whose subject starts with `subject`.
  absl::StatusOr<v1::ListEventsResponse> Events(const std::string& subject, int64_t limit);

  absl::Status Drain(const std::string& member);
  absl::Status Pause(const std::string& reason);
  absl::Status Resume();
  absl::Status Pin(const std::string& id);
  absl::Status Unpin(const std::string& id);
  absl::StatusOr<v1::VerifyCheckpointResponse> Verify(const std::string& id);
  absl::StatusOr<v1::BackupResponse> Backup();

  // A stream of snapshots that the caller reads and may cancel through `context`, which must outlive it.
  std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>> Watch(grpc::ClientContext& context);

  // The error of a call as a person should read it.
  absl::Status Explain(const grpc::Status& status) const;

  const std::string& address() const { return address_; }
  absl::Duration timeout() const { return timeout_; }

 private:
  std::string address_;
  absl::Duration timeout_;
  std::unique_ptr<v1::ClusterService::Stub> stub_;
};

}  // namespace interceptor::coordinator
