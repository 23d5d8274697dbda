// What a command of any kind has.
#pragma once

namespace interceptor::simulation {

template <typename Command>
constexpr bool kHasRequest = requires(const Command& command) {
  command.request_id;
};
template <typename Command>
constexpr bool kHasSession = requires(const Command& command) {
  command.session;
};
template <typename Command>
constexpr bool kHasTask = requires(const Command& command) {
  command.task.term;
  command.session;
};

}  // namespace interceptor::simulation
