// Small JSON documents with known keys: run files, cached facts, messages between agent and children.
// Unknown keys, missing keys and wrong types are errors that name the key.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace interceptor {

// INVALID_ARGUMENT with the byte position when `text` is not JSON or not an object; refuses a key that an
// object repeats, nesting deeper than 32 and texts over `limit_bytes`.
absl::StatusOr<nlohmann::json> ParseJsonObject(std::string_view text,
                                               int64_t limit_bytes = int64_t{64} << 20);

// Typed reads of one object. The first fault is kept in status(); later reads return the fallback, so a
// reader is a list of reads and one check at the end.
class JsonReader {
 public:
  // `what` names the document in messages. `object` must outlive the reader and what Array and Object return.
  JsonReader(const nlohmann::json& object, std::string what);

  std::string String(std::string_view key);
  int64_t Integer(std::string_view key);
  uint64_t Unsigned(std::string_view key);
  double Number(std::string_view key);
  bool Boolean(std::string_view key);
  const nlohmann::json& Array(std::string_view key);
  const nlohmann::json& Object(std::string_view key);
  // Counts as asked for, so an optional key is read as `if (reader.Has(k)) v = reader.String(k)`.
  bool Has(std::string_view key);

  // A fault that the caller found in what it read.
  void Fail(std::string_view fault);

  // The first fault; keys that nobody asked for are none.
  const absl::Status& status() const { return status_; }
  // The first fault, or a key that nobody asked for.
  absl::Status Finish();

 private:
  const nlohmann::json* Find(std::string_view key, std::string_view type,
                             bool (nlohmann::json::*is)() const noexcept);

  const nlohmann::json& object_;
  std::string what_;
  std::set<std::string, std::less<>> asked_;
  absl::Status status_;
};

}  // namespace interceptor
