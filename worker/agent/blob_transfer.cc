#include "worker/agent/blob_transfer.h"

#include <grpcpp/grpcpp.h>

#include <set>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "interceptor/v1/checkpoint_service.grpc.pb.h"
#include "worker/agent/convert.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kPartBytes = 512 << 10;
constexpr absl::Duration kAskLimit = absl::Seconds(30);
// 160 MB over the slowest link worth having.
constexpr absl::Duration kTransferLimit = absl::Hours(6);
constexpr int kAttemptsMax = 5;

}  // namespace

struct BlobTransfer::Impl {
  Impl(const FileSystem& files, const std::string& address)
      : files(files), stub(v1::CheckpointService::NewStub(NewChannel(address))) {}

  const FileSystem& files;
  const std::unique_ptr<v1::CheckpointService::Stub> stub;
  absl::Mutex mutex;
  bool cancelled ABSL_GUARDED_BY(mutex) = false;
  std::set<grpc::ClientContext*> calls ABSL_GUARDED_BY(mutex);

  // A call that Cancel can reach.
  class Call {
   public:
    Call(Impl& impl, absl::Duration limit) : impl_(impl) {
      SetDeadline(context, limit);
      absl::MutexLock lock(&impl_.mutex);
      impl_.calls.insert(&context);
      if (impl_.cancelled) context.TryCancel();
    }
    ~Call() {
      absl::MutexLock lock(&impl_.mutex);
      impl_.calls.erase(&context);
    }
    grpc::ClientContext context;

   private:
    Impl& impl_;
  };

  absl::StatusOr<bool> IsMissing(const Digest& blob) {
    Call call(*this, kAskLimit);
    v1::FindMissingBlobsRequest request;
    *request.add_blobs() = ToProto(blob);
    v1::FindMissingBlobsResponse response;
    ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub->FindMissingBlobs(&call.context, request, &response)));
    return response.missing_size() > 0;
  }

  absl::StatusOr<v1::QueryWriteResponse> Committed(const Digest& blob) {
    Call call(*this, kAskLimit);
    v1::QueryWriteRequest request;
    *request.mutable_blob() = ToProto(blob);
    v1::QueryWriteResponse response;
    ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub->QueryWrite(&call.context, request, &response)));
    return response;
  }

  // Sends the file from `offset` to its end.
  absl::Status Write(const Digest& blob, const File& file, int64_t offset) {
    Call call(*this, kTransferLimit);
    v1::WriteBlobResponse response;
    const auto writer = stub->WriteBlob(&call.context, &response);
    bool first = true;
    while (first || offset < blob.size_bytes) {
      v1::WriteBlobRequest request;
      if (std::exchange(first, false)) {
        *request.mutable_blob() = ToProto(blob);
        request.set_offset(offset);
      }
      ICPT_ASSIGN_OR_RETURN(std::string part,
                            file.ReadAt(offset, std::min(kPartBytes, blob.size_bytes - offset)));
      if (part.empty() && offset < blob.size_bytes) {
        call.context.TryCancel();
        writer->Finish();
        return DataLoss("the file holds ", offset, " bytes instead of ", blob.size_bytes);
      }
      offset += static_cast<int64_t>(part.size());
      request.set_data(std::move(part));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return FromGrpcStatus(writer->Finish());
  }

  // Appends what follows `received` bytes; counts on.
  absl::Status Read(const Digest& blob, AtomicFileWriter& file, DigestBuilder& digest, int64_t& received) {
    Call call(*this, kTransferLimit);
    v1::ReadBlobRequest request;
    *request.mutable_blob() = ToProto(blob);
    request.set_offset(received);
    const auto reader = stub->ReadBlob(&call.context, request);
    v1::ReadBlobResponse response;
    absl::Status written;
    while (written.ok() && reader->Read(&response)) {
      digest.Add(response.data());
      received += static_cast<int64_t>(response.data().size());
      written = file.Append(response.data());
    }
    if (!written.ok()) call.context.TryCancel();
    const absl::Status status = FromGrpcStatus(reader->Finish());
    return written.ok() ? status : written;
  }
};

BlobTransfer::BlobTransfer(const FileSystem& files, const std::string& address)
    : impl_(std::make_unique<Impl>(files, address)) {}

BlobTransfer::~BlobTransfer() = default;

absl::Status BlobTransfer::Upload(const Digest& blob, const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(const bool missing, impl_->IsMissing(blob));
  if (!missing) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, impl_->files.Open(path, OpenMode::kRead));
  absl::Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    ICPT_ASSIGN_OR_RETURN(const v1::QueryWriteResponse there, impl_->Committed(blob));
    if (there.complete()) return absl::OkStatus();
    status = impl_->Write(blob, *file, there.committed_bytes());
    if (status.ok()) return status;
    // OUT_OF_RANGE: another transfer moved on; DATA_LOSS: what an earlier, broken one left was wrong.
    const bool again = absl::IsOutOfRange(status) || absl::IsDataLoss(status) || absl::IsUnavailable(status);
    if (!again) break;
  }
  return Annotate(status, path);
}

absl::Status BlobTransfer::Fetch(const Digest& blob, const std::string& path) {
  ICPT_RETURN_IF_ERROR(impl_->files.MakeFolder(ParentFolder(path)));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFileWriter> file,
                        AtomicFileWriter::Create(impl_->files, path));
  DigestBuilder digest;
  int64_t received = 0;
  absl::Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const int64_t before = received;
    status = impl_->Read(blob, *file, digest, received);
    if (status.ok() || !absl::IsUnavailable(status) || received == before) break;
  }
  ICPT_RETURN_IF_ERROR(status);
  const Digest got = digest.Finish();
  if (got != blob) {
    return DataLoss("blob ", blob.hex, " arrived as ", got.hex, " (", got.size_bytes, " bytes)");
  }
  return file->Commit();
}

void BlobTransfer::Cancel() {
  absl::MutexLock lock(&impl_->mutex);
  impl_->cancelled = true;
  for (grpc::ClientContext* context : impl_->calls) context->TryCancel();
}

}  // namespace interceptor::worker
