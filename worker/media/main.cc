// interceptor-decode: turns clips into views for interceptor-prepare, which starts it and sends it jobs on
// descriptor 3. It knows no network, no file and no chunk.
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/media/decode_loop.h"
#include "worker/media/decode_protocol.h"

int main(int argc, char** argv) {
  using namespace interceptor;
  CLI::App app{
      "Decodes clips for interceptor-prepare, which starts it; it is of no use by hand.\n"
      "Example: interceptor-prepare 00.zip --out store\n"
      "Exit codes: 0 the preparer closed the socket, 1 error, 2 usage."};
  std::string face_model;
  app.add_option("--face-model", face_model, "YuNet (ONNX) or an OpenCV cascade (XML)")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  int kind = 0;
  socklen_t size = sizeof(kind);
  if (getsockopt(worker::kDecoderSocket, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 || kind != SOCK_SEQPACKET) {
    std::cerr
        << "interceptor-decode: descriptor 3 is not the preparer's socket; run interceptor-prepare instead\n";
    return 2;
  }
  const absl::Status status = worker::ServeDecodeJobs(worker::kDecoderSocket, face_model);
  if (status.ok()) return 0;
  std::cerr << "interceptor-decode: " << Message(status) << "\n";
  return 1;
}
