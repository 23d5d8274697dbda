#include "worker/prepare/text.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("what a terminal would obey is shown as a question mark, other text as it is") {
  CATCH_CHECK(Printable("clip 1.mp4: d\xc3\xa9j\xc3\xa0 vu") == "clip 1.mp4: d\xc3\xa9j\xc3\xa0 vu");
  CATCH_CHECK(Printable("a\x1b[31mb\n\x7f") == "a?[31mb??");
  CATCH_CHECK(Printable("\xc2\x9b"
                        "31m") == "?31m");
  CATCH_CHECK(Printable("x\xe2\x80\xae"
                        "4pm.") == "x?4pm.");
  CATCH_CHECK(Printable("\xff\xc3") == "??");
  CATCH_CHECK(Printable(std::string("a\0b", 3)) == "a?b");
  CATCH_CHECK(Printable(std::string(5000, 'x'), 100) == std::string(100, 'x') + "...");
}

CATCH_TEST_CASE("sizes are told in powers of ten, chunks by their names") {
  CATCH_CHECK(ShownBytes(9'800'000'000) == "9.8 GB");
  CATCH_CHECK(ShownBytes(3'100'000) == "3.1 MB");
  CATCH_CHECK(ChunkOf("data/00.zip") == "00");
}

}  // namespace
}  // namespace interceptor::worker
