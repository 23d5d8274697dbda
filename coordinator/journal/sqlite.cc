#include "coordinator/journal/sqlite.h"

#include <sqlite3.h>

#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor::coordinator {

void CloseDatabase::operator()(sqlite3* database) const { sqlite3_close(database); }

absl::Status DatabaseError(sqlite3* database, int code, std::string_view what) {
  const std::string text =
      Cat(what, ": ", database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database), " (SQLite ",
          code, ")");
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text);
    default:
      return absl::InternalError(text);
  }
}

absl::StatusOr<Database> OpenDatabase(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return DatabaseError(raw, code, Cat("opening ", path));
  return database;
}

absl::Status Run(sqlite3* database, const std::string& sql) {
  const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : DatabaseError(database, code, sql);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

absl::StatusOr<Statement> Statement::Prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr);
  if (code != SQLITE_OK) return DatabaseError(database, code, sql);
  return Statement(database, raw);
}

void Statement::BindInteger(int parameter, int64_t value) {
  ICPT_CHECK(sqlite3_bind_int64(statement_.get(), parameter + 1, value) == SQLITE_OK)
      << "parameter " << parameter;
}

void Statement::BindBytes(int parameter, std::string_view bytes) {
  ICPT_CHECK(sqlite3_bind_blob64(statement_.get(), parameter + 1, bytes.data(), bytes.size(),
                                 SQLITE_STATIC) == SQLITE_OK)
      << "parameter " << parameter;
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return DatabaseError(database_, code, sqlite3_sql(statement_.get()));
}

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

}  // namespace interceptor::coordinator
