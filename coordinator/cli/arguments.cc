#include "coordinator/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <map>
#include <vector>

#include "common/base/status.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/status_view.h"

namespace interceptor::coordinator {
namespace {

constexpr char kExitCodes[] =
    "Exit codes:\n"
    "  0 ok   1 error   2 usage   3 degraded (status --check)   4 not found   7 coordinator unavailable\n"
    "Environment:\n"
    "  INTERCEPTOR_COORDINATOR  address of the coordinator where --coordinator is not given\n"
    "  NO_COLOR                 no colours\n"
    "Examples:\n"
    "  interceptor status\n"
    "  interceptor describe BG -o json";

// What CLI11 writes into.
struct Raw {
  std::string coordinator;
  double timeout_seconds = 10;
  std::string format = "table";
  Options options;
};

class Parser {
 public:
  Parser() : app_("Asks the Interceptor coordinator, and tells it what the team wants.", "interceptor") {
    app_.set_version_flag("--version", "interceptor " INTERCEPTOR_VERSION);
    app_.require_subcommand(0, 1);
    app_.footer(kExitCodes);
    AddConnection(app_);
    AddReads();
    AddLists();
    AddMutations();
  }

  Arguments Parse(int argc, const char* const* argv, const std::string& environment_address,
                  std::ostream& out, std::ostream& err) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return {std::nullopt, app_.exit(error, out, err)};
      const std::vector<std::string> unknown = app_.remaining(true);
      const bool no_verb = app_.get_subcommands().empty() && !unknown.empty();
      return Usage(no_verb ? Cat("there is no verb '", unknown.front(), "'") : error.what(), err);
    }
    if (app_.get_subcommands().empty()) return Usage("say what to do, for example: interceptor status", err);
    Options options = raw_.options;
    options.verb = verbs_.at(app_.get_subcommands().front());
    options.json = raw_.format == "json";
    options.timeout = absl::Seconds(raw_.timeout_seconds);
    options.coordinator = !raw_.coordinator.empty()      ? raw_.coordinator
                          : !environment_address.empty() ? environment_address
                                                         : kDefaultAddress;
    const absl::Status address = ValidateAddress(options.coordinator);
    if (!address.ok()) return Usage(Message(address), err);
    return {options, kExitOk};
  }

 private:
  Arguments Usage(const std::string& what, std::ostream& err) {
    const std::vector<CLI::App*> chosen = app_.get_subcommands();
    const std::string verb = chosen.empty() ? std::string() : Cat(" ", chosen.front()->get_name());
    err << "interceptor: " << Clean(what, Encoding::kAscii) << "; see interceptor" << verb << " --help\n";
    return {std::nullopt, kExitUsage};
  }

  CLI::App* Add(Verb verb, const std::string& name, const std::string& description,
                const std::string& examples) {
    CLI::App* command = app_.add_subcommand(name, description);
    command->footer("Examples:\n" + examples);
    AddConnection(*command);
    verbs_[command] = verb;
    return command;
  }

  // Known before and after the verb.
  void AddConnection(CLI::App& command) {
    command
        .add_option("--coordinator", raw_.coordinator,
                    Cat("HOST:PORT or unix:PATH; else INTERCEPTOR_COORDINATOR, else ", kDefaultAddress))
        ->type_name("ADDRESS");
    command.add_option("--timeout", raw_.timeout_seconds, "how long to wait for an answer (default 10)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.001, 86400.0));
  }

  void AddFormat(CLI::App* command) {
    command->add_option("-o,--output", raw_.format, "table (default) or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"table", "json"}));
  }

  void AddSpecialist(CLI::App* command) {
    command->add_option("specialist", raw_.options.name, "only this one: BG, AV, CM, RR, LL or TM")
        ->type_name("SPECIALIST")
        ->transform(CLI::IsMember({"BG", "AV", "CM", "RR", "LL", "TM"}, CLI::ignore_case));
  }

  void AddLimit(CLI::App* command) {
    command->add_option("--limit", raw_.options.limit, "at most so many (default: all)")
        ->type_name("COUNT")
        ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}));
  }

  void AddName(CLI::App* command, const std::string& type, const std::string& description) {
    command->add_option("name", raw_.options.name, description)->type_name(type)->required();
  }

  void AddReads() {
    CLI::App* status =
        Add(Verb::kStatus, "status", "One screen: the plan, what is wrong, the six specialists, the workers.",
            "  interceptor status\n  interceptor status --check && echo healthy");
    AddFormat(status);
    status->add_flag("--check", raw_.options.check, "exit with 3 unless the plan is healthy");

    CLI::App* watch = Add(Verb::kWatch, "watch",
                          "Status redrawn in place (q leaves); one line per change when not on a terminal.",
                          "  interceptor watch\n  interceptor watch --until-done > changes.log");
    AddFormat(watch);
    watch->add_flag("--until-done", raw_.options.until_done, "exit with 0 once the plan is done");

    CLI::App* describe = Add(Verb::kDescribe, "describe", "Everything about one specialist, member or chunk.",
                             "  interceptor describe BG\n  interceptor describe chunk/03 -o json");
    AddFormat(describe);
    AddName(describe, "NAME",
            "a specialist, member or chunk, tried in this order; specialist/NAME, member/NAME or chunk/NAME "
            "says which");
  }

  void AddLists() {
    CLI::App* chunks = Add(Verb::kChunks, "chunks", "The plan's chunks: who has them, who has finished them.",
                           "  interceptor chunks\n  interceptor chunks -o json");
    AddFormat(chunks);
    AddLimit(chunks);

    CLI::App* checkpoints = Add(Verb::kCheckpoints, "checkpoints", "Published checkpoints in the vault.",
                                "  interceptor checkpoints\n  interceptor checkpoints BG -o json\n  "
                                "interceptor checkpoints --verify");
    AddFormat(checkpoints);
    AddSpecialist(checkpoints);
    AddLimit(checkpoints);
    checkpoints->add_flag("--verify", raw_.options.verify,
                          "read each back from the coordinator's disk, whole; exit with 1 if one is damaged");

    CLI::App* events = Add(Verb::kEvents, "events", "The journal for people, newest first.",
                           "  interceptor events --limit 20\n  interceptor events --subject train/BG");
    AddFormat(events);
    events->add_option("--subject", raw_.options.subject, "only events whose subject starts with this")
        ->type_name("PREFIX");
    AddLimit(events);

    CLI::App* evaluations = Add(Verb::kEvaluations, "evaluations", "Held-out and look-ahead results.",
                                "  interceptor evaluations\n  interceptor evaluations TM -o json");
    AddFormat(evaluations);
    AddSpecialist(evaluations);
    AddLimit(evaluations);

    CLI::App* bias =
        Add(Verb::kBias, "bias",
            "How each specialist treats reals and fakes, and slices of the clips; what is done about it.",
            "  interceptor bias\n  interceptor bias LL -o json");
    AddFormat(bias);
    AddSpecialist(bias);
  }

  void AddMutations() {
    AddName(
        Add(Verb::kDrain, "drain", "Asks a member's worker to save and leave.", "  interceptor drain anna"),
        "MEMBER", "whose worker");
    CLI::App* pause = Add(Verb::kPause, "pause", "Stops every run at its next save until resume.",
                          "  interceptor pause --reason \"new disk for the head node\"");
    pause->add_option("--reason", raw_.options.reason, "one line that status shows")->type_name("TEXT");
    Add(Verb::kResume, "resume", "Lets a paused plan and runs that were paused alone go on.",
        "  interceptor resume");
    AddName(Add(Verb::kPin, "pin", "Keeps a checkpoint for good.", "  interceptor pin BG-000000001024"), "ID",
            "as `interceptor checkpoints` lists it");
    AddName(Add(Verb::kUnpin, "unpin", "Gives a pinned checkpoint back to the keep-latest rule.",
                "  interceptor unpin BG-000000001024"),
            "ID", "as `interceptor checkpoints` lists it");
    AddFormat(Add(Verb::kBackup, "backup", "Copies journal, vault and plan, while the coordinator goes on.",
                  "  interceptor backup\n  rsync -aH $(interceptor backup) other-disk:/backups/"));
  }

  CLI::App app_;
  Raw raw_;
  std::map<const CLI::App*, Verb> verbs_;
};

}  // namespace

Arguments ParseArguments(int argc, const char* const* argv, const std::string& environment_address,
                         std::ostream& out, std::ostream& err) {
  return Parser().Parse(argc, argv, environment_address, out, err);
}

}  // namespace interceptor::coordinator
