// The little of SQLite that the journal needs, with Status and owned handles. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace interceptor::coordinator {

struct CloseDatabase {
  void operator()(sqlite3* database) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// Opens or creates a file for reading and writing.
absl::StatusOr<Database> OpenDatabase(const std::string& path);

// A result code as a status: FULL is RESOURCE_EXHAUSTED, BUSY and LOCKED are UNAVAILABLE, CORRUPT and NOTADB
// are DATA_LOSS, others INTERNAL. `what` says what was tried.
absl::Status DatabaseError(sqlite3* database, int code, std::string_view what);

// Runs one or more statements without results.
absl::Status Run(sqlite3* database, const std::string& sql);

// One prepared statement. Columns and parameters count from 0.
class Statement {
 public:
  static absl::StatusOr<Statement> Prepare(sqlite3* database, const std::string& sql);

  void BindInteger(int parameter, int64_t value);
  // `bytes` must live until the next Reset.
  void BindBytes(int parameter, std::string_view bytes);
  // True when there is a row.
  absl::StatusOr<bool> Step();
  int64_t Integer(int column) const;
  // Valid until the next Step or Reset.
  std::string_view Bytes(int column) const;
  void Reset();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace interceptor::coordinator
