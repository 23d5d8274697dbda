#include "coordinator/cli/json.h"

#include "common/base/status.h"
#include "google/protobuf/util/json_util.h"

namespace interceptor::coordinator {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, JsonLayout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = layout == JsonLayout::kIndented;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return Internal("cannot print ", message.GetTypeName(), " as JSON: ", status.ToString());
  while (!json.empty() && json.back() == '\n') json.pop_back();
  return json + "\n";
}

absl::StatusOr<std::string> ToJsonObject(
    const std::vector<std::pair<std::string, const google::protobuf::Message*>>& members) {
  std::string object = "{";
  for (const auto& [name, message] : members) {
    ICPT_ASSIGN_OR_RETURN(const std::string json, ToJson(*message, JsonLayout::kIndented));
    object += Cat(object.size() > 1 ? "," : "", "\n \"", name, "\": ");
    for (size_t i = 0; i + 1 < json.size(); ++i) {
      object += json[i];
      if (json[i] == '\n') object += ' ';
    }
  }
  return object + "\n}\n";
}

}  // namespace interceptor::coordinator
