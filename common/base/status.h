// Errors are absl::Status everywhere; this header adds the few helpers every room needs.
// Messages name the thing that is wrong and, where there is one, the remedy.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace interceptor {

// Concatenates anything that can be streamed. Debian's Abseil has its own string_view type, which
// absl::StrCat insists on; this one takes std::string_view.
template <typename... Parts>
std::string Cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

template <typename... Parts>
absl::Status InvalidArgument(const Parts&... parts) { return absl::InvalidArgumentError(Cat(parts...)); }
template <typename... Parts>
absl::Status NotFound(const Parts&... parts) { return absl::NotFoundError(Cat(parts...)); }
template <typename... Parts>
absl::Status Aborted(const Parts&... parts) { return absl::AbortedError(Cat(parts...)); }
template <typename... Parts>
absl::Status FailedPrecondition(const Parts&... parts) { return absl::FailedPreconditionError(Cat(parts...)); }
template <typename... Parts>
absl::Status ResourceExhausted(const Parts&... parts) { return absl::ResourceExhaustedError(Cat(parts...)); }
template <typename... Parts>
absl::Status DataLoss(const Parts&... parts) { return absl::DataLossError(Cat(parts...)); }
template <typename... Parts>
absl::Status Unavailable(const Parts&... parts) { return absl::UnavailableError(Cat(parts...)); }
template <typename... Parts>
absl::Status Internal(const Parts&... parts) { return absl::InternalError(Cat(parts...)); }

// The same code with `context` and ": " before the message; OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// A status for a failed system call, its code taken from errno (ENOSPC: RESOURCE_EXHAUSTED,
// ENOENT: NOT_FOUND, EEXIST: ALREADY_EXISTS, EACCES: PERMISSION_DENIED, others: INTERNAL).
absl::Status ErrnoStatus(int error_number, std::string_view what);

// The message of a status as std::string.
std::string Message(const absl::Status& status);

}  // namespace interceptor

#define ICPT_CONCAT_INNER(a, b) a##b
#define ICPT_CONCAT(a, b) ICPT_CONCAT_INNER(a, b)

#define ICPT_RETURN_IF_ERROR(expression)                        \
  do {                                                          \
    ::absl::Status icpt_status = (expression);                  \
    if (!icpt_status.ok()) return icpt_status;                  \
  } while (false)

#define ICPT_ASSIGN_OR_RETURN(declaration, expression) \
  ICPT_ASSIGN_OR_RETURN_INNER(ICPT_CONCAT(icpt_status_or_, __LINE__), declaration, expression)
#define ICPT_ASSIGN_OR_RETURN_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                                        \
  if (!temporary.ok()) return std::move(temporary).status();            \
  declaration = *std::move(temporary)
