// The trainers' step ledgers: every step of every chunk is trained, in order, each from the same content; a
// step is taken again only after a trainer was killed or the run moved, and then with the same result (I12,
// I16). A trainer never starts behind what its task was granted from (I14), one that left in order loses
// nothing (I28), one that was killed loses at most a snapshot period (I15).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/simulation/blob.h"
#include "tests/simulation/options.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class LedgerCheck {
 public:
  LedgerCheck(World& world, const Options& options) : world_(world), options_(options) {}

  struct Start {
    std::string box;
    int64_t step = 0;
    int64_t base_step = 0;  // of the checkpoint that its task was granted from
  };
  void Started(const std::string& specialist, const Start& start);
  // `at`: where the step was taken, `after`: what came of it.
  void Stepped(const std::string& box, const Cursor& at, const Model& after);
  // A holder that was superseded may go on beside the present one: only the newest trainer's box owes
  // anything.
  struct End {
    std::string box;
    bool in_order = false;
    int64_t step = 0;
    int64_t safe_step = 0;  // what a snapshot or checkpoint on the disk holds at least
  };
  void Ended(const std::string& specialist, const End& end);
  // The agent heard of that end, so it remembers every file that the trainer told of.
  void EndWasHeard(const std::string& box, const std::string& specialist);
  // Snapshots of this box and specialist are gone or may not be used: losing more is nobody's mistake.
  void Excuse(const std::string& box, const std::string& specialist);

  // Whether the agent's memory of the run is on its disk. While it found no room, files may be forgotten.
  void MemoryWritten(const std::string& box, const std::string& specialist, bool written);

  void AtTheEnd(const std::string& specialist, const Model& published);
  int64_t repeated() const { return repeated_; }
  int64_t steps() const { return steps_; }

 private:
  struct Run {
    std::map<int64_t, uint64_t> weights;  // after each step
    std::string box;                      // of the newest trainer
    bool ended_in_order = false;
    int64_t left_at_step = -1;
    bool forgetful = false;  // the box's memory of it found no room
    int64_t owed_step = -1;  // where the next trainer of that box must stand at least
  };

  World& world_;
  const Options& options_;
  std::map<std::string, Run> runs_;
  int64_t steps_ = 0;
  int64_t repeated_ = 0;
};

}  // namespace interceptor::simulation
