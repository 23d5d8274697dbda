#include "common/text/text.h"

#include "common/base/status.h"

namespace interceptor {

std::string Counted(int64_t count, std::string_view one, std::string_view many) {
  return Cat(count, " ", count == 1 ? one : many);
}

}  // namespace interceptor
