#include "tests/bench/echo.h"

#include <unistd.h>

#include <iostream>

#include "common/base/status.h"
#include "common/rpc/server.h"
#include "interceptor/v1/worker_service.grpc.pb.h"

namespace interceptor {
namespace {

// One update, its answer, the next update.
class EchoStream : public grpc::ServerBidiReactor<v1::WorkerUpdate, v1::Directive> {
 public:
  EchoStream() { StartRead(&update_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    directive_.Clear();
    if (update_.has_hello()) {
      v1::Assignment& assignment = *directive_.mutable_assignment();
      assignment.mutable_task()->set_task("train/x-" + update_.hello().member().substr(2));
      assignment.mutable_task()->set_term(1);
      assignment.mutable_lease_ttl()->set_seconds(60);
    } else {
      v1::Renewed& renewed = *directive_.mutable_renewed();
      *renewed.mutable_task() = update_.progress().task();
      renewed.set_through_update(update_.number());
      renewed.mutable_next_report_in()->set_seconds(1);
    }
    StartWrite(&directive_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&update_);
  }

  void OnDone() override { delete this; }

 private:
  v1::WorkerUpdate update_;
  v1::Directive directive_;
};

class EchoService : public v1::WorkerService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::WorkerUpdate, v1::Directive>* Attach(grpc::CallbackServerContext*) override {
    return new EchoStream;
  }
};

}  // namespace

absl::Status ServeEcho() {
  EchoService service;
  ICPT_ASSIGN_OR_RETURN(const auto server,
                        Server::Start({.address = "127.0.0.1:0",
                                       .services = {{v1::WorkerService::service_full_name(), &service}}}));
  std::cout << "listening on " << server->address() << std::endl;
  while (true) pause();  // until a signal
}

}  // namespace interceptor
