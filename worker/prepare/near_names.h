// Names that nearly meet: the likely cause where clips and labels do not. Labels are matched by exact name all
// the same; these only say what to correct. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace interceptor::worker {

// Names by what remains of them without letter case and Unicode normal form.
class CaselessNames {
 public:
  void Add(const std::string& name);
  // A name that differs from `name` in case or normal form alone; null where none does.
  const std::string* Find(std::string_view name) const;

 private:
  std::map<std::string, std::string> names_;
};

// Why clips without a label and labels without a clip may belong together: "" or sentences that each begin with
// "; ". Labels are paths in the zip, or names of files alone.
std::string ExplainMismatch(std::span<const std::string> clips, std::span<const std::string> labels);

}  // namespace interceptor::worker
