#include "worker/prepare/audit.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/text/text.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/decode_request.h"
#include "worker/prepare/held_out.h"
#include "worker/prepare/label_sources.h"
#include "worker/prepare/text.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {
namespace {

// A line that counts what is wrong with some clips, names the first few and says what to do.
void Tell(const Examples& examples, std::string_view one, std::string_view many, std::string_view remedy,
          std::vector<std::string>& findings) {
  if (examples.count() == 0) return;
  findings.push_back(Cat(Counted(examples.count(), one, many), ": ", examples.Text(), ". ", remedy));
}

void FindRepeats(FolderAudit& audit) {
  Examples names;
  Examples bytes;
  std::map<std::string, std::string> place_of_name;
  std::map<std::string, std::string> place_of_bytes;
  const auto look = [](auto& seen, const std::string& key, const std::string& place, Examples& finding) {
    const auto [first, is_new] = seen.emplace(key, place);
    if (!is_new) finding.Add(Cat(first->second, " and ", place));
  };
  for (const ChunkAudit& chunk : audit.chunks) {
    for (const LabelledClip& clip : chunk.gate.clips) {
      const std::string place = Cat(chunk.chunk, "/", clip.name);
      look(place_of_name, clip.name, place, names);
      if (clip.entry.size_bytes == 0) continue;
      look(place_of_bytes, Cat(clip.entry.size_bytes, " ", clip.entry.checksum), place, bytes);
    }
  }
  Tell(names, "clip has the name of one in another chunk", "clips have the name of one in another chunk",
       "If they are one recording, leave one out: it would be judged on what it was trained on",
       audit.findings);
  Tell(bytes, "clip has the bytes of another one", "clips have the bytes of another one",
       "Leave one out: the other may be held out while this one is trained on", audit.findings);
}

void FindOrphans(FolderAudit& audit) {
  std::map<std::string_view, std::string_view> chunk_of;
  for (const ChunkAudit& chunk : audit.chunks) {
    for (const LabelledClip& clip : chunk.gate.clips) chunk_of.emplace(clip.name, chunk.chunk);
  }
  for (const ChunkAudit& chunk : audit.chunks) {
    std::set<std::string_view> here;
    for (const LabelledClip& clip : chunk.gate.clips) here.insert(clip.name);
    Examples nowhere;
    Examples elsewhere;
    for (const LabelledClip& clip : chunk.gate.clips) {
      if (here.contains(clip.original)) continue;
      const auto other = chunk_of.find(clip.original);
      if (other == chunk_of.end()) {
        nowhere.Add(Cat(clip.name, " of ", clip.original));
      } else {
        elsewhere.Add(Cat(clip.name, " of ", other->second, "/", clip.original));
      }
    }
    const std::string of_chunk = Cat(" of chunk ", chunk.chunk, " with the original in ");
    Tell(nowhere, Cat("fake", of_chunk, "no chunk"), Cat("fakes", of_chunk, "no chunk"),
         "Put the originals beside them, or leave the fakes out", audit.findings);
    Tell(elsewhere, Cat("fake", of_chunk, "another chunk"), Cat("fakes", of_chunk, "another chunk"),
         "Move them to it: a family is held out or trained on as a whole", audit.findings);
  }
}

// As the preparer finds it, which takes the chunks one after the other.
void CheckHeldOut(FolderAudit& audit, const RunSettings& settings) {
  HeldOutClips held_out;
  for (const ChunkAudit& chunk : audit.chunks) {
    if (!chunk.verdict.ok()) return;
    for (const LabelledClip& clip : chunk.gate.clips) {
      const std::string family = FamilyName(chunk.chunk, clip.original);
      const bool is_held_out = FoldOf(family, settings.evaluation.folds) == settings.evaluation.held_out_fold;
      if (is_held_out) held_out.Add(family, clip.label);
    }
    const bool is_planned = std::ranges::count(settings.chunks, chunk.chunk) > 0;
    if (!is_planned && &chunk != &audit.chunks.back()) continue;
    const std::string& first = audit.chunks.front().chunk;
    const absl::Status status = held_out.Check(
        &chunk == &audit.chunks.front() ? Cat("chunk ", first) : Cat("chunks ", first, " to ", chunk.chunk),
        settings.evaluation);
    if (!status.ok()) return audit.findings.push_back(Message(status));
  }
}

std::string Line(const ChunkAudit& chunk) {
  if (!chunk.verdict.ok()) {
    return absl::StrFormat("%-7s%10s%8s%8s%8s%8s%10s%12s  refused\n", chunk.chunk,
                           ShownBytes(chunk.zip_bytes), "-", "-", "-", "-", "-", "-");
  }
  const GateReport& gate = chunk.gate;
  return absl::StrFormat("%-7s%10s%8d%8d%8d%7.1f%%%10d%12d  passed\n", chunk.chunk,
                         ShownBytes(chunk.zip_bytes), gate.clips.size(), gate.reals, gate.fakes,
                         100 * gate.fake_share, chunk.families, gate.unlabelled.size());
}

}  // namespace

ChunkAudit AuditChunk(const std::string& zip, const PreparationSettings& settings,
                      const absl::StatusOr<std::optional<std::string>>& csv) {
  ChunkAudit audit;
  audit.chunk = Printable(ChunkOf(zip));
  if (const auto info = SystemFiles().Stat(zip); info.ok()) audit.zip_bytes = info->size_bytes;
  const auto archive = Archive::Open(zip);
  audit.verdict = csv.ok() ? archive.status() : csv.status();
  if (!audit.verdict.ok()) return audit;
  auto gate = PassDataGate(**archive, settings, *csv);
  audit.verdict = gate.status();
  if (!gate.ok()) return audit;
  audit.gate = *std::move(gate);
  std::set<std::string_view> families;
  for (const LabelledClip& clip : audit.gate.clips) families.insert(clip.original);
  audit.families = static_cast<int>(families.size());
  return audit;
}

bool FolderAudit::Passed() const {
  return findings.empty() &&
         std::ranges::all_of(chunks, [](const ChunkAudit& chunk) { return chunk.verdict.ok(); });
}

absl::StatusOr<std::vector<std::string>> ListZips(const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, SystemFiles().List(folder));
  std::vector<std::string> zips;
  for (const std::string& name : names) {
    if (name.ends_with(".zip")) zips.push_back(JoinPath(folder, name));
  }
  if (zips.empty())
    return NotFound(folder, " holds no zip; name the folder of the chunks 00.zip, 01.zip ...");
  std::ranges::sort(zips);
  return zips;
}

absl::StatusOr<FolderAudit> AuditFolder(const std::string& folder, const RunSettings& settings) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> zips, ListZips(folder));
  const auto csv = ReadLabelsCsv(SystemFiles(), folder, settings.preparation.labels_csv);
  FolderAudit audit;
  for (const std::string& zip : zips) audit.chunks.push_back(AuditChunk(zip, settings.preparation, csv));
  if (!settings.preparation.face_model.empty()) {
    const absl::Status found = FindFaceModel(SystemFiles(), "", folder, settings.preparation).status();
    if (!found.ok()) audit.findings.push_back(Message(found));
  }
  FindOrphans(audit);
  FindRepeats(audit);
  CheckHeldOut(audit, settings);
  return audit;
}

std::string RenderAudit(const FolderAudit& audit) {
  std::string text = absl::StrFormat("%-7s%10s%8s%8s%8s%8s%10s%12s  %s\n", "CHUNK", "ZIP", "CLIPS", "REAL",
                                     "FAKE", "FAKE %", "FAMILIES", "UNLABELLED", "GATE");
  for (const ChunkAudit& chunk : audit.chunks) text += Line(chunk);
  for (const ChunkAudit& chunk : audit.chunks) {
    if (!chunk.verdict.ok()) text += Cat("refused: ", Printable(Message(chunk.verdict)), "\n");
  }
  for (const ChunkAudit& chunk : audit.chunks) {
    for (const std::string& note : chunk.gate.notes) {
      text += Cat("noted: chunk ", chunk.chunk, ": ", Printable(note), "\n");
    }
  }
  for (const std::string& finding : audit.findings) text += Cat("found: ", Printable(finding), "\n");
  return text +
         (audit.Passed() ? "every chunk passes\n" : "not ready to be trained on: fix what is listed\n");
}

}  // namespace interceptor::worker
