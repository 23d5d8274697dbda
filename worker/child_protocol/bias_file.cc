#include "worker/child_protocol/bias_file.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/json_fields.h"
#include "worker/child_protocol/fact_fields.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {

absl::Status WriteBias(const FileSystem& files, std::string_view run_folder, std::string_view chunk,
                       const Bias& bias) {
  FieldWriter writer;
  Bias copy = bias;
  Fields(writer, copy);
  return WriteFileAtomically(files, BiasPath(run_folder, chunk), writer.object.dump(1) + "\n");
}

absl::StatusOr<Bias> ReadBias(const FileSystem& files, std::string_view run_folder, std::string_view chunk) {
  const std::string path = BiasPath(run_folder, chunk);
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files, path));
  const auto object = ParseJsonObject(text);
  if (!object.ok()) return DataLoss(path, ": ", Message(object.status()));
  FieldReader reader(*object, path);
  Bias bias;
  Fields(reader, bias);
  const absl::Status read = reader.Finish();
  if (!read.ok()) return DataLoss(Message(read));
  return bias;
}

}  // namespace interceptor::worker
