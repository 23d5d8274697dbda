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

// AttributeProto: name 1, ints 8, type 20 (7 is integers).
std::string Integers(const std::string& name, const std::vector<uint64_t>& values) {
  std::string attribute = Bytes(1, name);
  for (const uint64_t value : values) attribute += Number(8, value);
  return Bytes(5, attribute + Number(20, 7));
}

// NodeProto: input 1, output 2, op_type 4, attribute 5.
std::string Node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                 const std::string& attributes) {
  std::string node;
  for (const std::string& input : inputs) node += Bytes(1, input);
  return node + Bytes(2, output) + Bytes(4, type) + attributes;
}

// ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }.
std::string Value(const std::string& name, const std::vector<uint64_t>& shape) {
  std::string dimensions;
  for (const uint64_t side : shape) dimensions += Bytes(1, Number(1, side));
  return Bytes(1, name) + Bytes(2, Bytes(1, Number(1, 1) + Bytes(2, dimensions)));
}

// Collects a graph: GraphProto's node 1, name 2, initializer 5, input 11, output 12.
class Graph {
 public:
  // A linear function of each cell of `stride` pixels: `bgr` weighs the means of its colours, 0 to 1; the
  // same for every channel, to which its bias is added.
  void Cells(const std::string& name, uint64_t stride, const std::vector<float>& bgr,
             const std::vector<float>& biases) {
    const uint64_t pixels = stride * stride;
    std::vector<float> weights;
    for (size_t channel = 0; channel < biases.size(); ++channel) {
      for (const float weight : bgr) weights.insert(weights.end(), pixels, weight / (255.0f * pixels));
    }
    parts_ += Bytes(5, Tensor(name + "_w", {biases.size(), 3, stride, stride}, weights));
    parts_ += Bytes(5, Tensor(name + "_b", {biases.size()}, biases));
    const std::string sides =
        Integers("kernel_shape", {stride, stride}) + Integers("strides", {stride, stride});
    const std::string map = biases.size() == 1 ? name : name + "_map";
    parts_ += Bytes(1, Node("Conv", {"input", name + "_w", name + "_b"}, map, sides));
    // The values of a cell stand side by side.
    if (map != name) parts_ += Bytes(1, Node("Transpose", {map}, name, Integers("perm", {0, 2, 3, 1})));
    const uint64_t cells = kSide / stride;
    if (map == name) parts_ += Bytes(12, Value(name, {1, 1, cells, cells}));
    if (map != name) parts_ += Bytes(12, Value(name, {1, cells, cells, biases.size()}));
  }

  // ModelProto: ir_version 1, graph 7, opset_import 8 { version 2 }.
  std::string Model() const {
    const std::string graph = parts_ + Bytes(2, "faces") + Bytes(11, Value("input", {1, 3, kSide, kSide}));
    return Number(1, 7) + Bytes(7, graph) + Bytes(8, Number(2, 11));
  }

 private:
  static constexpr uint64_t kSide = 128;
  std::string parts_;
};

}  // namespace

std::string YuNetModel(bool everywhere) {
  Graph graph;
  const float log_two = std::log(2.0f);
  for (const uint64_t stride : {8, 16, 32}) {
    const std::string suffix = "_" + std::to_string(stride);
    const std::vector<float> red = stride == 32 ? std::vector<float>{-1, -1, 1} : std::vector<float>{0, 0, 0};
    graph.Cells("cls" + suffix, stride, red, {everywhere ? 2.0f : 0.0f});
    graph.Cells("obj" + suffix, stride, {0, 0, 0}, {1});
    // The middle of the cell, and twice its side.
    graph.Cells("bbox" + suffix, stride, {0, 0, 0}, {0.5f, 0.5f, log_two, log_two});
  }
  return graph.Model();
}

}  // namespace interceptor
