#include "coordinator/service/checkpoint_service.h"

#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/status_bridge.h"
#include "coordinator/service/convert.h"

namespace interceptor::coordinator {
namespace {

constexpr int kDigestsMax = 1000;
constexpr int64_t kPartBytesMax = int64_t{512} << 10;

absl::Status Overloaded() {
  return ResourceExhausted("too many transfers wait for the disk: try again later");
}

// A read is in flight or a task is queued, never both; so the members need no lock.
class Receiver : public grpc::ServerReadReactor<v1::WriteBlobRequest> {
 public:
  Receiver(BlobStore& vault, TaskThreads& threads, v1::WriteBlobResponse* response)
      : vault_(vault), threads_(threads), response_(response) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!threads_.TryPost([this, ok] { ok ? TakePart() : TakeEnd(); })) End(Overloaded());
  }

  void OnDone() override { delete this; }

 private:
  void TakePart() {
    const absl::Status status = StorePart();
    if (!status.ok()) return End(status);
    StartRead(&request_);
  }

  absl::Status StorePart() {
    if (complete_) return absl::OkStatus();
    if (writer_ == nullptr) {
      if (!request_.has_blob()) return InvalidArgument("the first part names no blob");
      const Digest blob = FromProto(request_.blob());
      absl::StatusOr<std::unique_ptr<BlobWriter>> writer = vault_.Write(blob, request_.offset());
      if (absl::IsAlreadyExists(writer.status())) {
        // Whoever sends it wants it to be here, and it is.
        response_->set_committed_bytes(blob.size_bytes);
        complete_ = true;
        return absl::OkStatus();
      }
      ICPT_RETURN_IF_ERROR(writer.status());
      writer_ = *std::move(writer);
    } else if (request_.has_blob()) {
      return InvalidArgument("only the first part may name a blob");
    }
    if (static_cast<int64_t>(request_.data().size()) > kPartBytesMax) {
      return InvalidArgument("a part has ", request_.data().size(), " bytes, allowed: ", kPartBytesMax);
    }
    return writer_->Append(request_.data());
  }

  // The client has sent all it wanted, or it is gone: what came is kept either way.
  void TakeEnd() {
    if (complete_) return End(absl::OkStatus());
    if (writer_ == nullptr) return End(InvalidArgument("no part was sent"));
    const absl::Status finished = writer_->Finish();
    response_->set_committed_bytes(writer_->committed_bytes());
    End(finished);
  }

  void End(const absl::Status& status) {
    // Lets the next upload of this blob open the part before the client hears.
    writer_.reset();
    Finish(ToGrpcStatus(status));
  }

  BlobStore& vault_;
  TaskThreads& threads_;
  v1::WriteBlobResponse* const response_;
  v1::WriteBlobRequest request_;
  std::unique_ptr<BlobWriter> writer_;
  bool complete_ = false;
};

// A write is in flight or a task is queued, never both.
class Sender : public grpc::ServerWriteReactor<v1::ReadBlobResponse> {
 public:
  Sender(const BlobStore& vault, TaskThreads& threads, Digest blob, int64_t offset)
      : vault_(vault), threads_(threads), blob_(std::move(blob)), offset_(offset) {
    Continue();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    Continue();
  }

  void OnDone() override { delete this; }

 private:
  void Continue() {
    if (!threads_.TryPost([this] { SendPart(); })) Finish(ToGrpcStatus(Overloaded()));
  }

  void SendPart() {
    const absl::StatusOr<std::string> part = ReadPart();
    if (!part.ok()) return Finish(ToGrpcStatus(part.status()));
    if (part->empty()) return Finish(grpc::Status::OK);
    offset_ += static_cast<int64_t>(part->size());
    response_.set_data(*part);
    StartWrite(&response_);
  }

  absl::StatusOr<std::string> ReadPart() {
    if (file_ == nullptr) {
      if (offset_ < 0 || offset_ > blob_.size_bytes) {
        return absl::OutOfRangeError(Cat("offset is ", offset_, ", allowed: 0 to ", blob_.size_bytes));
      }
      ICPT_ASSIGN_OR_RETURN(file_, vault_.Read(blob_));
    }
    return file_->ReadAt(offset_, kPartBytesMax);
  }

  const BlobStore& vault_;
  TaskThreads& threads_;
  const Digest blob_;
  int64_t offset_;
  std::unique_ptr<File> file_;
  v1::ReadBlobResponse response_;
};

absl::Status FindMissing(const BlobStore& vault, const v1::FindMissingBlobsRequest& request,
                         v1::FindMissingBlobsResponse& response) {
  if (request.blobs_size() > kDigestsMax) {
    return InvalidArgument("blobs has ", request.blobs_size(), " entries, allowed: ", kDigestsMax);
  }
  for (const v1::Digest& digest : request.blobs()) {
    ICPT_RETURN_IF_ERROR(Annotate(ValidateDigestHex(digest.sha256()), "blobs.sha256"));
    if (!vault.Has(FromProto(digest))) *response.add_missing() = digest;
  }
  return absl::OkStatus();
}

}  // namespace

CheckpointService::Reactor* CheckpointService::FindMissingBlobs(Context* context,
                                                                const v1::FindMissingBlobsRequest* request,
                                                                v1::FindMissingBlobsResponse* response) {
  Reactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(FindMissing(vault_, *request, *response)));
  return reactor;
}

CheckpointService::Reactor* CheckpointService::QueryWrite(Context* context,
                                                          const v1::QueryWriteRequest* request,
                                                          v1::QueryWriteResponse* response) {
  const BlobStore::Received received = vault_.Query(FromProto(request->blob()));
  response->set_committed_bytes(received.committed_bytes);
  response->set_complete(received.complete);
  Reactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerReadReactor<v1::WriteBlobRequest>* CheckpointService::WriteBlob(Context*,
                                                                            v1::WriteBlobResponse* response) {
  return new Receiver(vault_, threads_, response);
}

grpc::ServerWriteReactor<v1::ReadBlobResponse>* CheckpointService::ReadBlob(
    Context*, const v1::ReadBlobRequest* request) {
  return new Sender(vault_, threads_, FromProto(request->blob()), request->offset());
}

}  // namespace interceptor::coordinator
