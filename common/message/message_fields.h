// One list of a value's fields, in the order in which its message declares them, to write the message and to
// read it back:
//   void Fields(auto& visit, Is<Digest> auto& digest) { visit(digest.hex, digest.size_bytes); }
// The list stands in the namespace of the value's type, so that lists of values that hold it find it. Where a
// value has another form inside of one message, a lambda in its place lists that form:
//   visit([&](auto& nested) { nested(c.chunk, c.epoch); }, c.seed)
// An enumerator has the number that the message gives it. A list that does not fit its message aborts.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace interceptor {

// A list serves const values, which are written, and others, which are read.
template <typename T, typename Value>
concept Is = std::same_as<std::remove_const_t<T>, Value>;

// In a list: a field that the value lacks. Left empty, and passed over when read.
struct NoField {};

// In a list: an enumerator that is a number in some messages and its name in others. `allowed` are the names.
template <typename Enum, typename Parse>
struct Word {
  Enum& value;
  Parse parse;
  std::string_view allowed;
};
template <typename Enum, typename Parse>
Word(Enum&, Parse, std::string_view) -> Word<Enum, Parse>;

google::protobuf::Duration ToProto(absl::Duration duration);
google::protobuf::Timestamp ToProto(absl::Time time);
// What is beyond the range of the type becomes its end.
absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& timestamp);

// A message and the field of it that a list has come to.
class MessageFields {
 public:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

 protected:
  explicit MessageFields(const Message& message)
      : fields_(*message.GetDescriptor()), access_(*message.GetReflection()) {}
  void CheckCount(int listed) const;
  const Field* Next() { return fields_.field(next_++); }
  // "checkpoint.reason"
  static std::string NameOf(const Field* field);
  static void Visit(auto& visitor, auto& value) {
    if constexpr (requires { value(visitor); }) {
      value(visitor);
    } else {
      Fields(visitor, value);
    }
  }

  const google::protobuf::Descriptor& fields_;
  const google::protobuf::Reflection& access_;

 private:
  int next_ = 0;
};

// Sets every field of an empty message.
class MessageWriter : public MessageFields {
 public:
  explicit MessageWriter(Message& message) : MessageFields(message), message_(message) {}

  void operator()(const auto&... values) {
    CheckCount(sizeof...(values));
    (Set(Next(), values), ...);
  }

 private:
  void Set(const Field* field, const std::string& value) { access_.SetString(&message_, field, value); }
  void Set(const Field* field, bool value) { access_.SetBool(&message_, field, value); }
  void Set(const Field* field, int32_t value) { access_.SetInt32(&message_, field, value); }
  void Set(const Field* field, int64_t value) { access_.SetInt64(&message_, field, value); }
  void Set(const Field* field, uint64_t value) { access_.SetUInt64(&message_, field, value); }
  void Set(const Field* field, double value) { access_.SetDouble(&message_, field, value); }
  void Set(const Field*, NoField) {}
  void Set(const Field* field, absl::StatusCode code) { Set(field, absl::StatusCodeToString(code)); }
  void Set(const Field* field, absl::Duration duration);
  // A timestamp, or nanoseconds since 1970.
  void Set(const Field* field, absl::Time time);
  void Set(const Field* field, const std::vector<std::string>& values);
  void Set(const Field* field, const std::map<std::string, int64_t>& entries);
  template <typename Enum, typename Parse>
  void Set(const Field* field, const Word<Enum, Parse>& word) {
    if (field->cpp_type() == Field::CPPTYPE_ENUM) {
      Set(field, word.value);
    } else {
      Set(field, std::string(ToString(word.value)));
    }
  }
  template <typename Value>
  void Set(const Field* field, const std::optional<Value>& value) {
    if (value.has_value()) Set(field, *value);
  }
  template <typename Value>
  void Set(const Field* field, const std::shared_ptr<const Value>& value) {
    if (value != nullptr) Set(field, *value);
  }
  template <typename Value>
  void Set(const Field* field, const std::vector<Value>& values) {
    for (const Value& value : values) Write(value, *access_.AddMessage(&message_, field));
  }
  template <typename Value>
  void Set(const Field* field, const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      access_.SetEnumValue(&message_, field, static_cast<int>(value));
    } else {
      Write(value, *access_.MutableMessage(&message_, field));
    }
  }
  static void Write(const auto& value, Message& message) {
    MessageWriter writer(message);
    Visit(writer, value);
  }

  Message& message_;
};

// What a message leaves out becomes the default of its field's type. An enumerator that is none of ours is a
// fault, unless its type has kUnknown for it.
class MessageReader : public MessageFields {
 public:
  explicit MessageReader(const Message& message) : MessageFields(message), message_(message) {}

  void operator()(auto&&... values) {
    CheckCount(sizeof...(values));
    (Get(Next(), values), ...);
  }
  // INVALID_ARGUMENT naming the first field with a fault.
  const absl::Status& status() const { return status_; }

 private:
  void Get(const Field* field, std::string& value) { value = access_.GetString(message_, field); }
  void Get(const Field* field, bool& value) { value = access_.GetBool(message_, field); }
  void Get(const Field* field, int32_t& value) { value = access_.GetInt32(message_, field); }
  void Get(const Field* field, int64_t& value) { value = access_.GetInt64(message_, field); }
  void Get(const Field* field, uint64_t& value) { value = access_.GetUInt64(message_, field); }
  void Get(const Field* field, double& value) { value = access_.GetDouble(message_, field); }
  void Get(const Field*, NoField) {}
  void Get(const Field* field, absl::StatusCode& code);
  void Get(const Field* field, absl::Time& time);
  void Get(const Field* field, std::vector<std::string>& values);
  void Get(const Field* field, std::map<std::string, int64_t>& entries);
  template <typename Enum, typename Parse>
  void Get(const Field* field, Word<Enum, Parse>& word) {
    if (field->cpp_type() == Field::CPPTYPE_ENUM) return Get(field, word.value);
    const std::string text = access_.GetString(message_, field);
    const std::optional<Enum> known = word.parse(text);
    if (!known.has_value()) return Fail(field, text, word.allowed);
    word.value = *known;
  }
  template <typename Value>
  void Get(const Field* field, std::vector<Value>& values) {
    for (int i = 0; i < access_.FieldSize(message_, field); ++i) {
      Read(access_.GetRepeatedMessage(message_, field, i), values.emplace_back());
    }
  }
  template <typename Value>
  void Get(const Field* field, std::optional<Value>& value) {
    if (access_.HasField(message_, field)) Get(field, value.emplace());
  }
  template <typename Value>
  void Get(const Field* field, Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      const int number = access_.GetEnumValue(message_, field);
      if (IsNamed(field, number)) {
        value = static_cast<Value>(number);
      } else if constexpr (requires { Value::kUnknown; }) {
        value = Value::kUnknown;
      } else {
        Fail(field, std::to_string(number), "one of " + field->enum_type()->name());
      }
    } else {
      Read(access_.GetMessage(message_, field), value);
    }
  }
  void Read(const Message& message, auto& value) {
    MessageReader reader(message);
    Visit(reader, value);
    if (status_.ok()) status_ = reader.status_;
  }
  // Whether the enum's type has a name for it other than that of its absence.
  static bool IsNamed(const Field* field, int number);
  void Fail(const Field* field, std::string_view value, std::string_view allowed);

  const Message& message_;
  absl::Status status_;
};

void Write(const auto& value, google::protobuf::Message& message) {
  MessageWriter writer(message);
  Fields(writer, value);
}

absl::Status Read(const google::protobuf::Message& message, auto& value) {
  MessageReader reader(message);
  Fields(reader, value);
  return reader.status();
}

template <typename Message>
Message MessageOf(const auto& value) {
  Message message;
  Write(value, message);
  return message;
}

}  // namespace interceptor
