// The command line as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace interceptor::coordinator {

// Exit codes of every verb; docs/cli.md lists them for people.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDegraded = 3;
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitUnavailable = 7;

enum class Verb {
  kStatus,
  kWatch,
  kDescribe,
  kChunks,
  kCheckpoints,
  kEvents,
  kEvaluations,
  kBias,
  kDrain,
  kPause,
  kResume,
  kPin,
  kUnpin,
  kBackup,
};

struct Options {
  Verb verb = Verb::kStatus;
  std::string coordinator;
  absl::Duration timeout;
  bool json = false;
  // What describe, drain, pin and unpin are about; the specialist of checkpoints, evaluations and
  // bias, or empty.
  std::string name;
  std::string reason;
  std::string subject;
  // 0: all.
  int64_t limit = 0;
  bool check = false;
  bool verify = false;
  bool until_done = false;
};

struct Arguments {
  // Absent when there is nothing to do but leave with exit_code: help was printed, or what is wrong.
  std::optional<Options> options;
  int exit_code = kExitOk;
};

// `environment_address` is INTERCEPTOR_COORDINATOR, or empty. Help goes to `out`, usage errors to `err`.
Arguments ParseArguments(int argc, const char* const* argv, const std::string& environment_address,
                         std::ostream& out, std::ostream& err);

}  // namespace interceptor::coordinator
