#include "coordinator/runtime/incarnation_file.h"

#include <sstream>

#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::coordinator {

IncarnationFile::IncarnationFile(const FileSystem& files, const std::string& folder)
    : files_(files), path_(JoinPath(folder, "incarnation")) {}

absl::StatusOr<Incarnation> IncarnationFile::Read() {
  const absl::StatusOr<std::string> text = ReadWholeFile(files_, path_);
  if (absl::IsNotFound(text.status())) return kept_ = {};
  ICPT_RETURN_IF_ERROR(text.status());
  std::istringstream words(*text);
  if (words >> kept_.number >> kept_.nonce && kept_.number > 0) return kept_;
  return DataLoss(path_,
                  " does not hold a start's number and nonce: remove it if the journal beside it is the"
                  " newest, else restore both");
}

absl::Status IncarnationFile::Keep(const Incarnation& newest) {
  if (newest == kept_) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files_, path_, Cat(newest.number, " ", newest.nonce, "\n")));
  kept_ = newest;
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
