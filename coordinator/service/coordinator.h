// The whole coordinator, from a plan and a state folder to a server that listens.
//   STATE/journal.sqlite  every fact
//   STATE/vault/          blobs
//   STATE/plan.txtpb      the plan as it was given first
//   STATE/incarnation     which start of the coordinator was the last
//   STATE/ballast         room for removals when the disk is full
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/io/file_system.h"
#include "common/rpc/credentials.h"
#include "interceptor/v1/plan.pb.h"

namespace interceptor::coordinator {

class Coordinator {
 public:
  struct Options {
    // Valid (common/plan), and the text it was read from.
    v1::Plan plan;
    std::string plan_text;
    std::string state_folder;
    std::string listen = "127.0.0.1:50051";
    BeyondLoopback beyond_loopback = BeyondLoopback::kRefuse;
    const FileSystem* files = &SystemFiles();
    const Clock* clock = &SystemClock();
  };

  // Serving when it returns. Errors name the thing and the remedy:
  //   FAILED_PRECONDITION  another coordinator has the folder; the folder is of another plan; the journal is
  //   of a
  //                        newer version (IsNewerVersion in coordinator/journal); not a local address
  //   UNAVAILABLE          the address is in use
  //   DATA_LOSS            the journal is damaged
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(Options options);
  // Stops at once unless Stop was called.
  virtual ~Coordinator() = default;

  // With the port that was picked.
  virtual const std::string& address() const = 0;
  // When the loop last showed a sign of life; it does several times a second.
  virtual MonotonicTime last_sign_of_life() const = 0;
  // In order: health says NOT_SERVING, streams end with UNAVAILABLE, calls that run get `grace`, what was
  // accepted becomes durable.
  virtual void Stop(absl::Duration grace) = 0;
};

}  // namespace interceptor::coordinator
