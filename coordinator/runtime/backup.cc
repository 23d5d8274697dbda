#include "coordinator/runtime/backup.h"

#include <set>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "coordinator/core/queries.h"
#include "coordinator/runtime/incarnation_file.h"

namespace interceptor::coordinator {
namespace {

constexpr char kUnfinished[] = ".unfinished";

absl::Status RemoveTree(const FileSystem& files, const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
  if (info.is_directory) {
    ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) ICPT_RETURN_IF_ERROR(RemoveTree(files, JoinPath(path, name)));
  }
  return files.Remove(path);
}

absl::Status RemoveUnfinished(const FileSystem& files, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) {
    if (name.ends_with(kUnfinished)) ICPT_RETURN_IF_ERROR(RemoveTree(files, JoinPath(folder, name)));
  }
  return absl::OkStatus();
}

absl::Status Fill(const BackupParts& parts, const Facts& facts, const std::string& folder,
                  BackupReport& report) {
  const FileSystem& files = parts.files;
  const std::vector<Digest> referenced = ReferencedBlobs(facts);
  const std::string vault = JoinPath(folder, "vault");
  ICPT_RETURN_IF_ERROR(files.MakeFolder(vault));
  ICPT_ASSIGN_OR_RETURN(report.missing, parts.vault.LinkTo(vault, referenced));
  const std::set<Digest> blobs(referenced.begin(), referenced.end());
  report.blobs = static_cast<int>(blobs.size()) - report.missing;
  for (const Digest& blob : blobs) report.blob_bytes += parts.vault.Has(blob) ? blob.size_bytes : 0;
  report.events = parts.log.size();
  ICPT_RETURN_IF_ERROR(parts.log.Backup(JoinPath(folder, "journal.sqlite")));
  ICPT_ASSIGN_OR_RETURN(const std::string plan,
                        ReadWholeFile(files, JoinPath(parts.state_folder, "plan.txtpb")));
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, JoinPath(folder, "plan.txtpb"), plan));
  return MarkAsCopy(files, folder, NewestStart(facts));
}

}  // namespace

absl::StatusOr<BackupReport> BackUp(const BackupParts& parts, const Facts& facts, absl::Time now) {
  const std::string backups = JoinPath(parts.state_folder, "backups");
  ICPT_RETURN_IF_ERROR(parts.files.MakeFolder(backups));
  ICPT_RETURN_IF_ERROR(RemoveUnfinished(parts.files, backups));
  BackupReport report;
  report.folder = JoinPath(backups, absl::FormatTime("%Y-%m-%dT%H-%M-%SZ", now, absl::UTCTimeZone()));
  if (parts.files.Exists(report.folder))
    return absl::AlreadyExistsError(Cat(report.folder, " exists already"));
  const std::string unfinished = report.folder + kUnfinished;
  absl::Status made = Fill(parts, facts, unfinished, report);
  if (made.ok()) made = parts.files.Rename(unfinished, report.folder);
  if (!made.ok()) {
    RemoveUnfinished(parts.files, backups).IgnoreError();
    return Annotate(made, "the backup was given up");
  }
  ICPT_RETURN_IF_ERROR(parts.files.SyncFolder(backups));
  return report;
}

}  // namespace interceptor::coordinator
