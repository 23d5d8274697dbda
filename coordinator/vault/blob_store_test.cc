#include "coordinator/vault/blob_store.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {
namespace {

std::unique_ptr<BlobStore> OpenStore(const FileSystem& files, const std::string& folder,
                                     BlobStore::Options options = {}) {
  options.folder = folder;
  absl::StatusOr<std::unique_ptr<BlobStore>> store = BlobStore::Open(files, options);
  CATCH_REQUIRE(store.ok());
  return *std::move(store);
}

absl::Status Put(BlobStore& store, const Digest& blob, std::string_view bytes) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<BlobWriter> writer, store.Write(blob, 0));
  ICPT_RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Finish();
}

std::string BytesOf(const BlobStore& store, const Digest& blob) {
  return store.Read(blob).value()->ReadAt(0, blob.size_bytes + 1).value();
}

}  // namespace

CATCH_TEST_CASE("A blob is there when it is whole and gone when it is removed") {
  const ScratchFolder folder;
  const auto store = OpenStore(SystemFiles(), folder.File("vault"));
  const Digest blob = DigestOf("some bytes");
  CATCH_CHECK_FALSE(store->Has(blob));
  CATCH_CHECK(absl::IsNotFound(store->Read(blob).status()));
  CATCH_CHECK(Put(*store, blob, "some bytes").ok());
  CATCH_CHECK(store->Has(blob));
  CATCH_CHECK(store->Query(blob).complete);
  CATCH_CHECK(store->Verify(blob).ok());
  CATCH_CHECK(BytesOf(*store, blob) == "some bytes");
  CATCH_CHECK(store->total_bytes() == 10);
  CATCH_CHECK(store->List().value() == std::vector<Digest>{blob});
  CATCH_CHECK(absl::IsAlreadyExists(store->Write(blob, 0).status()));
  CATCH_CHECK_FALSE(store->Has({blob.hex, 11}));

  const std::unique_ptr<File> reader = *store->Read(blob);
  CATCH_CHECK(store->Remove(blob).ok());
  CATCH_CHECK(store->Remove(blob).ok());
  CATCH_CHECK_FALSE(store->Has(blob));
  CATCH_CHECK(store->total_bytes() == 0);
  CATCH_CHECK(reader->ReadAt(0, 10).value() == "some bytes");
}

CATCH_TEST_CASE("An upload goes on where it stopped, in another process too") {
  const ScratchFolder folder;
  const std::string bytes(3'000'000, 'q');
  const Digest blob = DigestOf(bytes);
  {
    const auto store = OpenStore(SystemFiles(), folder.path());
    const auto writer = *store->Write(blob, 0);
    CATCH_REQUIRE(writer->Append(std::string_view(bytes).substr(0, 2'000'000)).ok());
    CATCH_CHECK(writer->Finish().ok());
    CATCH_CHECK(store->Query(blob).committed_bytes == 2'000'000);
    CATCH_CHECK_FALSE(store->Query(blob).complete);
  }
  const auto store = OpenStore(SystemFiles(), folder.path());
  CATCH_CHECK(store->total_bytes() == 0);
  CATCH_CHECK(store->Query(blob).committed_bytes == 2'000'000);
  const absl::Status wrong = store->Write(blob, 5).status();
  CATCH_CHECK(absl::IsOutOfRange(wrong));
  CATCH_CHECK(Message(wrong).find("2000000") != std::string::npos);
  const auto writer = *store->Write(blob, 2'000'000);
  CATCH_REQUIRE(writer->Append(std::string_view(bytes).substr(2'000'000)).ok());
  CATCH_CHECK(writer->Finish().ok());
  CATCH_CHECK(store->Verify(blob).ok());
  CATCH_CHECK(SystemFiles().List(folder.File("incoming")).value().empty());
}

CATCH_TEST_CASE("A newer upload of a blob takes over from one that hangs") {
  const ScratchFolder folder;
  const auto store = OpenStore(SystemFiles(), folder.path());
  const Digest blob = DigestOf("abcdef");
  const auto first = *store->Write(blob, 0);
  CATCH_REQUIRE(first->Append("abc").ok());
  const auto second = *store->Write(blob, 3);
  CATCH_CHECK(absl::IsAborted(first->Append("def")));
  CATCH_CHECK(second->Append("def").ok());
  CATCH_CHECK(second->Finish().ok());
  CATCH_CHECK(store->Verify(blob).ok());
}

CATCH_TEST_CASE("Wrong bytes never become a blob") {
  const ScratchFolder folder;
  const auto store = OpenStore(SystemFiles(), folder.path());
  const Digest blob = DigestOf("right");
  CATCH_CHECK(absl::IsDataLoss(Put(*store, blob, "wrong")));
  CATCH_CHECK_FALSE(store->Has(blob));
  CATCH_CHECK(store->Query(blob).committed_bytes == 0);
  CATCH_CHECK(absl::IsInvalidArgument(Put(*store, blob, "right and more")));
  CATCH_CHECK(absl::IsInvalidArgument(store->Write({"../../etc/passwd", 1}, 0).status()));
  CATCH_CHECK(absl::IsInvalidArgument(store->Write({blob.hex, int64_t{1} << 60}, 0).status()));
  CATCH_CHECK(Put(*store, blob, "right").ok());

  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(),
                                    folder.File("blobs/" + blob.hex.substr(0, 2) + "/" + blob.hex), "rigHt")
                    .ok());
  CATCH_CHECK(absl::IsDataLoss(store->Verify(blob)));
}

CATCH_TEST_CASE("A blob that the disk cannot hold is refused before it starts") {
  const ScratchFolder folder;
  const auto store =
      OpenStore(SystemFiles(), folder.path(), {.folder = "", .reserve_bytes = int64_t{1} << 60});
  const absl::Status full = store->Write(DigestOf("x"), 0).status();
  CATCH_CHECK(absl::IsResourceExhausted(full));
  CATCH_CHECK(Message(full).find("needs 1 bytes") != std::string::npos);
  CATCH_CHECK(Message(full).find("are free") != std::string::npos);
}

CATCH_TEST_CASE("A write that fails half-way leaves what was acknowledged, and the upload goes on") {
  const ScratchFolder folder;
  FaultyFileSystem files;
  const auto store = OpenStore(files, folder.path());
  const Digest blob = DigestOf("abcdef");
  const auto writer = *store->Write(blob, 0);
  CATCH_REQUIRE(writer->Append("ab").ok());
  files.FailCall(1, ResourceExhausted("no space"));
  CATCH_CHECK(absl::IsResourceExhausted(writer->Append("cdef")));
  CATCH_CHECK(store->Query(blob).committed_bytes == 2);
  CATCH_CHECK(writer->Append("cdef").ok());
  CATCH_CHECK(writer->Finish().ok());
  CATCH_CHECK(BytesOf(*store, blob) == "abcdef");
}

CATCH_TEST_CASE("A part whose sync failed is thrown away: the blob is sent again from the start") {
  const ScratchFolder folder;
  FaultyFileSystem files;
  const auto store = OpenStore(files, folder.path());
  const std::string bytes = "weights";
  const Digest blob = DigestOf(bytes);
  const auto send = [&] {
    auto writer = store->Write(blob, store->Query(blob).committed_bytes);
    CATCH_REQUIRE(writer.ok());
    CATCH_REQUIRE((*writer)->Append(bytes).ok());
    files.FailCall(1, Internal("disk fault"));
    const absl::Status finished = (*writer)->Finish();
    files.Heal();
    return finished;
  };
  CATCH_CHECK_FALSE(send().ok());
  CATCH_CHECK(store->Query(blob).committed_bytes == 0);
  CATCH_CHECK_FALSE(store->Has(blob));
  CATCH_CHECK(Put(*store, blob, bytes).ok());
  CATCH_CHECK(store->Verify(blob).ok());
}

CATCH_TEST_CASE("Whatever call fails, a blob is whole or absent and a second try succeeds") {
  const std::string bytes = "some bytes";
  const Digest blob = DigestOf(bytes);
  for (int nth = 1;; ++nth) {
    CATCH_CAPTURE(nth);
    const ScratchFolder folder;
    FaultyFileSystem files;
    const auto store = OpenStore(files, folder.path());
    files.FailCall(nth, Internal("disk fault"));
    const absl::Status first = Put(*store, blob, bytes);
    if (store->Has(blob)) {
      CATCH_CHECK(BytesOf(*store, blob) == bytes);
    } else {
      CATCH_CHECK_FALSE(first.ok());
      CATCH_CHECK(Put(*store, blob, bytes).ok());
      CATCH_CHECK(store->Verify(blob).ok());
    }
    if (files.mutating_calls() < nth) break;
  }
}

CATCH_TEST_CASE("A sweep removes old strangers and old parts only") {
  const ScratchFolder folder;
  const auto store = OpenStore(SystemFiles(), folder.path());
  const Digest kept = DigestOf("kept");
  const Digest orphan = DigestOf("orphan");
  CATCH_REQUIRE(Put(*store, kept, "kept").ok());
  CATCH_REQUIRE(Put(*store, orphan, "orphan").ok());
  const Digest partial = DigestOf("partial");
  CATCH_REQUIRE((*store->Write(partial, 0))->Append("par").ok());

  CATCH_CHECK(store->Sweep({kept}, absl::Now() - absl::Hours(1)).value() == 0);
  CATCH_CHECK(store->Has(orphan));
  CATCH_CHECK(store->Sweep({kept}, absl::Now() + absl::Hours(1)).value() == 2);
  CATCH_CHECK(store->Has(kept));
  CATCH_CHECK_FALSE(store->Has(orphan));
  CATCH_CHECK(store->Query(partial).committed_bytes == 0);
  CATCH_CHECK(store->total_bytes() == 4);
}

}  // namespace interceptor::coordinator
