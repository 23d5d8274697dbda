// Every parameter of every specialist with its front end: name, group, learning rate, weight decay.
#include "worker/engine/parameter_groups.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

struct Listed {
  std::string name;
  int group = 0;
  double rate = 0;
  double decay = 0;
};

std::vector<Listed> ListParameters(const Architecture& net, const Recipe& recipe, bool from_given_weights) {
  std::vector<Listed> list;
  for (const TensorPlace& place : net.parameters) {
    list.push_back({place.name, place.group,
                    recipe.learning_rate * RateScale(recipe, from_given_weights, place.group),
                    place.decays ? recipe.weight_decay : 0});
  }
  return list;
}

// Those of the classifier's group, as text.
std::vector<std::string> NewOnes(const std::vector<Listed>& list) {
  std::vector<std::string> lines;
  for (const Listed& it : list) {
    if (it.group == kClassifierGroup) lines.push_back(Cat(it.name, " ", it.rate, " ", it.decay));
  }
  return lines;
}

Architecture NetOf(SpecialistName specialist) {
  return MakeArchitecture({.initial_weights = {}, .front_end = "specialist"}, specialist);
}

// At the recipe's 3e-4 and 0.01; those of the map only where there is one.
const std::vector<std::string> kNew = {"classifier.1.weight 0.0003 0.01",
                                       "evidence.map.weight 0.0003 0.01",
                                       "evidence.join.weight 0.0003 0.01",
                                       "evidence.figures.weight 0.0003 0.01",
                                       "evidence.vector.weight 0.0003 0.01",
                                       "evidence.classifier.weight 0.0003 0.01",
                                       "evidence.auxiliary.weight 0.0003 0.01",
                                       "evidence.self_made.weight 0.0003 0.01",
                                       "classifier.1.bias 0.0003 0",
                                       "evidence.map_norm.weight 0.0003 0",
                                       "evidence.map_norm.bias 0.0003 0",
                                       "evidence.figures.bias 0.0003 0",
                                       "evidence.vector.bias 0.0003 0",
                                       "evidence.auxiliary.bias 0.0003 0",
                                       "evidence.self_made.bias 0.0003 0",
                                       "evidence.self_made_join.weight 0.0003 0"};

CATCH_TEST_CASE("the parts of a front end stand in no slow group, and decay where they are matrices") {
  for (const SpecialistName specialist : kAllSpecialists) {
    CATCH_INFO(ToString(specialist));
    std::vector<std::string> expected = kNew;
    if (TraitsOf(specialist).evidence.map_channels == 0) {
      std::erase_if(expected, [](const std::string& line) {
        return line.starts_with("evidence.map") || line.starts_with("evidence.join");
      });
    }
    for (const bool given : {true, false})
      CATCH_CHECK(NewOnes(ListParameters(NetOf(specialist), {}, given)) == expected);
  }
}

CATCH_TEST_CASE("the backbone is in a group for each stage, slow from given weights alone") {
  for (const SpecialistName specialist : kAllSpecialists) {
    const Architecture net = NetOf(specialist);
    for (const bool given : {true, false}) {
      for (const Listed& it : ListParameters(net, {}, given)) {
        if (it.group == kClassifierGroup) continue;
        CATCH_INFO(ToString(specialist) << ' ' << it.name);
        CATCH_CHECK(it.name.starts_with(Cat("features.", it.group, ".")));
        CATCH_CHECK(it.rate == Approx(given ? 3e-5 : 3e-4));
        CATCH_CHECK((it.decay > 0) == (net.Parameter(it.name).shape.size() > 1));
      }
    }
  }
}

CATCH_TEST_CASE("the optimizer's ranges treat each parameter as it is listed") {
  for (const SpecialistName specialist : kAllSpecialists) {
    const Architecture net = NetOf(specialist);
    for (const TensorPlace& place : net.parameters) {
      CATCH_INFO(ToString(specialist) << ' ' << place.name);
      const auto holds = [&](const ParameterRange& range) {
        return range.offset <= place.offset && place.offset + place.count <= range.offset + range.count;
      };
      CATCH_REQUIRE(std::ranges::count_if(net.ranges, holds) == 1);
      const ParameterRange& range = *std::ranges::find_if(net.ranges, holds);
      CATCH_CHECK((range.group == place.group && range.decays == place.decays));
    }
  }
}

}  // namespace
}  // namespace interceptor::worker
