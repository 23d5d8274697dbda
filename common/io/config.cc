#include "common/io/config.h"

#include <limits>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace interceptor {
namespace {

using Json = nlohmann::json;

constexpr size_t kDepthMax = 32;

// Builds the document while it is parsed, so that a repeated key or deep nesting ends the parse at once.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }

  bool start_object(size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) return Fail(Cat("the key \"", name, "\" appears twice"));
    key_ = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const Json::exception& error) override {
    // nlohmann's text starts with its own error number in brackets.
    const std::string_view text = error.what();
    const size_t bracket = text.find("] ");
    return Fail(Cat("not JSON at byte ", position, ": ",
                    bracket == std::string_view::npos ? text : text.substr(bracket + 2)));
  }

  const std::string& fault() const { return fault_; }
  Json Take() { return std::move(root_); }

 private:
  bool Fail(std::string fault) {
    fault_ = std::move(fault);
    return false;
  }

  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool Add(Json value) {
    Place(std::move(value));
    return true;
  }

  bool Open(Json value) {
    if (open_.size() >= kDepthMax) return Fail(Cat("nested deeper than ", kDepthMax, " levels"));
    open_.push_back(Place(std::move(value)));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  // A parent's address is stable while it is open: only its own last element grows.
  std::vector<Json*> open_;
  std::string key_;
  std::string fault_;
};

}  // namespace

absl::StatusOr<Json> ParseJsonObject(std::string_view text, int64_t limit_bytes) {
  if (text.size() > static_cast<size_t>(limit_bytes)) {
    return InvalidArgument("the JSON text has ", text.size(), " bytes; the limit is ", limit_bytes);
  }
  StrictBuilder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return InvalidArgument(builder.fault());
  Json document = builder.Take();
  if (!document.is_object()) {
    return InvalidArgument("not a JSON object at byte 0, but a value of type ", document.type_name());
  }
  return document;
}

JsonReader::JsonReader(const Json& object, std::string what) : object_(object), what_(std::move(what)) {
  if (!object_.is_object()) Fail(Cat("is not a JSON object, but a value of type ", object_.type_name()));
}

void JsonReader::Fail(std::string_view fault) {
  if (status_.ok()) status_ = InvalidArgument(what_, " ", fault);
}

const Json* JsonReader::Find(std::string_view key, std::string_view type, bool (Json::*is)() const noexcept) {
  asked_.emplace(key);
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(std::string(key));
  if (found == object_.end()) {
    Fail(Cat("lacks the key \"", key, "\""));
    return nullptr;
  }
  if (!((*found).*is)()) {
    Fail(Cat("has the key \"", key, "\" with a ", found->type_name(), ", where ", type, " belongs"));
    return nullptr;
  }
  return &*found;
}

std::string JsonReader::String(std::string_view key) {
  const Json* value = Find(key, "a string", &Json::is_string);
  return value == nullptr ? std::string() : value->get_ref<const std::string&>();
}

int64_t JsonReader::Integer(std::string_view key) {
  const Json* value = Find(key, "an integer", &Json::is_number_integer);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned() &&
      value->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    Fail(Cat("has the key \"", key, "\" with a number past 64 bits"));
    return 0;
  }
  return value->get<int64_t>();
}

uint64_t JsonReader::Unsigned(std::string_view key) {
  const Json* value = Find(key, "an integer that is not negative", &Json::is_number_unsigned);
  return value == nullptr ? 0 : value->get<uint64_t>();
}

double JsonReader::Number(std::string_view key) {
  const Json* value = Find(key, "a number", &Json::is_number);
  return value == nullptr ? 0.0 : value->get<double>();
}

bool JsonReader::Boolean(std::string_view key) {
  const Json* value = Find(key, "true or false", &Json::is_boolean);
  return value != nullptr && value->get<bool>();
}

const Json& JsonReader::Array(std::string_view key) {
  static const Json* const empty = new Json(Json::array());
  const Json* value = Find(key, "an array", &Json::is_array);
  return value == nullptr ? *empty : *value;
}

const Json& JsonReader::Object(std::string_view key) {
  static const Json* const empty = new Json(Json::object());
  const Json* value = Find(key, "an object", &Json::is_object);
  return value == nullptr ? *empty : *value;
}

bool JsonReader::Has(std::string_view key) {
  asked_.emplace(key);
  return object_.is_object() && object_.contains(std::string(key));
}

absl::Status JsonReader::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& [key, value] : object_.items()) {
    if (!asked_.contains(key)) Fail(Cat("has the unknown key \"", key, "\""));
  }
  return status_;
}

}  // namespace interceptor
