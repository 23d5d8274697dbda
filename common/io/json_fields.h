// One list of a struct's fields, to write it as a JSON object and to read it back strictly:
//   void Fields(auto& visit, Cursor& cursor) {
//     visit("chunk", cursor.chunk);
//     visit("epoch", cursor.epoch);
//   }
// where `visit` is a FieldWriter, which changes nothing, or a FieldReader.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/io/config.h"

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
  // An enumerator by its name.
  template <typename Enum, typename Parse>
  void Name(const char* key, const Enum& value, const Parse&) {
    object[key] = std::string(ToString(value));
  }
  // A nested object, whose fields `fields` names.
  template <typename Fields>
  void Object(const char* key, const Fields& fields) {
    FieldWriter nested;
    fields(nested);
    object[key] = std::move(nested.object);
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
  void operator()(const char* key, std::vector<std::string>& values) {
    for (const nlohmann::json& item : reader_.Array(key)) {
      if (!item.is_string()) reader_.Fail(Cat("has something else than strings in \"", key, "\""));
      values.push_back(item.is_string() ? item.get<std::string>() : "");
    }
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
    const std::string name = reader_.String(key);
    const std::optional<Enum> known = parse(name);
    if (!known.has_value())
      reader_.Fail(Cat("has the key \"", key, "\" with the unknown word \"", name, "\""));
    value = known.value_or(value);
  }
  template <typename Fields>
  void Object(const char* key, const Fields& fields) {
    const nlohmann::json& object = reader_.Object(key);
    if (!reader_.status().ok()) return;
    FieldReader nested(object, key);
    fields(nested);
    if (!nested.reader_.status().ok()) reader_.Fail(Cat("has a fault: ", Message(nested.reader_.status())));
  }

  JsonReader& reader() { return reader_; }

 private:
  JsonReader reader_;
};

}  // namespace interceptor
