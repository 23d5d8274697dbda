// The coordinator's own words as plain values (common/facts holds those that it shares with workers). No wire or disk types here: coordinator/service and
// coordinator/journal convert. Wall times are for people; no decision reads them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/facts/checkpoint.h"
#include "common/facts/cursor.h"
#include "common/facts/evaluation.h"
#include "common/facts/failure.h"
#include "common/facts/manifest.h"
#include "common/facts/task.h"

namespace interceptor::coordinator {

// Names one worker stream within one run of the coordinator: the runtime counts them from 1. A newer stream
// has a larger number.
using SessionId = int64_t;

// A chunk as one box sees it; sha256 is empty while it is not taken.
struct ChunkOnBox {
  std::string chunk;
  int64_t size_bytes = 0;
  std::string sha256;
  std::string problem = {};   // why it is not taken, with the remedy; empty while it waits to be hashed
  bool needs_action = false;  // by a person: waiting for the end of a copy does not help

  friend bool operator==(const ChunkOnBox&, const ChunkOnBox&) = default;
};

// Immutable, so that a status of many boxes shares it. Null: nothing was reported.
using Inventory = std::shared_ptr<const std::vector<ChunkOnBox>>;

struct Device {
  std::string name;
  std::string model;

  friend bool operator==(const Device&, const Device&) = default;
};

// One start of a coordinator on a state folder. Number 0: none.
struct Incarnation {
  int64_t number = 0;
  std::string nonce;  // drawn anew at each start: tells the starts of a copied folder apart

  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

// The coordinator that a work folder was welcomed by last.
struct LastCoordinator {
  std::string plan_digest;
  Incarnation incarnation;
};

struct Hello {
  int protocol = 0;
  std::string member;
  std::string box;
  std::string incarnation;
  Device device;
  std::vector<ChunkOnBox> chunks;
  std::vector<TaskRef> held;
  std::string plan_digest;
  LastCoordinator last_coordinator;
};

struct PlanMember {
  std::string name;
  std::vector<std::string> specialists;
  bool integrates = false;

  friend bool operator==(const PlanMember&, const PlanMember&) = default;
};

struct PlanChunk {
  std::string name;
  std::string sha256;  // empty: the first complete copy reported holds

  friend bool operator==(const PlanChunk&, const PlanChunk&) = default;
};

// What the core needs of the plan. common/plan has validated the file; ValidatePlan (decide.h) checks what
// the core itself relies on.
struct PlanFacts {
  std::string name;
  std::string digest;
  std::vector<PlanMember> members;
  std::vector<PlanChunk> chunks;
  absl::Duration lease_ttl;
  absl::Duration handover;
  absl::Duration stall;
  absl::Duration checkpoint_period;  // of training time
  int keep_latest = 2;
  int64_t vault_bytes_max = 0;  // 0: no limit

  friend bool operator==(const PlanFacts&, const PlanFacts&) = default;
};

// One line of valid UTF-8 for people, at most kTextBytesMax bytes: anything else in it becomes a space or
// '?'.
std::string CleanText(std::string_view text);

}  // namespace interceptor::coordinator
