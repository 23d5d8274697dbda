#include "common/io/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/status.h"

namespace interceptor {

absl::StatusOr<MappedFile> MapFile(int fd, std::string_view what) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, Cat("stat ", what));
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile{};
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return ErrnoStatus(errno, Cat("map ", what));
  return MappedFile{{static_cast<const char*>(address), size},
                    {address, [size](void* begin) { munmap(begin, size); }}};
}

}  // namespace interceptor
