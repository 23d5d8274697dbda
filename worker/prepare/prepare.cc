#include "worker/prepare/prepare.h"

#include <algorithm>
#include <deque>
#include <set>
#include <tuple>

#include "absl/strings/cord.h"
#include "absl/time/clock.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/file_system.h"
#include "worker/media/block_mask.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/decode_request.h"
#include "worker/prepare/held_out.h"
#include "worker/prepare/label_sources.h"
#include "worker/prepare/labels.h"
#include "worker/prepare/leak_scan.h"
#include "worker/prepare/prepared_stamp.h"
#include "worker/sampling/families.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

constexpr absl::Duration kStopCheckPeriod = absl::Milliseconds(200);
constexpr char kNewerVersionMark[] = "interceptor/written-by-newer";

absl::Status Stopped() { return absl::CancelledError("stopped; nothing was left in the store"); }

// Two workers of one machine may want the same chunk: one makes it, the other waits and finds it finished.
absl::StatusOr<std::unique_ptr<File>> TakeBuilderLock(const FileSystem& files, const std::string& folder,
                                                      PrepareObserver& observer) {
  ICPT_ASSIGN_OR_RETURN(auto lock, files.Open(JoinPath(folder, "builder.lock"), OpenMode::kReadWrite));
  while (true) {
    const absl::Status status = lock->Lock();
    if (status.ok()) return lock;
    if (!absl::IsFailedPrecondition(status)) return status;
    if (observer.Stopped()) return Stopped();
    observer.OnWaiting();
    absl::SleepFor(kStopCheckPeriod);
  }
}

// Families one after the other, each original before its fakes, which are compared with it.
std::vector<const LabelledClip*> DecodingOrder(const std::vector<LabelledClip>& clips) {
  std::vector<const LabelledClip*> order;
  for (const LabelledClip& clip : clips) order.push_back(&clip);
  const auto place = [](const LabelledClip* clip) {
    return std::tuple<const std::string&, bool, const std::string&>(clip->original,
                                                                    clip->label == Label::kFake, clip->name);
  };
  std::ranges::sort(order, {}, place);
  return order;
}

// Turns one chunk's labelled clips into its store. Used once.
class Builder {
 public:
  Builder(const PrepareOptions& options, const DecoderPoolOptions& pool, Archive& archive,
          const PreparationInputs& inputs, GateReport gate, EarlierChunks earlier, PrepareObserver& observer)
      : options_(options),
        archive_(archive),
        gate_(std::move(gate)),
        earlier_(std::move(earlier)),
        observer_(observer),
        pool_(DecoderPool::Start(pool)) {
    manifest_.chunk = inputs.chunk;
    manifest_.chunk_sha256 = inputs.chunk_sha256;
    manifest_.folds = inputs.settings.evaluation.folds;
    manifest_.scanned = earlier_.scanned;
    manifest_.left_held_out = earlier_.left_held_out;
  }

  // What a zip that changes meanwhile seems to say is the fault of no clip, so `is_unchanged` is asked first.
  absl::StatusOr<PrepareSummary> Build(const FileSystem& files,
                                       const std::function<absl::Status()>& is_unchanged) {
    ICPT_ASSIGN_OR_RETURN(train_,
                          ClipStoreWriter::Create(files, TrainStorePath(options_.store, options_.chunk)));
    ICPT_ASSIGN_OR_RETURN(keep_,
                          ClipStoreWriter::Create(files, KeepStorePath(options_.store, options_.chunk)));
    for (const auto& [name, reason] : gate_.unlabelled) Quarantine(name, reason);
    absl::Status decoded = FindLeaks();
    if (decoded.ok()) decoded = CheckHeldOut(GatedClips());
    if (decoded.ok()) decoded = DecodeAll();
    ICPT_RETURN_IF_ERROR(is_unchanged());
    ICPT_RETURN_IF_ERROR(decoded);
    ICPT_RETURN_IF_ERROR(CheckResult());
    if (observer_.Stopped()) return Stopped();
    return Commit(files);
  }

 private:
  // A clip on its way through the pool.
  struct Pending {
    const LabelledClip* clip = nullptr;
    std::future<DecodeOutcome> outcome;
  };

  absl::Status FindLeaks() {
    const auto progress = [this](int64_t done, int64_t total) {
      observer_.OnScan(done, total);
      return !observer_.Stopped();
    };
    auto scan = ScanForLeaks(*pool_, archive_, options_.chunk, gate_, earlier_, options_.settings.evaluation,
                             progress);
    if (absl::IsCancelled(scan.status())) return Stopped();
    ICPT_RETURN_IF_ERROR(scan.status());
    scan_ = *std::move(scan);
    const FamilyLinks& links = scan_.links;
    manifest_.linked = links.linked;
    manifest_.left_held_out.insert(links.left_held_out.begin(), links.left_held_out.end());
    if (links.linked.empty()) return absl::OkStatus();
    const auto& [family, other] = *links.linked.begin();
    ICPT_LOG(kWarning) << "chunk " << options_.chunk << ": " << links.linked.size()
                       << " families show footage of another one, e.g. " << family << " of " << other
                       << "; each goes to its fold. Held out no more: " << links.left_held_out.size();
    return absl::OkStatus();
  }

  // The clips as they will stand in the manifest, if every one can be decoded.
  std::vector<ClipInfo> GatedClips() const {
    std::vector<ClipInfo> clips;
    for (const LabelledClip& clip : gate_.clips) clips.push_back(InfoOf(clip));
    return clips;
  }

  ClipInfo InfoOf(const LabelledClip& clip) const {
    const std::string family = FamilyName(options_.chunk, clip.original);
    const auto linked = scan_.links.folds.find(family);
    const int fold = linked != scan_.links.folds.end() ? linked->second : FoldOf(family, manifest_.folds);
    return {.chunk = options_.chunk, .name = clip.name, .family = family, .label = clip.label, .fold = fold};
  }

  // Of this chunk's `clips` and all before them. A chunk that stands alone is no plan's to judge.
  absl::Status CheckHeldOut(const std::vector<ClipInfo>& clips) const {
    if (!earlier_.complete) return absl::OkStatus();
    HeldOutClips held_out;
    for (const auto* list : {&earlier_.held_out, &clips}) {
      for (const ClipInfo& clip : *list) {
        const bool left = manifest_.left_held_out.contains(clip.family);
        if (clip.fold == options_.settings.evaluation.held_out_fold && !left) {
          held_out.Add(clip.family, clip.label);
        }
      }
    }
    const std::string& first = options_.settings.chunks.front();
    const bool is_first = options_.chunk == first;
    return Annotate(
        held_out.Check(is_first ? Cat("chunk ", first) : Cat("chunks ", first, " to ", options_.chunk),
                       options_.settings.evaluation),
        archive_.path());
  }

  // Results are taken in decoding order, whatever order they come in, so the files do not depend on it. A
  // bounded window keeps the memory bounded.
  absl::Status DecodeAll() {
    const std::vector<const LabelledClip*> order = DecodingOrder(gate_.clips);
    const size_t window_max = 2 * static_cast<size_t>(options_.pool.decoders);
    std::deque<Pending> window;
    size_t next = 0;
    observer_.OnProgress(0, Total(), QuarantinedCount());
    while (next < order.size() || !window.empty()) {
      while (next < order.size() && window.size() < window_max) {
        const LabelledClip* clip = order[next++];
        window.push_back({clip, SubmitClip(*pool_, archive_, *clip, options_.settings.preparation)});
      }
      ICPT_RETURN_IF_ERROR(Finish(window.front()));
      window.pop_front();
      ++done_;
      observer_.OnProgress(done_, Total(), QuarantinedCount());
    }
    return absl::OkStatus();
  }

  absl::Status Finish(Pending& pending) {
    const auto period = absl::ToChronoMilliseconds(kStopCheckPeriod);
    do {
      if (observer_.Stopped()) return Stopped();
    } while (pending.outcome.wait_for(period) != std::future_status::ready);
    DecodeOutcome outcome = pending.outcome.get();
    ICPT_RETURN_IF_ERROR(outcome.status);
    if (!outcome.fault.empty()) {
      Quarantine(pending.clip->name, outcome.fault);
      return absl::OkStatus();
    }
    const LabelledClip& clip = *pending.clip;
    if (clip.label == Label::kFake && clip.original == original_name_) AddBlockMask(original_, outcome.clip);
    ICPT_RETURN_IF_ERROR(Store(clip, outcome.clip));
    if (clip.name != clip.original) return absl::OkStatus();
    // Of the newest original is kept what its fakes are compared with.
    outcome.clip.views.clear();
    original_name_ = clip.name;
    original_ = std::move(outcome.clip);
    return absl::OkStatus();
  }

  absl::Status Store(const LabelledClip& clip, const DecodedClip& decoded) {
    StoredClip stored = StoredClipOf(decoded);
    stored.info = InfoOf(clip);
    if (const auto found = scan_.fingerprints.find(clip.name); found != scan_.fingerprints.end())
      manifest_.fingerprints.insert(*found);
    for (const ViewTensor& view : stored.views) {
      manifest_.view_bytes[std::string(ToString(view.view))] += static_cast<int64_t>(view.bytes.size());
    }
    const bool is_kept = stored.info.fold == options_.settings.evaluation.held_out_fold ||
                         IsReplayFamily(stored.info.family, options_.settings.preparation.replay_reservoir);
    manifest_.clips.push_back(stored.info);
    return (is_kept ? keep_ : train_)->Add(stored);
  }

  void Quarantine(const std::string& clip, const std::string& reason) {
    manifest_.quarantined[clip] = reason;
    observer_.OnQuarantine(clip, reason);
  }

  absl::Status CheckResult() const {
    const int64_t all = Total() + static_cast<int64_t>(gate_.unlabelled.size());
    const double share = options_.settings.preparation.unmatched_share_max;
    if (QuarantinedCount() > UnmatchedMax(all, share)) {
      const auto& [clip, reason] = *manifest_.quarantined.begin();
      return FailedPrecondition(
          archive_.path(), ": ", QuarantinedCount(), " of ", all, " clips are unusable, e.g. ", clip, " (",
          reason, "); fix the zip, or allow more by ", "preparation.unmatched_share_max (now ", share, ")");
    }
    std::set<Label> labels;
    for (const ClipInfo& clip : manifest_.clips) labels.insert(clip.label);
    if (labels.size() < 2) {
      return FailedPrecondition(archive_.path(), ": one class only is left after ", QuarantinedCount(),
                                " clips were quarantined; a chunk needs both. Fix the zip");
    }
    return CheckHeldOut(manifest_.clips);
  }

  absl::StatusOr<PrepareSummary> Commit(const FileSystem& files) {
    ICPT_RETURN_IF_ERROR(train_->Commit());
    ICPT_RETURN_IF_ERROR(keep_->Commit());
    std::ranges::sort(manifest_.clips, {}, &ClipInfo::name);
    const std::string text = EncodeManifest(manifest_);
    PrepareSummary summary;
    summary.manifest_path = ManifestPath(options_.store, options_.chunk);
    ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, summary.manifest_path, text));
    summary.manifest = DigestOf(text);
    summary.clips = static_cast<int64_t>(manifest_.clips.size());
    summary.families = manifest_.FamilyCount();
    summary.quarantined = QuarantinedCount();
    ICPT_ASSIGN_OR_RETURN(const FileInfo train, files.Stat(TrainStorePath(options_.store, options_.chunk)));
    ICPT_ASSIGN_OR_RETURN(const FileInfo keep, files.Stat(KeepStorePath(options_.store, options_.chunk)));
    summary.train_bytes = train.size_bytes;
    summary.keep_bytes = keep.size_bytes;
    return summary;
  }

  int64_t Total() const { return static_cast<int64_t>(gate_.clips.size()); }
  int64_t QuarantinedCount() const { return static_cast<int64_t>(manifest_.quarantined.size()); }

  const PrepareOptions& options_;
  Archive& archive_;
  const GateReport gate_;
  const EarlierChunks earlier_;
  PrepareObserver& observer_;
  const std::unique_ptr<DecoderPool> pool_;
  LeakScan scan_;
  std::string original_name_;
  DecodedClip original_;
  DataManifest manifest_;
  std::unique_ptr<ClipStoreWriter> train_;
  std::unique_ptr<ClipStoreWriter> keep_;
  int64_t done_ = 0;
};

// Of the clips in all chunks but `chunk`, whose files are about to be replaced.
absl::StatusOr<int64_t> BytesBeside(const FileSystem& files, const std::string& store,
                                    const std::string& chunk) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(store));
  int64_t bytes = 0;
  for (const std::string& name : names) {
    if (name == chunk) continue;
    for (const std::string& path : {TrainStorePath(store, name), KeepStorePath(store, name)}) {
      // Another process may evict it at any moment.
      if (const auto info = files.Stat(path); info.ok()) bytes += info->size_bytes;
    }
  }
  return bytes;
}

// RESOURCE_EXHAUSTED when the chunk could take more than the disk has free, or more than
// options.store_bytes_max leaves beside what the other chunks in the store take now. Asked before anything is
// decoded, so that a full disk costs no hour of decoding; an agent asks again until train files have been
// evicted.
absl::Status CheckStoreSpace(const FileSystem& files, const PrepareOptions& options, const GateReport& gate) {
  const PreparationSettings& settings = options.settings.preparation;
  const int64_t needed = gate.reals * ClipBytesMax(settings.frames_per_real, settings.view_pixels) +
                         gate.fakes * ClipBytesMax(settings.frames_per_fake, settings.view_pixels);
  ICPT_ASSIGN_OR_RETURN(const SpaceInfo space, files.Space(options.store));
  if (space.free_bytes < needed) {
    return ResourceExhausted("the store of chunk ", options.chunk, " needs up to ", needed >> 20, " MiB in ",
                             options.store, " and ", space.free_bytes >> 20,
                             " MiB are free: free some, or name another --out folder");
  }
  if (options.store_bytes_max == 0) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const int64_t taken, BytesBeside(files, options.store, options.chunk));
  if (taken + needed <= options.store_bytes_max) return absl::OkStatus();
  return ResourceExhausted("the store of chunk ", options.chunk, " needs up to ", needed >> 20, " MiB, and ",
                           options.store, " holds ", taken >> 20, " of at most ",
                           options.store_bytes_max >> 20,
                           " MiB: chunks that every run is past make room; or raise --store-max");
}

absl::Status CheckUnchanged(const FileSystem& files, const std::string& path, const FileInfo& before) {
  ICPT_ASSIGN_OR_RETURN(const FileInfo after, files.Stat(path));
  if (after == before) return absl::OkStatus();
  return Unavailable(path, " changed while it was read; prepare it again when it is complete");
}

}  // namespace

absl::StatusOr<PrepareSummary> PrepareChunk(const PrepareOptions& options, PrepareObserver& observer) {
  const FileSystem& files = SystemFiles();
  ICPT_RETURN_IF_ERROR(ValidateName("chunk", options.chunk));
  ICPT_RETURN_IF_ERROR(Validate(options.settings));
  // Before the lock, so that what is no zip is told at once; what counts is the file that lies there after
  // it.
  ICPT_RETURN_IF_ERROR(Archive::Open(options.zip_path).status());
  const std::string folder = JoinPath(options.store, options.chunk);
  ICPT_RETURN_IF_ERROR(files.MakeFolder(folder));
  ICPT_ASSIGN_OR_RETURN(const auto lock, TakeBuilderLock(files, folder, observer));
  ICPT_RETURN_IF_ERROR(RemoveTemporaries(files, folder));

  ICPT_ASSIGN_OR_RETURN(const FileInfo zip, files.Stat(options.zip_path));
  ICPT_ASSIGN_OR_RETURN(const auto archive, Archive::Open(options.zip_path));
  PreparationInputs inputs;
  inputs.chunk = options.chunk;
  inputs.settings = options.settings;
  const std::string data = ParentFolder(options.zip_path);
  ICPT_ASSIGN_OR_RETURN(const FaceModel face_model, FindFaceModel(files, options.pool.face_model_path, data,
                                                                  options.settings.preparation));
  inputs.face_model_sha256 = face_model.sha256;
  DecoderPoolOptions pool = options.pool;
  pool.face_model_path = face_model.path;
  ICPT_ASSIGN_OR_RETURN(const auto csv, ReadLabelsCsv(files, data, options.settings.preparation.labels_csv));
  if (csv.has_value()) inputs.labels_sha256 = DigestOf(*csv).hex;
  ICPT_ASSIGN_OR_RETURN(inputs.chunk_sha256,
                        ZipDigest(files, options.zip_path, options.store, options.chunk));
  ICPT_ASSIGN_OR_RETURN(EarlierChunks earlier,
                        ReadEarlierChunks(files, options.store, options.settings, options.chunk));
  inputs.scanned = earlier.scanned;
  auto finished = FindPrepared(files, options.store, inputs);
  if (!finished.ok()) {
    absl::Status status = finished.status();
    status.SetPayload(kNewerVersionMark, absl::Cord());
    return status;
  }
  if (finished->has_value()) return **std::move(finished);

  const PreparationSettings& settings = options.settings.preparation;
  ICPT_ASSIGN_OR_RETURN(GateReport gate, PassDataGate(*archive, settings, csv));
  observer.OnGate({gate.reals, gate.fakes, gate.fake_share, settings.expected_fake_share, gate.text},
                  gate.notes);
  ICPT_RETURN_IF_ERROR(CheckStoreSpace(files, options, gate));
  ICPT_RETURN_IF_ERROR(RemoveForeignStamp(files, options.store, inputs));
  Builder builder(options, pool, *archive, inputs, std::move(gate), std::move(earlier), observer);
  const auto is_unchanged = [&] { return CheckUnchanged(files, options.zip_path, zip); };
  ICPT_ASSIGN_OR_RETURN(PrepareSummary summary, builder.Build(files, is_unchanged));
  ICPT_RETURN_IF_ERROR(WriteStamp(files, options.store, inputs, zip, summary));
  return summary;
}

bool RetryHelps(const absl::Status& status) {
  return !absl::IsInvalidArgument(status) && !absl::IsFailedPrecondition(status);
}

bool IsWrittenByNewer(const absl::Status& status) { return status.GetPayload(kNewerVersionMark).has_value(); }

}  // namespace interceptor::worker
