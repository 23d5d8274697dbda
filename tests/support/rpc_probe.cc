#include "tests/support/rpc_probe.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"

namespace interceptor {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// One length-delimited field of less than 128 bytes.
std::string Field(int number, std::string_view bytes) {
  return Cat(static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size()), bytes);
}

// One request, one answer, over a call that the server may see as a stream.
absl::StatusOr<std::string> Ask(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                                const std::string& request, absl::Duration patience) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  SetDeadline(context, patience);
  auto call = stub.PrepareCall(&context, method, &queue);
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::ByteBuffer answer;
  call->StartCall(nullptr);
  bool alive = await();
  if (alive) call->WriteLast(ToBuffer(request), grpc::WriteOptions(), nullptr), alive = await();
  if (alive) call->Read(&answer, nullptr), alive = await();
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  if (!alive && status.ok()) return Unavailable(method, " gave no answer");
  ICPT_RETURN_IF_ERROR(FromGrpcStatus(status));
  return ToBytes(answer);
}

}  // namespace

absl::StatusOr<int> CheckHealth(const std::shared_ptr<grpc::Channel>& channel, std::string_view service,
                                absl::Duration patience) {
  ICPT_ASSIGN_OR_RETURN(const std::string answer,
                        Ask(channel, "/grpc.health.v1.Health/Check", Field(1, service), patience));
  // Field 1, varint.
  if (answer.size() != 2 || answer[0] != 8) return Internal("health answered ", answer.size(), " bytes");
  return static_cast<int>(answer[1]);
}

absl::StatusOr<std::vector<std::string>> ListServices(const std::shared_ptr<grpc::Channel>& channel) {
  ICPT_ASSIGN_OR_RETURN(const std::string answer,
                        Ask(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                            Field(7, "*"), kPatience));
  // Names are readable in the answer: what stands between bytes that cannot be part of one.
  std::vector<std::string> names;
  std::string word;
  for (const char c : answer + '\0') {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_') {
      word += c;
    } else if (!word.empty()) {
      if (word.find('.') != std::string::npos) names.push_back(word);
      word.clear();
    }
  }
  return names;
}

}  // namespace interceptor
