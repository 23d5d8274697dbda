#include "worker/prepare/near_names.h"

#include "common/base/status.h"
#include "common/io/file_system.h"
#include "common/text/text.h"
#include "common/text/utf8.h"
#include "worker/prepare/text.h"

namespace interceptor::worker {

void CaselessNames::Add(const std::string& name) { names_.emplace(CaselessForm(name), name); }

const std::string* CaselessNames::Find(std::string_view name) const {
  const auto found = names_.find(CaselessForm(name));
  return found == names_.end() || found->second == name ? nullptr : &found->second;
}

std::string ExplainMismatch(std::span<const std::string> clips, std::span<const std::string> labels) {
  std::map<std::string, std::string> label_of_file;
  CaselessNames paths;
  CaselessNames files;
  for (const std::string& label : labels) {
    label_of_file.emplace(BaseName(label), label);
    paths.Add(label);
    files.Add(BaseName(label));
  }
  Examples elsewhere;
  Examples spelled;
  for (const std::string& clip : clips) {
    const auto same_file = label_of_file.find(BaseName(clip));
    const std::string* near = paths.Find(clip);
    if (near == nullptr && same_file == label_of_file.end()) near = files.Find(BaseName(clip));
    if (near != nullptr) {
      spelled.Add(Cat(Printable(clip, 100), " and ", Printable(*near, 100)));
    } else if (same_file != label_of_file.end()) {
      elsewhere.Add(Cat(clip, ", labelled as ", same_file->second));
    }
  }
  std::string text;
  if (elsewhere.count() > 0) {
    text += Cat("; ", Counted(elsewhere.count(), "of these clips lies", "of these clips lie"),
                " in another folder than the labels say (", elsewhere.Text(),
                "): move metadata.json beside its clips, or name them in a CSV by their paths");
  }
  if (spelled.count() > 0) {
    text += Cat("; ", Counted(spelled.count(), "of these names differs", "of these names differ"),
                " from a label in letter case or Unicode normal form alone (", spelled.Text(),
                "): write both alike");
  }
  return text;
}

}  // namespace interceptor::worker
