// A fresh folder under $TMPDIR or /tmp that is removed, with all in it, when the object ends.
#pragma once

#include <string>
#include <string_view>

namespace interceptor {

class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace interceptor
