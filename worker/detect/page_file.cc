#include "worker/detect/page_file.h"

#include "absl/strings/ascii.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/detect/page.h"
#include "worker/detect/videos.h"

namespace interceptor::worker {
namespace {

constexpr size_t kNameLettersMax = 80;
constexpr size_t kDigestLetters = 12;
constexpr int kFacePictures = 8;

}  // namespace

std::string PageName(const std::string& path) {
  std::string name = path == kStandardInput ? "stdin" : BaseName(path).substr(0, kNameLettersMax);
  for (char& letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    if (!absl::ascii_isalnum(byte) && letter != '.' && letter != '_' && letter != '-') letter = '_';
  }
  if (name.starts_with('.') || name.starts_with('-')) name.front() = '_';
  return Cat(name, "-", DigestOf(path).hex.substr(0, kDigestLetters), ".html");
}

absl::Status WritePage(const FileSystem& files, const std::string& folder, const std::string& path,
                       const std::string& line, const Bundle& bundle, const DecodedClip* clip) {
  std::vector<FacePicture> pictures;
  if (clip != nullptr) {
    ICPT_ASSIGN_OR_RETURN(pictures, FacePictures(*clip, kFacePictures));
  }
  const std::string page = EvidencePage(PageRoot(line, bundle, clip), pictures);
  const std::string target = JoinPath(folder, PageName(path));
  return Annotate(WriteFileAtomically(files, target, page), Cat("the page ", target, " was not written"));
}

}  // namespace interceptor::worker
