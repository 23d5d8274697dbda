// Runs work(0) ... work(count - 1) on a few threads and waits. The calls must not touch each other's data.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace interceptor::synth {

inline void ForEachIndex(int count, int threads, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::jthread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      for (int i = next++; i < count; i = next++) work(i);
    });
  }
}

}  // namespace interceptor::synth
