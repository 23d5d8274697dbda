// All checkers of one run.
#pragma once

#include "tests/simulation/checkers/command_check.h"
#include "tests/simulation/checkers/fact_check.h"
#include "tests/simulation/checkers/gap_check.h"
#include "tests/simulation/checkers/journal_check.h"
#include "tests/simulation/checkers/ledger_check.h"

namespace interceptor::simulation {

struct Checks {
  Checks(World& world, const Options& options, const Vault& vault)
      : facts(world, options, vault),
        gaps(world, options),
        journal(world, facts, gaps),
        commands(world, options),
        ledger(world, options) {}

  FactCheck facts;
  GapCheck gaps;
  JournalCheck journal;
  CommandCheck commands;
  LedgerCheck ledger;
};

}  // namespace interceptor::simulation
