// What the agent is started with.
#pragma once

#include <cstdint>
#include <string>

namespace interceptor::worker {

struct AgentOptions {
  std::string coordinator;  // HOST:PORT
  std::string member;
  std::string data;
  std::string work;
  std::string store;
  int64_t store_bytes_max = 0;  // 0: as many as the disk has
  std::string device = "auto";
  int threads = 1;
  std::string programs;  // folder of interceptor-prepare and interceptor-train
};

}  // namespace interceptor::worker
