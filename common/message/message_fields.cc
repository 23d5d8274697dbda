#include "common/message/message_fields.h"

#include "absl/strings/ascii.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/facts/failure.h"
#include "google/protobuf/util/time_util.h"

namespace interceptor {
namespace {

using google::protobuf::util::TimeUtil;

}  // namespace

google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  return TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

void MessageFields::CheckCount(int listed) const {
  ICPT_CHECK(listed == fields_.field_count()) << fields_.full_name() << ": " << listed << " fields listed";
}

std::string MessageFields::NameOf(const Field* field) {
  return Cat(absl::AsciiStrToLower(field->containing_type()->name()), ".", field->name());
}

void MessageWriter::Set(const Field* field, absl::Duration duration) {
  access_.MutableMessage(&message_, field)->CopyFrom(ToProto(duration));
}

void MessageWriter::Set(const Field* field, absl::Time time) {
  if (field->cpp_type() == Field::CPPTYPE_INT64) return Set(field, absl::ToUnixNanos(time));
  access_.MutableMessage(&message_, field)->CopyFrom(ToProto(time));
}

void MessageWriter::Set(const Field* field, const std::vector<std::string>& values) {
  for (const std::string& value : values) access_.AddString(&message_, field, value);
}

void MessageWriter::Set(const Field* field, const std::map<std::string, int64_t>& entries) {
  for (const auto& [key, value] : entries) {
    MessageWriter entry(*access_.AddMessage(&message_, field));
    entry(key, value);
  }
}

void MessageReader::Get(const Field* field, absl::StatusCode& code) {
  code = ParseStatusCode(access_.GetString(message_, field));
}

void MessageReader::Get(const Field* field, absl::Time& time) {
  if (field->cpp_type() == Field::CPPTYPE_INT64) {
    time = absl::FromUnixNanos(access_.GetInt64(message_, field));
    return;
  }
  google::protobuf::Timestamp copy;
  copy.CopyFrom(access_.GetMessage(message_, field));
  time = FromProto(copy);
}

void MessageReader::Get(const Field* field, std::vector<std::string>& values) {
  for (int i = 0; i < access_.FieldSize(message_, field); ++i) {
    values.push_back(access_.GetRepeatedString(message_, field, i));
  }
}

void MessageReader::Get(const Field* field, std::map<std::string, int64_t>& entries) {
  for (int i = 0; i < access_.FieldSize(message_, field); ++i) {
    std::string key;
    int64_t value = 0;
    MessageReader entry(access_.GetRepeatedMessage(message_, field, i));
    entry(key, value);
    entries[key] = value;
  }
}

bool MessageReader::IsNamed(const Field* field, int number) {
  return number != 0 && field->enum_type()->FindValueByNumber(number) != nullptr;
}

void MessageReader::Fail(const Field* field, std::string_view value, std::string_view allowed) {
  if (status_.ok()) status_ = InvalidArgument(NameOf(field), " is '", value, "', allowed: ", allowed);
}

}  // namespace interceptor
