#include "tests/simulation/blob.h"

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

constexpr int64_t kModelBytes = 1'000'000;

}  // namespace

BodyPtr MakeModelFile(const Model& model, std::string_view kind) {
  std::string text =
      Cat(kind, "|", model.specialist, "|", model.cursor.chunk, "|", model.cursor.epoch, "|",
          model.cursor.position, "|", model.step, "|", model.training_seconds, "|", model.weights);
  for (const std::string& manifest : model.manifests) text += "|" + manifest;
  for (const std::string& ancestor : model.lineage) text += "|" + ancestor;
  return std::make_shared<const Body>(Body{{DigestOf(text).hex, kModelBytes}, model});
}

BodyPtr MakeTextFile(std::string_view text) { return std::make_shared<const Body>(Body{DigestOf(text), {}}); }

}  // namespace interceptor::simulation
