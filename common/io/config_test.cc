#include "common/io/config.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

std::string FaultOf(std::string_view text) {
  const auto parsed = ParseJsonObject(text);
  CATCH_REQUIRE_FALSE(parsed.ok());
  CATCH_CHECK(absl::IsInvalidArgument(parsed.status()));
  return Message(parsed.status());
}

bool Says(const std::string& message, std::string_view part) {
  return message.find(part) != std::string::npos;
}

CATCH_TEST_CASE("an object with every kind of value is parsed as it stands") {
  const std::string_view text =
      R"({"a":[1,-2,3.5,true,null,"\u00e9",[],{}],"b":{"c":{"d":[[1],[2]]},"e":""}})";
  const auto parsed = ParseJsonObject(text);
  CATCH_REQUIRE(parsed.ok());
  CATCH_CHECK(*parsed == nlohmann::json::parse(text));
}

CATCH_TEST_CASE("text that is not JSON is refused with the place of the fault") {
  CATCH_CHECK(Says(FaultOf(R"({"a": 1,, "b": 2})"), "byte 9"));
  CATCH_CHECK(Says(FaultOf(R"({"a": 1)"), "byte 8"));
  CATCH_CHECK(Says(FaultOf(""), "byte 1"));
  CATCH_CHECK(Says(FaultOf(R"({"a": 1} {"b": 2})"), "byte 10"));
  CATCH_CHECK(Says(FaultOf("{\"a\": \"\xff\"}"), "byte"));
  CATCH_CHECK(Says(FaultOf(R"({"a": 1e999})"), "byte"));
  CATCH_CHECK(Says(FaultOf(R"([1, 2])"), "not a JSON object"));
  CATCH_CHECK(Says(FaultOf("7"), "not a JSON object"));
}

CATCH_TEST_CASE("a repeated key is refused at any depth, but siblings may share keys") {
  CATCH_CHECK(Says(FaultOf(R"({"a": 1, "a": 1})"), "\"a\" appears twice"));
  CATCH_CHECK(Says(FaultOf(R"({"x": [{"b": {}, "b": 2}]})"), "\"b\" appears twice"));
  CATCH_CHECK(ParseJsonObject(R"({"x": [{"b": 1}, {"b": 2}], "b": {"b": 1}})").ok());
}

CATCH_TEST_CASE("nesting and size are bounded") {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CATCH_CHECK(ParseJsonObject(nested(32)).ok());
  CATCH_CHECK(Says(FaultOf(nested(33)), "deeper than 32"));
  CATCH_CHECK(ParseJsonObject(R"({"a":1})", 7).ok());
  CATCH_CHECK_FALSE(ParseJsonObject(R"({"a":1})", 6).ok());
}

CATCH_TEST_CASE("a reader hands out typed values") {
  const auto json = ParseJsonObject(
      R"({"name":"x","steps":-3,"loss":2,"rate":0.5,"done":true,"list":[1],"inner":{"k":1},"extra":9})");
  CATCH_REQUIRE(json.ok());
  JsonReader reader(*json, "the run file");
  CATCH_CHECK(reader.String("name") == "x");
  CATCH_CHECK(reader.Integer("steps") == -3);
  CATCH_CHECK(reader.Number("loss") == 2.0);
  CATCH_CHECK(reader.Number("rate") == 0.5);
  CATCH_CHECK(reader.Boolean("done"));
  CATCH_CHECK(reader.Array("list").size() == 1);
  CATCH_CHECK(reader.Object("inner").contains("k"));
  CATCH_CHECK_FALSE(reader.Has("absent"));
  CATCH_CHECK(reader.Has("extra"));
  CATCH_CHECK(reader.Finish().ok());
}

CATCH_TEST_CASE("the first fault is kept and names the document and the key") {
  const auto json = ParseJsonObject(R"({"steps": "many", "big": 18446744073709551615})");
  CATCH_REQUIRE(json.ok());
  JsonReader reader(*json, "the run file");
  CATCH_CHECK(reader.Integer("steps") == 0);
  CATCH_CHECK(reader.String("absent").empty());
  CATCH_CHECK(reader.Array("absent").empty());
  CATCH_CHECK(reader.Object("absent").empty());
  const std::string message = Message(reader.Finish());
  CATCH_CHECK(Says(message, "the run file"));
  CATCH_CHECK(Says(message, "\"steps\""));
  CATCH_CHECK(Says(message, "an integer"));

  JsonReader missing(*json, "the run file");
  missing.Boolean("done");
  CATCH_CHECK(Says(Message(missing.Finish()), "lacks the key \"done\""));

  JsonReader too_big(*json, "the run file");
  too_big.Integer("big");
  CATCH_CHECK(Says(Message(too_big.Finish()), "\"big\""));
}

CATCH_TEST_CASE("an integer is not read from a fraction") {
  const auto json = ParseJsonObject(R"({"steps": 1.5, "whole": 2.0})");
  CATCH_REQUIRE(json.ok());
  for (const char* key : {"steps", "whole"}) {
    JsonReader reader(*json, "it");
    CATCH_CHECK(reader.Integer(key) == 0);
    CATCH_CHECK_FALSE(reader.Finish().ok());
  }
}

CATCH_TEST_CASE("a number written as JSON reads back as the same number over twelve magnitudes") {
  for (double value = 1e-6 / 3; value < 1e6; value *= 10) {
    const auto object = ParseJsonObject(nlohmann::json{{"value", value}}.dump());
    CATCH_REQUIRE(object.ok());
    CATCH_CHECK(JsonReader(*object, "file").Number("value") == value);
  }
}

CATCH_TEST_CASE("a key that nobody asked for is a fault") {
  const auto json = ParseJsonObject(R"({"a": 1, "tyop": 2})");
  CATCH_REQUIRE(json.ok());
  JsonReader reader(*json, "the run file");
  CATCH_CHECK(reader.Integer("a") == 1);
  CATCH_CHECK(Says(Message(reader.Finish()), "\"tyop\""));
}

CATCH_TEST_CASE("a reader over something that is no object faults instead of crashing") {
  const nlohmann::json array = nlohmann::json::array({1});
  JsonReader reader(array, "the run file");
  CATCH_CHECK(reader.String("a").empty());
  CATCH_CHECK_FALSE(reader.Has("a"));
  CATCH_CHECK(absl::IsInvalidArgument(reader.Finish()));
}

}  // namespace
}  // namespace interceptor
