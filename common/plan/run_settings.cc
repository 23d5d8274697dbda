#include "common/plan/run_settings.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <set>

#include <nlohmann/json.hpp>

namespace interceptor {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::json;

constexpr int kRunSettingsVersion = 1;

// The only optimizer and the only schedule there are say nothing to a trainer; the vault is the
// coordinator's.
const std::set<std::string>& NotForChildren() {
  static const std::set<std::string> names = {"interceptor.v1.Recipe.optimizer",
                                              "interceptor.v1.Recipe.schedule",
                                              "interceptor.v1.CheckpointPolicy.vault_bytes_max"};
  return names;
}

json ToJson(const Message& message);

json Value(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnum(message, &field)->name();
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(reflection.GetMessage(message, &field));
  }
  return nullptr;
}

json ToJson(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  json object = json::object();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (NotForChildren().count(field.full_name()) > 0) continue;
    if (field.is_repeated()) {
      json& array = object[field.name()] = json::array();
      for (int k = 0; k < reflection.FieldSize(message, &field); ++k) {
        array.push_back(ToJson(reflection.GetRepeatedMessage(message, &field, k)));
      }
    } else if (!field.has_presence() || reflection.HasField(message, &field)) {
      object[field.name()] = Value(message, field);
    }
  }
  return object;
}

}  // namespace

std::string RunSettingsJson(const v1::Plan& plan, std::string_view plan_digest) {
  json chunks = json::array();
  for (const v1::Chunk& chunk : plan.chunks()) chunks.push_back(chunk.name());
  const json settings = {{"version", kRunSettingsVersion},
                         {"plan_digest", std::string(plan_digest)},
                         {"seed", plan.seed()},
                         {"chunks", std::move(chunks)},
                         {"model", ToJson(plan.model())},
                         {"recipe", ToJson(plan.recipe())},
                         {"preparation", ToJson(plan.preparation())},
                         {"evaluation", ToJson(plan.evaluation())},
                         {"checkpoints", ToJson(plan.checkpoints())}};
  return settings.dump(1) + "\n";
}

}  // namespace interceptor
