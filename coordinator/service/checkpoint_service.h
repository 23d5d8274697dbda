// CheckpointService: the vault over the wire. File work is done on threads of its own, one part at a time;
// the loop is not involved.
#pragma once

#include "coordinator/service/io_threads.h"
#include "coordinator/vault/blob_store.h"
#include "interceptor/v1/checkpoint_service.grpc.pb.h"

namespace interceptor::coordinator {

class CheckpointService : public v1::CheckpointService::CallbackService {
 public:
  // Both must outlive the service and its transfers.
  CheckpointService(BlobStore& vault, IoThreads& threads) : vault_(vault), threads_(threads) {}

  grpc::ServerUnaryReactor* FindMissingBlobs(grpc::CallbackServerContext* context,
                                             const v1::FindMissingBlobsRequest* request,
                                             v1::FindMissingBlobsResponse* response) override;
  grpc::ServerUnaryReactor* QueryWrite(grpc::CallbackServerContext* context,
                                       const v1::QueryWriteRequest* request,
                                       v1::QueryWriteResponse* response) override;
  grpc::ServerReadReactor<v1::WriteBlobRequest>* WriteBlob(grpc::CallbackServerContext* context,
                                                           v1::WriteBlobResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadBlobResponse>* ReadBlob(grpc::CallbackServerContext* context,
                                                           const v1::ReadBlobRequest* request) override;

 private:
  BlobStore& vault_;
  IoThreads& threads_;
};

}  // namespace interceptor::coordinator
