// interceptor-bench NAME [flags]: a front that runs the bench program of one room, interceptor-bench-NAME
// beside it, with the same flags. Without a name it lists what is there.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "common/base/status.h"
#include "common/io/file_system.h"

namespace {

constexpr char kPrefix[] = "interceptor-bench-";

std::string OwnFolder() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? interceptor::ParentFolder(std::string(path, static_cast<size_t>(length))) : ".";
}

void ListBenches(const std::string& folder) {
  std::printf("usage: interceptor-bench NAME [flags]\nexample: interceptor-bench checkpoint --json\n");
  const auto names = interceptor::SystemFiles().List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(kPrefix)) std::printf("  %s\n", name.c_str() + std::strlen(kPrefix));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = OwnFolder();
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty() || name.starts_with("-")) {
    ListBenches(folder);
    return name == "--help" || name == "-h" ? 0 : 2;
  }
  const std::string program = interceptor::JoinPath(folder, kPrefix + name);
  argv[1] = const_cast<char*>(program.c_str());
  execv(program.c_str(), argv + 1);
  std::fprintf(stderr,
               "interceptor-bench: there is no bench '%s' (%s: %s); run interceptor-bench for the list\n",
               name.c_str(), program.c_str(), std::strerror(errno));
  return errno == ENOENT ? 4 : 1;
}
