#include "tests/simulation/preparer.h"

#include "common/base/status.h"
#include "tests/simulation/box.h"

namespace interceptor::simulation {
namespace {

constexpr int kParts = 5;

}  // namespace

Preparer::Preparer(Box& box, worker::ChildId id, std::string chunk)
    : Child(box, id, Cat(box.name(), "/prepare ", chunk)), chunk_(std::move(chunk)) {}

void Preparer::OnStop() { Leave(); }

void Preparer::Begin() {
  process().Tell("starts");
  const auto stored = box_.disk().store.find(chunk_);
  const bool whole = stored != box_.disk().store.end() && stored->second.has_train &&
                     stored->second.manifest.chunk_sha256 == box_.ZipOf(chunk_);
  // A store that is there is only read through.
  process().Post(box_.options().timing.startup, [this, whole] { Count(whole ? kParts : 0); });
}

void Preparer::Count(int done) {
  Emit(worker::PreparerMoved{id(), done});
  if (done == kParts) return Finish();
  process().Post(box_.options().timing.prepare / kParts, [this, done] { Count(done + 1); });
}

void Preparer::Finish() {
  if (box_.disk().full) return Fail(absl::StatusCode::kResourceExhausted, "the store's disk is full", true);
  const BodyPtr manifest = box_.BuildManifest(chunk_);
  const std::string path = Cat("store/", chunk_, "/manifest.jsonl");
  box_.disk().files[path] = manifest;
  const worker::StoredChunk stored{.manifest = {chunk_, manifest->digest, box_.ZipOf(chunk_), 40, 10, 1},
                                   .manifest_path = path,
                                   .has_train = true};
  box_.disk().store[chunk_] = stored;
  Emit(worker::ManifestBuilt{id(), stored});
  Leave();
}

}  // namespace interceptor::simulation
