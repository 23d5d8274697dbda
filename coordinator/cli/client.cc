#include "coordinator/cli/client.h"

#include <algorithm>
#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"

namespace interceptor::coordinator {
namespace {

using Stub = v1::ClusterService::Stub;

constexpr int kPageSize = 500;

template <typename Request, typename Response>
using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

template <typename Request, typename Response>
absl::StatusOr<Response> Call(const Client& client, Stub& stub, Method<Request, Response> method,
                              const Request& request) {
  grpc::ClientContext context;
  SetDeadline(context, client.timeout());
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return client.Explain(status);
  return response;
}

// The same for a mutation: it gets a request id of its own.
template <typename Request, typename Response>
absl::Status CallForStatus(const Client& client, Stub& stub, Method<Request, Response> method,
                           Request request) {
  request.set_request_id(NewId());
  return Call(client, stub, method, request).status();
}

// Follows page tokens. The first field of a page is its items.
template <typename Request, typename Response>
absl::StatusOr<Response> Pages(const Client& client, Stub& stub, Method<Request, Response> method,
                               Request request, int64_t limit) {
  const auto* items = Response::descriptor()->field(0);
  const auto& access = *Response::GetReflection();
  Response all;
  const auto size = [&] { return int64_t{access.FieldSize(all, items)}; };
  while (true) {
    const int64_t missing = limit > 0 ? limit - size() : kPageSize;
    request.set_page_size(static_cast<int32_t>(std::min<int64_t>(kPageSize, missing)));
    ICPT_ASSIGN_OR_RETURN(Response page, Call(client, stub, method, request));
    all.MergeFrom(page);
    const std::string& next = page.next_page_token();
    if (next.empty() || (limit > 0 && size() >= limit)) break;
    if (next == request.page_token()) {
      return Internal("the coordinator at ", client.address(),
                      " answers the same page of a list again and again");
    }
    request.set_page_token(next);
  }
  all.clear_next_page_token();
  while (limit > 0 && size() > limit) access.RemoveLast(&all, items);
  return all;
}

}  // namespace

absl::Status ValidateAddress(const std::string& address) {
  const bool unix_path = address.rfind("unix:", 0) == 0 && address.size() > 5;
  const size_t colon = address.rfind(':');
  const bool port = colon != std::string::npos && colon > 0 && colon + 1 < address.size() &&
                    address.size() - colon <= 6 &&
                    std::all_of(address.begin() + static_cast<int64_t>(colon) + 1, address.end(),
                                [](unsigned char c) { return c >= '0' && c <= '9'; });
  if (unix_path || (port && std::stoi(address.substr(colon + 1)) <= 65535)) return absl::OkStatus();
  return InvalidArgument("coordinator address '", address,
                         "' must be HOST:PORT or unix:PATH, as in 127.0.0.1:50051");
}

Client::Client(std::string address, absl::Duration timeout)
    : address_(std::move(address)),
      timeout_(timeout),
      stub_(v1::ClusterService::NewStub(NewChannel(address_))) {}

absl::Status Client::Explain(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED: {
      const bool late = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
      const std::string how = late ? Cat(" within ", absl::FormatDuration(timeout_)) : std::string();
      const std::string text =
          Cat("no answer from the coordinator at ", address_, how, ": is it running? Start it with ",
              "'interceptor-coordinator --plan PLAN --state DIR --listen ", address_,
              "', or name another with --coordinator or INTERCEPTOR_COORDINATOR");
      return late ? absl::DeadlineExceededError(text) : absl::UnavailableError(text);
    }
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          Cat("what listens at ", address_,
              " does not know this request: it is another program, or an older or newer "
              "coordinator; compare the versions (interceptor --version)"));
    default:
      return FromGrpcStatus(status);
  }
}

absl::StatusOr<v1::GetStatusResponse> Client::Status() {
  return Call(*this, *stub_, &Stub::GetStatus, v1::GetStatusRequest());
}

absl::StatusOr<v1::DescribeWorkerResponse> Client::DescribeWorker(const std::string& member) {
  v1::DescribeWorkerRequest request;
  request.set_member(member);
  return Call(*this, *stub_, &Stub::DescribeWorker, request);
}

absl::StatusOr<v1::ListChunksResponse> Client::Chunks(int64_t limit) {
  return Pages(*this, *stub_, &Stub::ListChunks, v1::ListChunksRequest(), limit);
}

absl::StatusOr<v1::ListCheckpointsResponse> Client::Checkpoints(const std::string& specialist,
                                                                int64_t limit) {
  v1::ListCheckpointsRequest request;
  request.set_specialist(specialist);
  return Pages(*this, *stub_, &Stub::ListCheckpoints, request, limit);
}

absl::StatusOr<v1::ListEvaluationsResponse> Client::Evaluations(const std::string& specialist,
                                                                int64_t limit) {
  v1::ListEvaluationsRequest request;
  request.set_specialist(specialist);
  return Pages(*this, *stub_, &Stub::ListEvaluations, request, limit);
}

absl::StatusOr<v1::ListEventsResponse> Client::Events(const std::string& subject, int64_t limit) {
  v1::ListEventsRequest request;
  request.set_subject(subject);
  return Pages(*this, *stub_, &Stub::ListEvents, request, limit);
}

absl::Status Client::Drain(const std::string& member) {
  v1::DrainWorkerRequest request;
  request.set_member(member);
  return CallForStatus(*this, *stub_, &Stub::DrainWorker, request);
}

absl::Status Client::Pause(const std::string& reason) {
  v1::PausePlanRequest request;
  request.set_reason(reason);
  return CallForStatus(*this, *stub_, &Stub::PausePlan, request);
}

absl::Status Client::Resume() {
  return CallForStatus(*this, *stub_, &Stub::ResumePlan, v1::ResumePlanRequest());
}

absl::Status Client::Pin(const std::string& id) {
  v1::PinCheckpointRequest request;
  request.set_id(id);
  return CallForStatus(*this, *stub_, &Stub::PinCheckpoint, request);
}

absl::Status Client::Unpin(const std::string& id) {
  v1::UnpinCheckpointRequest request;
  request.set_id(id);
  return CallForStatus(*this, *stub_, &Stub::UnpinCheckpoint, request);
}

absl::StatusOr<v1::VerifyCheckpointResponse> Client::Verify(const std::string& id) {
  v1::VerifyCheckpointRequest request;
  request.set_id(id);
  return Call(*this, *stub_, &Stub::VerifyCheckpoint, request);
}

absl::StatusOr<v1::BackupResponse> Client::Backup() {
  return Call(*this, *stub_, &Stub::Backup, v1::BackupRequest());
}

std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>> Client::Watch(grpc::ClientContext& context) {
  return stub_->WatchStatus(&context, v1::WatchStatusRequest());
}

}  // namespace interceptor::coordinator
