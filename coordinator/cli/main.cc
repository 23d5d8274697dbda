// `interceptor`: asks the coordinator and tells it what the team wants. docs/cli.md describes every verb.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "coordinator/cli/arguments.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/terminal.h"

int main(int argc, char** argv) {
  namespace cli = interceptor::coordinator;
  const char* address = std::getenv("INTERCEPTOR_COORDINATOR");
  const cli::Arguments arguments =
      cli::ParseArguments(argc, argv, address == nullptr ? "" : address, std::cout, std::cerr);
  if (!arguments.options) return arguments.exit_code;
  const cli::Terminal terminal = cli::DescribeTerminal(cli::ReadTerminalFacts(STDOUT_FILENO));
  return cli::RunCommand(*arguments.options, terminal, {.out = std::cout, .err = std::cerr});
}
