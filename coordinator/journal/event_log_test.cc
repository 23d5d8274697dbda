// The journal on a real disk: durable, chained, versioned, held by one.
#include "coordinator/journal/event_log.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/event_samples.h"
#include "tests/support/scenario.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

const int64_t kSamples = std::ssize(SampleFacts());

std::unique_ptr<EventLog> Open(const std::string& folder) {
  auto log = OpenEventLog(folder);
  CATCH_INFO(log.status().ToString());
  CATCH_REQUIRE(log.ok());
  return *std::move(log);
}

std::vector<Fact> ReadAll(const EventLog& log) {
  std::vector<Fact> facts;
  const absl::Status status = log.Replay([&](const NumberedFact& row) {
    CATCH_REQUIRE(row.number == static_cast<int64_t>(facts.size()) + 1);
    facts.push_back(row.fact);
    return absl::OkStatus();
  });
  CATCH_INFO(status.ToString());
  CATCH_REQUIRE(status.ok());
  return facts;
}

// Changes the file behind the journal's back.
void Tamper(const std::string& folder, const std::string& sql) {
  sqlite3* database = nullptr;
  CATCH_REQUIRE(sqlite3_open((folder + "/journal.sqlite").c_str(), &database) == SQLITE_OK);
  CATCH_REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

CATCH_TEST_CASE("what was appended is there after reopening, in order") {
  const ScratchFolder folder;
  const std::vector<Fact> facts = SampleFacts();
  {
    auto log = Open(folder.path());
    CATCH_CHECK(log->size() == 0);
    CATCH_CHECK(ReadAll(*log).empty());
    CATCH_REQUIRE(log->Append({}).ok());
    CATCH_REQUIRE(log->Append({facts.begin(), facts.begin() + 5}).ok());
    CATCH_REQUIRE(log->Append({facts.begin() + 5, facts.end()}).ok());
    CATCH_CHECK(log->size() == kSamples);
  }
  auto log = Open(folder.path());
  CATCH_CHECK(log->size() == kSamples);
  CATCH_CHECK(ReadAll(*log) == facts);
  CATCH_REQUIRE(log->Append({facts[0]}).ok());
  CATCH_CHECK(log->size() == kSamples + 1);
}

CATCH_TEST_CASE("a journal of a whole plan rebuilds equal facts") {
  const ScratchFolder folder;
  Scenario s;
  for (const char* member : {"ana", "bo", "zoe"}) s.Attach(member);
  s.TrainEverything();
  CATCH_REQUIRE(Open(folder.path())->Append(s.journal).ok());
  const auto facts = ReadAll(*Open(folder.path()));
  CATCH_CHECK(facts == s.journal);
  CATCH_CHECK(Replay(facts).facts == s.state.facts);
}

CATCH_TEST_CASE("a replay stops at the visitor's first error") {
  const ScratchFolder folder;
  auto log = Open(folder.path());
  CATCH_REQUIRE(log->Append(SampleFacts()).ok());
  int visited = 0;
  const absl::Status status = log->Replay([&](const NumberedFact&) {
    return ++visited == 3 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  CATCH_CHECK(status.code() == absl::StatusCode::kCancelled);
  CATCH_CHECK(visited == 3);
}

CATCH_TEST_CASE("pages come newest first, by subject when asked") {
  const ScratchFolder folder;
  auto log = Open(folder.path());
  CATCH_REQUIRE(log->Append(SampleFacts()).ok());
  const auto numbers = [&](const EventQuery& query) {
    std::vector<int64_t> found;
    const auto rows = log->Read(query);
    CATCH_REQUIRE(rows.ok());
    for (const NumberedFact& row : *rows) {
      CATCH_CHECK(row.fact == SampleFacts()[static_cast<std::size_t>(row.number) - 1]);
      found.push_back(row.number);
    }
    return found;
  };
  CATCH_CHECK(numbers({.limit = 3}) == std::vector<int64_t>{kSamples, kSamples - 1, kSamples - 2});
  CATCH_CHECK(numbers({.before = 3, .limit = 3}) == std::vector<int64_t>{2, 1});
  CATCH_CHECK(numbers({.before = 1}).empty());
  CATCH_CHECK(numbers({.subject_prefix = "train/"}) == std::vector<int64_t>{26, 20, 19, 12, 11, 10, 9, 8});
  CATCH_CHECK(numbers({.before = 11, .subject_prefix = "train/BG", .limit = 2}) ==
              std::vector<int64_t>{10, 9});
  CATCH_CHECK(numbers({.subject_prefix = "member-1"}) == std::vector<int64_t>{5, 4, 3});
  CATCH_CHECK(numbers({.subject_prefix = "nobody"}).empty());
  CATCH_CHECK(log->Read({.limit = 0}).status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_REQUIRE(log->Append({SampleFacts()[2]}).ok());
  CATCH_CHECK(log->Read({.subject_prefix = "member-1", .limit = 1})->front().number == kSamples + 1);
}

CATCH_TEST_CASE("a second coordinator is told who holds the folder; afterwards it is free") {
  const ScratchFolder folder;
  {
    auto log = Open(folder.path());
    const absl::Status second = OpenEventLog(folder.path()).status();
    CATCH_CHECK(second.code() == absl::StatusCode::kFailedPrecondition);
    CATCH_CHECK_THAT(Message(second), ContainsSubstring("another coordinator holds " + folder.path()));
    CATCH_CHECK_FALSE(IsNewerVersion(second));
  }
  Open(folder.path());
}

// Runs `work` in a child that is then killed at once, as a crash would.
template <typename Work>
void RunAndDie(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  CATCH_REQUIRE(waitpid(child, &status, 0) == child);
  CATCH_REQUIRE(WIFSIGNALED(status));
}

CATCH_TEST_CASE("a second process is refused, and a killed one leaves what it acknowledged") {
  const ScratchFolder folder;
  const ScratchFolder other;
  const std::vector<Fact> facts = SampleFacts();
  RunAndDie([&] {
    auto log = OpenEventLog(folder.path());
    if (log.ok() && (*log)->Append({facts[0], facts[1]}).ok())
      std::ofstream(other.path() + "/acknowledged") << 2;
  });
  CATCH_CHECK(std::filesystem::exists(other.path() + "/acknowledged"));
  auto log = Open(folder.path());
  CATCH_CHECK(log->size() == 2);
  RunAndDie([&] {
    if (!OpenEventLog(folder.path()).ok()) std::ofstream(other.path() + "/refused") << 1;
  });
  CATCH_CHECK(std::filesystem::exists(other.path() + "/refused"));
}

CATCH_TEST_CASE("a row that was changed, lost or moved is data loss at opening") {
  for (const char* sql :
       {"UPDATE events SET record = x'00' || substr(record, 2) WHERE number = 7",
        "UPDATE events SET chain = chain + 1 WHERE number = 7", "DELETE FROM events WHERE number = 7",
        "DELETE FROM events WHERE number = 1", "UPDATE events SET number = 100 WHERE number = 7",
        "INSERT INTO events SELECT max(number) + 1, chain, record FROM events"}) {
    CATCH_INFO(sql);
    const ScratchFolder folder;
    CATCH_REQUIRE(Open(folder.path())->Append(SampleFacts()).ok());
    Tamper(folder.path(), sql);
    const absl::Status status = OpenEventLog(folder.path()).status();
    CATCH_CHECK(status.code() == absl::StatusCode::kDataLoss);
    CATCH_CHECK_THAT(Message(status), ContainsSubstring("journal.sqlite"));
  }
}

CATCH_TEST_CASE("flipped bytes of the file are found") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/journal.sqlite";
  CATCH_REQUIRE(Open(folder.path())->Append(SampleFacts()).ok());
  const std::string good = FileBytes(path);
  // A byte inside a record: its text stands in the file as it is.
  const std::size_t at = good.find("maintenance");
  CATCH_REQUIRE(at != std::string::npos);
  std::string bad = good;
  bad[at] ^= 1;
  std::ofstream(path, std::ios::binary) << bad;
  const absl::Status status = OpenEventLog(folder.path()).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK_THAT(Message(status), ContainsSubstring("event 4 is damaged"));
  std::ofstream(path, std::ios::binary) << good;
  CATCH_CHECK(ReadAll(*Open(folder.path())) == SampleFacts());
}

CATCH_TEST_CASE("a journal that lost its end is refused by its name") {
  const ScratchFolder folder;
  CATCH_REQUIRE(Open(folder.path())->Append(SampleFacts()).ok());
  const std::string path = folder.File("journal.sqlite");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const absl::Status status = OpenEventLog(folder.path()).status();
  CATCH_CHECK(absl::IsDataLoss(status));
  CATCH_CHECK_THAT(Message(status), ContainsSubstring(path));
}

CATCH_TEST_CASE("a file that is no journal is refused, an empty one is a new journal") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/journal.sqlite";
  std::ofstream(path) << "not a journal";
  CATCH_CHECK(OpenEventLog(folder.path()).status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK(FileBytes(path) == "not a journal");
  std::ofstream(path, std::ios::trunc).flush();
  CATCH_CHECK(Open(folder.path())->size() == 0);
  const ScratchFolder foreign;
  Tamper(foreign.path(), "PRAGMA application_id=7; CREATE TABLE t(x)");
  CATCH_CHECK(OpenEventLog(foreign.path()).status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK_FALSE(OpenEventLog(folder.path() + "/none").ok());
}

CATCH_TEST_CASE("a journal of a newer version is refused and its bytes stay as they are") {
  const ScratchFolder folder;
  CATCH_REQUIRE(Open(folder.path())->Append(SampleFacts()).ok());
  Tamper(folder.path(), "PRAGMA user_version=1000");
  const std::string before = FileBytes(folder.path() + "/journal.sqlite");
  const absl::Status status = OpenEventLog(folder.path()).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(IsNewerVersion(status));
  CATCH_CHECK_THAT(Message(status), ContainsSubstring("newer version"));
  CATCH_CHECK(FileBytes(folder.path() + "/journal.sqlite") == before);
}

CATCH_TEST_CASE("a journal of an older version is marked as this one's with the first batch, not before") {
  const ScratchFolder folder;
  const auto version = [&] { return FileBytes(folder.File("journal.sqlite")).at(63); };
  CATCH_REQUIRE(Open(folder.path())->Append(SampleFacts()).ok());
  const char present = version();
  Tamper(folder.path(), "PRAGMA user_version=1");
  CATCH_CHECK(Open(folder.path())->size() == kSamples);
  CATCH_CHECK(version() == 1);
  CATCH_REQUIRE(Open(folder.path())->Append({SampleFacts()[0]}).ok());
  CATCH_CHECK(version() == present);
}

CATCH_TEST_CASE("the journal that version 1 wrote is opened, read and gone on with") {
  const ScratchFolder folder;
  std::filesystem::copy_file(INTERCEPTOR_GOLDEN "/journal_v1/journal.sqlite", folder.File("journal.sqlite"));
  std::vector<Fact> expected = SampleFacts();
  // Those that version 1 knew come first.
  expected.resize(23);
  CATCH_CHECK(ReadAll(*Open(folder.path())) == expected);
  CATCH_REQUIRE(Open(folder.path())->Append({SampleFacts().back()}).ok());
  expected.push_back(SampleFacts().back());
  CATCH_CHECK(ReadAll(*Open(folder.path())) == expected);
}

CATCH_TEST_CASE("the journal that version 2 wrote is opened and read") {
  const ScratchFolder folder;
  std::filesystem::copy_file(INTERCEPTOR_GOLDEN "/journal_v2/journal.sqlite", folder.File("journal.sqlite"));
  const std::vector<Fact> facts = ReadAll(*Open(folder.path()));
  CATCH_REQUIRE(facts.size() == 26);
  const std::vector<Fact> expected = SampleFacts();
  CATCH_CHECK(std::equal(facts.begin(), facts.end(), expected.begin()));
}

CATCH_TEST_CASE("the journal that version 3 wrote is opened and read") {
  const ScratchFolder folder;
  std::filesystem::copy_file(INTERCEPTOR_GOLDEN "/journal_v3/journal.sqlite", folder.File("journal.sqlite"));
  std::vector<Fact> expected = SampleFacts();
  expected.push_back(SampleValidation());
  CATCH_CHECK(ReadAll(*Open(folder.path())) == expected);
}

CATCH_TEST_CASE("the journal that version 4 wrote is opened and read") {
  const ScratchFolder folder;
  std::filesystem::copy_file(INTERCEPTOR_GOLDEN "/journal_v4/journal.sqlite", folder.File("journal.sqlite"));
  std::vector<Fact> expected = SampleFacts();
  expected.push_back(SampleHeldOut());
  CATCH_CHECK(ReadAll(*Open(folder.path())) == expected);
}

CATCH_TEST_CASE("a full disk is a known outcome: nothing of the batch is there, and the log goes on") {
  const ScratchFolder folder;
  // A limit on the journal's size stands for a full disk: SQLite reports both as SQLITE_FULL.
  auto limited = OpenEventLog(folder.path(), {.bytes_max = 100'000});
  CATCH_REQUIRE(limited.ok());
  EventLog& log = **limited;
  CATCH_REQUIRE(log.Append(SampleFacts()).ok());
  Fact large = SampleFacts()[20];
  std::get<PlanPaused>(large.body).reason = std::string(200'000, 'x');
  const absl::Status full = log.Append({SampleFacts()[0], large, SampleFacts()[1]});
  CATCH_CHECK(full.code() == absl::StatusCode::kResourceExhausted);
  CATCH_CHECK_THAT(Message(full), ContainsSubstring("journal.sqlite is full"));
  CATCH_CHECK(log.size() == kSamples);
  CATCH_CHECK(std::ssize(ReadAll(log)) == kSamples);
  CATCH_REQUIRE(log.Append({SampleFacts()[1]}).ok());
  limited->reset();
  // Space is back: the same batch goes in.
  auto healed = Open(folder.path());
  CATCH_REQUIRE(healed->Append({SampleFacts()[0], large, SampleFacts()[1]}).ok());
  CATCH_CHECK(std::ssize(ReadAll(*healed)) == kSamples + 4);
}

CATCH_TEST_CASE("a backup is a journal of its own, equal to this one") {
  const ScratchFolder folder;
  const ScratchFolder copy;
  auto log = Open(folder.path());
  CATCH_REQUIRE(log->Append(SampleFacts()).ok());
  const std::string path = copy.path() + "/journal.sqlite";
  CATCH_REQUIRE(log->Backup(path).ok());
  CATCH_CHECK(log->Backup(path).code() == absl::StatusCode::kAlreadyExists);
  CATCH_CHECK(ReadAll(*Open(copy.path())) == SampleFacts());
  CATCH_CHECK_FALSE(log->Backup(copy.path() + "/none/journal.sqlite").ok());
  // Still held.
  CATCH_CHECK_FALSE(OpenEventLog(folder.path()).ok());
}

}  // namespace
}  // namespace interceptor::coordinator
