// One list of a struct's fields, to write it as a JSON object and to read it back strictly:
//   void Fields(auto& visit, Cursor& cursor) {
//     visit("chunk", cursor.chunk);
//     visit("epoch", cursor.epoch);
//   }
// where `visit` is a FieldWriter, which changes nothing, or a FieldReader. Values are strings, numbers,
// booleans, and lists and maps of them; enumerators and structs go through the named members.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/io/config.h"
#include "common/io/file_system.h"

namespace interceptor {

class FieldWriter {
 public:
  template <typename Value>
  void operator()(const char* key, const Value& value) {
    object[key] = value;
  }
  template <typename Value>
  void Optional(const char* key, const Value& value) {
    object[key] = value;
  }
  // An object that may be absent.
  template <typename Value, typename Fields>
  void Optional(const char* key, std::optional<Value>& value, const Fields& fields) {
    if (value.has_value()) Object(key, [&](FieldWriter& nested) { fields(nested, *value); });
  }
  // An enumerator by its name.
  template <typename Enum, typename Parse>
  void Name(const char* key, const Enum& value, const Parse&) {
    object[key] = std::string(ToString(value));
  }
  template <typename Enum, typename Parse>
  void Names(const char* key, const std::vector<Enum>& values, const Parse&) {
    object[key] = nlohmann::json::array();
    for (const Enum value : values) object[key].push_back(std::string(ToString(value)));
  }
  // A nested object, whose fields `fields` names.
  template <typename Fields>
  void Object(const char* key, const Fields& fields) {
    FieldWriter nested;
    fields(nested);
    object[key] = std::move(nested.object);
  }
  // A list of objects: `fields` names those of one item.
  template <typename Items, typename Fields>
  void List(const char* key, Items& items, const Fields& fields) {
    object[key] = nlohmann::json::array();
    for (auto& item : items) {
      FieldWriter nested;
      fields(nested, item);
      object[key].push_back(std::move(nested.object));
    }
  }

  // One that may be absent, and is when empty.
  template <typename Items, typename Fields>
  void OptionalList(const char* key, Items& items, const Fields& fields) {
    if (!items.empty()) List(key, items, fields);
  }

  nlohmann::json object = nlohmann::json::object();
};

class FieldReader {
 public:
  // `object` must outlive the reader; `what` names it in messages.
  FieldReader(const nlohmann::json& object, const std::string& what) : reader_(object, what) {}

  void operator()(const char* key, std::string& value) { value = reader_.String(key); }
  void operator()(const char* key, double& value) { value = reader_.Number(key); }
  void operator()(const char* key, bool& value) { value = reader_.Boolean(key); }
  void operator()(const char* key, uint64_t& value) { value = reader_.Unsigned(key); }
  template <typename Item>
  void operator()(const char* key, std::vector<Item>& items) {
    Take(key, reader_.Array(key), items);
  }
  template <typename Item>
  void operator()(const char* key, std::map<std::string, Item>& items) {
    Take(key, reader_.Object(key), items);
  }
  template <typename Integer>
  void operator()(const char* key, Integer& value) {
    const int64_t wide = reader_.Integer(key);
    if (!std::in_range<Integer>(wide))
      reader_.Fail(Cat("has the key \"", key, "\" with ", wide, ", out of range"));
    value = static_cast<Integer>(wide);
  }
  // What is missing keeps its default.
  template <typename Value>
  void Optional(const char* key, Value& value) {
    if (reader_.Has(key)) (*this)(key, value);
  }
  template <typename Enum, typename Parse>
  void Name(const char* key, Enum& value, const Parse& parse) {
    Find(key, reader_.String(key), parse, value);
  }
  template <typename Enum, typename Parse>
  void Names(const char* key, std::vector<Enum>& values, const Parse& parse) {
    std::vector<std::string> names;
    (*this)(key, names);
    values.clear();
    for (const std::string& name : names) Find(key, name, parse, values.emplace_back());
  }
  template <typename Fields>
  void Object(const char* key, const Fields& fields) {
    const nlohmann::json& object = reader_.Object(key);
    if (reader_.status().ok()) Nested(key, object, fields);
  }
  template <typename Value, typename Fields>
  void Optional(const char* key, std::optional<Value>& value, const Fields& fields) {
    if (reader_.Has(key)) Object(key, [&](FieldReader& nested) { fields(nested, value.emplace()); });
  }
  template <typename Items, typename Fields>
  void List(const char* key, Items& items, const Fields& fields) {
    for (const nlohmann::json& each : reader_.Array(key)) {
      Nested(key, each, [&](FieldReader& nested) { fields(nested, items.emplace_back()); });
    }
  }

  template <typename Items, typename Fields>
  void OptionalList(const char* key, Items& items, const Fields& fields) {
    if (reader_.Has(key)) List(key, items, fields);
  }

  // For faults that the caller finds in what was read.
  JsonReader& reader() { return reader_; }
  // The first fault; keys that nobody asked for are none.
  const absl::Status& status() const { return reader_.status(); }
  // The first fault, or a key here or in a nested object that nobody asked for.
  absl::Status Finish() {
    ICPT_RETURN_IF_ERROR(reader_.Finish());
    return unknown_;
  }

 private:
  template <typename Fields>
  void Nested(const char* key, const nlohmann::json& object, const Fields& fields) {
    FieldReader nested(object, key);
    fields(nested);
    if (!nested.status().ok()) reader_.Fail(Cat("has a fault: ", Message(nested.status())));
    if (unknown_.ok()) unknown_ = nested.Finish();
  }

  template <typename Enum, typename Parse>
  void Find(const char* key, const std::string& name, const Parse& parse, Enum& value) {
    const std::optional<Enum> known = parse(name);
    if (!known.has_value()) reader_.Fail(Cat("has the unknown ", key, " \"", name, "\""));
    value = known.value_or(value);
  }

  template <typename Item>
  void Take(const char* key, const nlohmann::json& given, std::vector<Item>& items) {
    if (!Is(key, given.is_array())) return;
    for (const nlohmann::json& each : given) Take(key, each, items.emplace_back());
  }
  template <typename Item>
  void Take(const char* key, const nlohmann::json& given, std::map<std::string, Item>& items) {
    if (!Is(key, given.is_object())) return;
    for (const auto& [name, each] : given.items()) Take(key, each, items[name]);
  }
  void Take(const char* key, const nlohmann::json& given, std::string& text) {
    if (Is(key, given.is_string())) text = given.get<std::string>();
  }
  void Take(const char* key, const nlohmann::json& given, double& number) {
    if (Is(key, given.is_number())) number = given.get<double>();
  }
  void Take(const char* key, const nlohmann::json& given, int64_t& number) {
    const bool fits = !given.is_number_unsigned() || given.get<uint64_t>() <= uint64_t{INT64_MAX};
    if (Is(key, given.is_number_integer() && fits)) number = given.get<int64_t>();
  }
  bool Is(const char* key, bool is_of_type) {
    if (!is_of_type) reader_.Fail(Cat("has something of another type in \"", key, "\""));
    return is_of_type;
  }

  JsonReader reader_;
  absl::Status unknown_;  // a nested key that nobody asked for
};

// By what a regular file is known again.
void Fields(auto& visit, FileInfo& file) {
  int64_t modified_ns = absl::ToUnixNanos(file.modified);
  visit("inode", file.inode);
  visit("size_bytes", file.size_bytes);
  visit("modified_ns", modified_ns);
  file.modified = absl::FromUnixNanos(modified_ns);
}

}  // namespace interceptor
