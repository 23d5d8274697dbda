// Open:   1. read the version in the file's header, without SQLite: a newer file is refused untouched
//         2. take the exclusive lock, which lasts until the log is destroyed; SQLite rolls back what a crash
//            left half done
//         3. make the table when the file is new
//         4. read every row once: numbers, chain, records; remember each row's subject
// Append: begin, insert the batch, commit. SQLITE_FULL is rolled back, and is the only failure after which
//         the log may be used.
#include "coordinator/journal/event_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/cord.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "coordinator/journal/event_codec.h"
#include "coordinator/journal/sqlite.h"

namespace interceptor::coordinator {
namespace {

// Raised with every addition to journal.proto or to the table. 2: history_lost,
// checkpoint_restored, run_set_back. 3: validations.
constexpr int64_t kVersion = 4;
// "ICPT": tells a journal from any other SQLite file.
constexpr int64_t kApplicationId = 0x49435054;
constexpr char kNewerVersionUrl[] = "interceptor/newer-version";

// Offsets in the header of a SQLite file (its file format, section 1.3); numbers are big-endian.
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kVersionOffset = 60;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

int64_t BigEndian32(std::string_view bytes) {
  int64_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// 0 for a file that is absent or empty; DATA_LOSS for one that is not SQLite's. Only before SQLite opens the
// file: closing any descriptor of a file drops the locks this process has on it (fcntl(2)).
absl::StatusOr<int64_t> ReadVersion(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return 0;
  std::string bytes(kHeaderSize, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.gcount() == 0) return 0;
  if (file.gcount() < static_cast<std::streamsize>(kHeaderSize) ||
      bytes.compare(0, kMagic.size(), kMagic) != 0) {
    return DataLoss(path, " is not a journal: restore it from a backup");
  }
  return BigEndian32(std::string_view(bytes).substr(kVersionOffset));
}

absl::Status NewerVersion(const std::string& path, int64_t version) {
  absl::Status status = FailedPrecondition(path, " was written by a newer version (journal version ", version,
                                           ", this program reads ", kVersion,
                                           "): install that version again; nothing was changed");
  status.SetPayload(kNewerVersionUrl, absl::Cord("1"));
  return status;
}

uint64_t NextChain(uint64_t chain, int64_t number, std::string_view record) {
  std::string bytes;
  for (const uint64_t value : {chain, static_cast<uint64_t>(number)}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  }
  return DigestPrefix64(bytes += record);
}

// Which subject each row has: an index into a list of distinct ones.
class SubjectIndex {
 public:
  void Add(const std::string& subject) {
    const auto [entry, added] = ids_.emplace(subject, static_cast<uint32_t>(ids_.size()));
    rows_.push_back(entry->second);
  }

  // Numbers of the newest rows below `before` whose subject starts with `prefix`.
  std::vector<int64_t> Newest(const EventQuery& query) const {
    std::vector<bool> wanted(ids_.size(), false);
    for (auto it = ids_.lower_bound(query.subject_prefix);
         it != ids_.end() && it->first.compare(0, query.subject_prefix.size(), query.subject_prefix) == 0;
         ++it) {
      wanted[it->second] = true;
    }
    const int64_t size = static_cast<int64_t>(rows_.size());
    const int64_t last = query.before <= 0 ? size : std::min(size, query.before - 1);
    std::vector<int64_t> numbers;
    for (int64_t number = last; number >= 1 && std::ssize(numbers) < query.limit; --number) {
      if (wanted[rows_[number - 1]]) numbers.push_back(number);
    }
    return numbers;
  }

 private:
  std::map<std::string, uint32_t> ids_;
  std::vector<uint32_t> rows_;
};

class SqliteEventLog final : public EventLog {
 public:
  SqliteEventLog(std::string path, int64_t version, Database database, Statement insert)
      : path_(std::move(path)),
        version_(version),
        database_(std::move(database)),
        insert_(std::move(insert)) {}

  // Reads every row once.
  absl::Status Load();

  absl::Status Append(const std::vector<Fact>& facts) override;
  absl::Status Replay(const std::function<absl::Status(const NumberedFact&)>& visit) const override;
  absl::StatusOr<std::vector<NumberedFact>> Read(const EventQuery& query) const override;
  int64_t size() const override { return size_; }
  absl::Status Backup(const std::string& path) const override;

 private:
  struct Tail {
    int64_t size = 0;
    uint64_t chain = 0;
  };
  absl::Status InsertAll(const std::vector<Fact>& facts, Tail& tail);
  absl::Status VisitRows(const std::function<absl::Status(const NumberedFact&)>& visit, Tail& tail) const;
  absl::Status RollBack(const absl::Status& cause);

  std::string path_;
  int64_t version_;  // that the file is marked with
  Database database_;
  Statement insert_;
  SubjectIndex subjects_;
  int64_t size_ = 0;
  uint64_t chain_ = 0;
};

absl::Status SqliteEventLog::VisitRows(const std::function<absl::Status(const NumberedFact&)>& visit,
                                       Tail& tail) const {
  ICPT_ASSIGN_OR_RETURN(
      Statement rows,
      Statement::Prepare(database_.get(), "SELECT number, chain, record FROM events ORDER BY number"));
  while (true) {
    ICPT_ASSIGN_OR_RETURN(const bool there, rows.Step());
    if (!there) return absl::OkStatus();
    const int64_t number = rows.Integer(0);
    const std::string_view record = rows.Bytes(2);
    const uint64_t chain = NextChain(tail.chain, tail.size + 1, record);
    if (number != tail.size + 1 || chain != static_cast<uint64_t>(rows.Integer(1))) {
      return DataLoss(path_, ": event ", tail.size + 1,
                      " is damaged or missing: restore the journal from a backup");
    }
    absl::StatusOr<Fact> fact = DecodeFact(record);
    if (!fact.ok()) return Annotate(fact.status(), Cat(path_, ": event ", number));
    tail = {number, chain};
    ICPT_RETURN_IF_ERROR(visit({number, *std::move(fact)}));
  }
}

absl::Status SqliteEventLog::Load() {
  Tail tail;
  ICPT_RETURN_IF_ERROR(VisitRows(
      [&](const NumberedFact& row) {
        subjects_.Add(Describe(row.fact.body).subject);
        return absl::OkStatus();
      },
      tail));
  size_ = tail.size;
  chain_ = tail.chain;
  return absl::OkStatus();
}

absl::Status SqliteEventLog::Replay(const std::function<absl::Status(const NumberedFact&)>& visit) const {
  Tail tail;
  return VisitRows(visit, tail);
}

absl::Status SqliteEventLog::InsertAll(const std::vector<Fact>& facts, Tail& tail) {
  ICPT_RETURN_IF_ERROR(Run(database_.get(), "BEGIN IMMEDIATE"));
  if (version_ < kVersion) ICPT_RETURN_IF_ERROR(Run(database_.get(), Cat("PRAGMA user_version=", kVersion)));
  for (const Fact& fact : facts) {
    const std::string record = EncodeFact(fact);
    tail = {tail.size + 1, NextChain(tail.chain, tail.size + 1, record)};
    insert_.BindInteger(0, tail.size);
    insert_.BindInteger(1, static_cast<int64_t>(tail.chain));
    insert_.BindBytes(2, record);
    const absl::StatusOr<bool> stepped = insert_.Step();
    insert_.Reset();
    if (!stepped.ok()) return stepped.status();
  }
  return Run(database_.get(), "COMMIT");
}

// SQLite may have rolled back by itself; either way no transaction may be open afterwards.
absl::Status SqliteEventLog::RollBack(const absl::Status& cause) {
  if (sqlite3_get_autocommit(database_.get()) == 0) {
    const absl::Status rolled_back = Run(database_.get(), "ROLLBACK");
    if (!rolled_back.ok())
      return Internal("rollback after '", Message(cause), "' failed: ", Message(rolled_back));
  }
  return Annotate(cause, Cat("the disk under ", path_, " is full"));
}

absl::Status SqliteEventLog::Append(const std::vector<Fact>& facts) {
  if (facts.empty()) return absl::OkStatus();
  Tail tail{size_, chain_};
  const absl::Status status = InsertAll(facts, tail);
  if (absl::IsResourceExhausted(status)) return RollBack(status);
  ICPT_RETURN_IF_ERROR(status);
  version_ = kVersion;
  size_ = tail.size;
  chain_ = tail.chain;
  for (const Fact& fact : facts) subjects_.Add(Describe(fact.body).subject);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NumberedFact>> SqliteEventLog::Read(const EventQuery& query) const {
  if (query.limit < 1) return InvalidArgument("limit is ", query.limit, ", allowed: 1 or more");
  ICPT_ASSIGN_OR_RETURN(Statement row,
                        Statement::Prepare(database_.get(), "SELECT record FROM events WHERE number = ?"));
  std::vector<NumberedFact> found;
  for (const int64_t number : subjects_.Newest(query)) {
    row.BindInteger(0, number);
    ICPT_ASSIGN_OR_RETURN(const bool there, row.Step());
    if (!there) return DataLoss(path_, ": event ", number, " is missing");
    ICPT_ASSIGN_OR_RETURN(Fact fact, DecodeFact(row.Bytes(0)));
    found.push_back({number, std::move(fact)});
    row.Reset();
  }
  return found;
}

absl::Status SqliteEventLog::Backup(const std::string& path) const {
  if (std::filesystem::exists(path)) return absl::AlreadyExistsError(Cat(path, " exists already"));
  ICPT_ASSIGN_OR_RETURN(const Database copy, OpenDatabase(path));
  sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", database_.get(), "main");
  if (backup == nullptr)
    return DatabaseError(copy.get(), sqlite3_errcode(copy.get()), Cat("copying to ", path));
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) return DatabaseError(copy.get(), stepped, Cat("copying to ", path));
  if (finished != SQLITE_OK) return DatabaseError(copy.get(), finished, Cat("copying to ", path));
  return absl::OkStatus();
}

// Settings that last as long as the connection, and its exclusive lock.
absl::Status Lock(sqlite3* database, const std::string& folder) {
  absl::Status status;
  for (const char* sql :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA synchronous=EXTRA", "PRAGMA cell_size_check=ON",
        "PRAGMA journal_mode=TRUNCATE", "BEGIN EXCLUSIVE", "COMMIT"}) {
    status = Run(database, sql);
    if (absl::IsUnavailable(status)) {
      return FailedPrecondition("another coordinator holds ", folder,
                                ": stop it, or use another --state folder");
    }
    ICPT_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> AskInteger(sqlite3* database, const std::string& sql) {
  ICPT_ASSIGN_OR_RETURN(Statement statement, Statement::Prepare(database, sql));
  ICPT_ASSIGN_OR_RETURN(const bool there, statement.Step());
  return there ? statement.Integer(0) : 0;
}

absl::Status MakeTable(sqlite3* database) {
  return Run(database, Cat("BEGIN IMMEDIATE;"
                           "CREATE TABLE events(number INTEGER PRIMARY KEY, chain INTEGER NOT NULL,"
                           " record BLOB NOT NULL);"
                           "PRAGMA application_id=",
                           kApplicationId, "; PRAGMA user_version=", kVersion, ";COMMIT"));
}

absl::StatusOr<std::unique_ptr<EventLog>> Open(const std::string& folder, const std::string& path,
                                               EventLogOptions options) {
  ICPT_ASSIGN_OR_RETURN(const int64_t written_by, ReadVersion(path));
  if (written_by > kVersion) return NewerVersion(path, written_by);
  ICPT_ASSIGN_OR_RETURN(Database database, OpenDatabase(path));
  ICPT_RETURN_IF_ERROR(Lock(database.get(), folder));
  // Asked again under the lock: a crash may have left the very first transaction half done.
  ICPT_ASSIGN_OR_RETURN(int64_t version, AskInteger(database.get(), "PRAGMA user_version"));
  ICPT_ASSIGN_OR_RETURN(const int64_t application_id, AskInteger(database.get(), "PRAGMA application_id"));
  if (version == 0 && application_id == 0) {
    ICPT_RETURN_IF_ERROR(MakeTable(database.get()));
    version = kVersion;
  } else if (application_id != kApplicationId) {
    return DataLoss(path, " is not a coordinator's journal: restore it from a backup");
  }
  if (options.bytes_max > 0) {
    ICPT_ASSIGN_OR_RETURN(const int64_t page_bytes, AskInteger(database.get(), "PRAGMA page_size"));
    ICPT_RETURN_IF_ERROR(Run(
        database.get(), Cat("PRAGMA max_page_count=", std::max<int64_t>(1, options.bytes_max / page_bytes))));
  }
  ICPT_ASSIGN_OR_RETURN(
      Statement insert,
      Statement::Prepare(database.get(), "INSERT INTO events(number, chain, record) VALUES(?,?,?)"));
  auto log = std::make_unique<SqliteEventLog>(path, version, std::move(database), std::move(insert));
  ICPT_RETURN_IF_ERROR(log->Load());
  return log;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const std::string& folder, EventLogOptions options) {
  const std::string path = Cat(folder, "/journal.sqlite");
  absl::StatusOr<std::unique_ptr<EventLog>> log = Open(folder, path, options);
  // SQLite's own words name no file.
  if (absl::IsDataLoss(log.status()) && Message(log.status()).find(path) == std::string::npos) {
    return DataLoss(path, " is damaged: restore it from a backup (", Message(log.status()), ")");
  }
  return log;
}

bool IsNewerVersion(const absl::Status& status) { return status.GetPayload(kNewerVersionUrl).has_value(); }

}  // namespace interceptor::coordinator
