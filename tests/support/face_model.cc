#include "tests/support/face_model.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace interceptor {
namespace {

// Fields of protocol buffers, by hand: onnx.proto's numbers stand beside each.
std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(int field, uint64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(value);
}
std::string Bytes(int field, const std::string& bytes) {
  return Varint(static_cast<uint64_t>(field) << 3 | 2) + Varint(bytes.size()) + bytes;
}

// TensorProto: dims 1, data_type 2 (1 is float), name 8, raw_data 9.
std::string Tensor(const std::string& name, const std::vector<uint64_t>& shape,
                   const std::vector<float>& values) {
  std::string tensor;
  for (const uint64_t side : shape) tensor += Number(1, side);
  const std::string raw(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return tensor + Number(2, 1) + Bytes(8, name) + Bytes(9, raw);
}

// NodeProto: input 1, output 2, op_type 4, attribute 5.
std::string Node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                 const std::string& attribute = "") {
  std::string node;
  for (const std::string& input : inputs) node += Bytes(1, input);
  return node + Bytes(2, output) + Bytes(4, type) + attribute;
}

// ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }.
std::string Value(const std::string& name, const std::vector<uint64_t>& shape) {
  std::string dimensions;
  for (const uint64_t side : shape) dimensions += Bytes(1, Number(1, side));
  return Bytes(1, name) + Bytes(2, Bytes(1, Number(1, 1) + Bytes(2, dimensions)));
}

// Collects a graph whose outputs are constants: GraphProto's node 1, initializer 5, output 12.
class Graph {
 public:
  void Output(const std::string& name, const std::vector<float>& values) {
    const uint64_t count = values.size();
    // AttributeProto: name 1, i 3, type 20 (2 is an integer).
    const std::string transposed = Bytes(5, Bytes(1, "transB") + Number(3, 1) + Number(20, 2));
    parts_ += Bytes(1, Node("Gemm", {"flat", name + "_w", name + "_b"}, name, transposed));
    parts_ += Bytes(5, Tensor(name + "_w", {count, 3}, std::vector<float>(3 * count, 0.0f)));
    parts_ += Bytes(5, Tensor(name + "_b", {count}, values));
    parts_ += Bytes(12, Value(name, {1, count}));
  }

  // ModelProto: ir_version 1, graph 7 { name 2, input 11 }, opset_import 8 { version 2 }.
  std::string Model() const {
    const std::string graph = Bytes(1, Node("GlobalAveragePool", {"input"}, "mean")) +
                              Bytes(1, Node("Flatten", {"mean"}, "flat")) + parts_ + Bytes(2, "faces") +
                              Bytes(11, Value("input", {1, 3, 128, 128}));
    return Number(1, 7) + Bytes(7, graph) + Bytes(8, Number(2, 11));
  }

 private:
  std::string parts_;
};

// 0 everywhere but at `at`, or 1 everywhere.
std::vector<float> Scores(size_t count, size_t at, bool everywhere) {
  std::vector<float> scores(count, everywhere ? 1.0f : 0.0f);
  if (at < count) scores[at] = 1.0f;
  return scores;
}

}  // namespace

std::string YuNetModel(bool everywhere) {
  Graph graph;
  // 2022: boxes of three, two, two and three sizes on grids of 16, 8, 4 and 2; of the third, 32 pixels a
  // step, column 1 and row 2, the smaller one.
  constexpr size_t kPriors = 940;
  constexpr size_t kPrior = 16 * 16 * 3 + 8 * 8 * 2 + (2 * 4 + 1) * 2;
  graph.Output("loc", std::vector<float>(kPriors * 14, 0.0f));
  graph.Output("conf", Scores(kPriors * 2, 2 * kPrior + 1, everywhere));
  graph.Output("iou", Scores(kPriors, kPrior, everywhere));
  // 2023: one box a cell of 8, 16 and 32 pixels; half a cell off its corner, twice as wide.
  for (const size_t step : {8, 16, 32}) {
    const std::string suffix = "_" + std::to_string(step);
    const size_t cells = (128 / step) * (128 / step);
    const size_t cell = step == 32 ? 2 * 4 + 1 : cells;
    graph.Output("cls" + suffix, Scores(cells, cell, everywhere));
    graph.Output("obj" + suffix, Scores(cells, cell, everywhere));
    std::vector<float> boxes;
    for (size_t i = 0; i < cells; ++i)
      boxes.insert(boxes.end(), {0.5f, 0.5f, std::log(2.0f), std::log(2.0f)});
    graph.Output("bbox" + suffix, boxes);
    graph.Output("kps" + suffix, std::vector<float>(cells * 10, 0.0f));
  }
  return graph.Model();
}

}  // namespace interceptor
