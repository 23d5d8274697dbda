// Uploads and downloads over real gRPC: broken off, corrupt, resumed.
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/catch.h"
#include "tests/support/service_fixture.h"

namespace interceptor::coordinator {
namespace {

std::string SomeBytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

v1::QueryWriteResponse Query(const std::string& address, const Digest& blob) {
  const auto stub = v1::CheckpointService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  v1::QueryWriteRequest request;
  *request.mutable_blob() = ToProtoDigest(blob);
  v1::QueryWriteResponse response;
  CATCH_REQUIRE(stub->QueryWrite(&context, request, &response).ok());
  return response;
}

absl::StatusOr<int> CountMissing(const std::string& address, const std::vector<Digest>& blobs) {
  const auto stub = v1::CheckpointService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  v1::FindMissingBlobsRequest request;
  for (const Digest& blob : blobs) *request.add_blobs() = ToProtoDigest(blob);
  v1::FindMissingBlobsResponse response;
  ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub->FindMissingBlobs(&context, request, &response)));
  return response.missing_size();
}

}  // namespace

CATCH_TEST_CASE("An upload that breaks in the middle goes on where it stopped, after a restart too") {
  ServiceFixture fixture;
  const std::string bytes = SomeBytes(3'000'000);
  const Digest blob = DigestOf(bytes);
  CATCH_CHECK(Query(fixture.address(), blob).committed_bytes() == 0);
  CATCH_CHECK(CountMissing(fixture.address(), {blob}).value() == 1);

  CATCH_CHECK(UploadBlob(fixture.address(), blob, bytes, 0, 512 << 10, 1'000'000).ok());
  const int64_t first = Query(fixture.address(), blob).committed_bytes();
  CATCH_CHECK(first == 2 * (512 << 10));
  CATCH_CHECK_FALSE(Query(fixture.address(), blob).complete());

  fixture.Restart();
  CATCH_CHECK(absl::IsOutOfRange(UploadBlob(fixture.address(), blob, bytes, first + 1)));
  CATCH_CHECK(UploadBlob(fixture.address(), blob, bytes, first).ok());
  CATCH_CHECK(Query(fixture.address(), blob).complete());
  CATCH_CHECK(CountMissing(fixture.address(), {blob}).value() == 0);
  CATCH_CHECK(DownloadBlob(fixture.address(), blob).value() == bytes);
  CATCH_CHECK(DownloadBlob(fixture.address(), blob, 2'999'990).value() == bytes.substr(2'999'990));
}

CATCH_TEST_CASE("Corrupt bytes are data loss and are not kept; the right ones are taken after them") {
  ServiceFixture fixture;
  const std::string bytes = SomeBytes(600'000);
  const Digest blob = DigestOf(bytes);
  std::string corrupt = bytes;
  corrupt[599'999] ^= 1;
  const absl::Status status = UploadBlob(fixture.address(), blob, corrupt);
  CATCH_CHECK(absl::IsDataLoss(status));
  CATCH_CHECK(Query(fixture.address(), blob).committed_bytes() == 0);
  CATCH_CHECK(UploadBlob(fixture.address(), blob, bytes).ok());
  CATCH_CHECK(UploadBlob(fixture.address(), blob, bytes).ok());
}

CATCH_TEST_CASE("Requests that make no sense are refused by name") {
  ServiceFixture fixture;
  CATCH_CHECK(absl::IsInvalidArgument(UploadBlob(fixture.address(), {"zz", 3}, "abc")));
  CATCH_CHECK(absl::IsInvalidArgument(UploadBlob(fixture.address(), DigestOf("abc"), "abcd")));
  CATCH_CHECK(absl::IsInvalidArgument(
      UploadBlob(fixture.address(), DigestOf(SomeBytes(600'000)), SomeBytes(600'000), 0, 600'000)));
  CATCH_CHECK(absl::IsInvalidArgument(CountMissing(fixture.address(), {{"zz", 3}}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(
      CountMissing(fixture.address(), std::vector<Digest>(1001, DigestOf("x"))).status()));
  CATCH_CHECK(absl::IsNotFound(DownloadBlob(fixture.address(), DigestOf("never sent")).status()));
}

}  // namespace interceptor::coordinator
