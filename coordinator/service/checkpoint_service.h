// CheckpointService: the vault over the wire. File work is done on threads of its own, one part at a time;
// the loop is not involved.
#pragma once

#include "common/base/task_thread.h"
#include "coordinator/vault/blob_store.h"
#include "interceptor/v1/checkpoint_service.grpc.pb.h"

namespace interceptor::coordinator {

class CheckpointService : public v1::CheckpointService::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  // Both must outlive the service and its transfers.
  CheckpointService(BlobStore& vault, TaskThreads& threads) : vault_(vault), threads_(threads) {}

  Reactor* FindMissingBlobs(Context*, const v1::FindMissingBlobsRequest*,
                            v1::FindMissingBlobsResponse*) override;
  Reactor* QueryWrite(Context*, const v1::QueryWriteRequest*, v1::QueryWriteResponse*) override;
  grpc::ServerReadReactor<v1::WriteBlobRequest>* WriteBlob(Context*, v1::WriteBlobResponse*) override;
  grpc::ServerWriteReactor<v1::ReadBlobResponse>* ReadBlob(Context*, const v1::ReadBlobRequest*) override;

 private:
  BlobStore& vault_;
  TaskThreads& threads_;
};

}  // namespace interceptor::coordinator
