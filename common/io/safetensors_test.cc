#include "common/io/safetensors.h"

#include <cstring>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_folder.h"

namespace interceptor {
namespace {

// A file with the given header text, without padding.
std::string RawFile(std::string_view header, std::string_view data) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);  // the machines we run on are little-endian, as the format is
  return Cat(bytes, header, data);
}

absl::Status OpenRaw(const std::string& bytes) {
  const ScratchFolder scratch;
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), scratch.File("t.safetensors"), bytes).ok());
  return SafetensorsFile::Open(SystemFiles(), scratch.File("t.safetensors")).status();
}

void CheckDamaged(std::string_view header, int64_t data_bytes, std::string_view fault) {
  const auto parsed = ParseSafetensorsHeader(header, data_bytes);
  CATCH_INFO(header);
  CATCH_REQUIRE_FALSE(parsed.ok());
  CATCH_CHECK(absl::IsDataLoss(parsed.status()));
  CATCH_INFO(Message(parsed.status()));
  CATCH_CHECK(Message(parsed.status()).find(fault) != std::string::npos);
}

CATCH_TEST_CASE("tensors and metadata come back as they were written") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("t.safetensors");
  const std::string weights(24, '\x11');
  const std::string bias(6, '\x22');
  const std::vector<TensorBytes> tensors = {
      {.name = "z.weight", .dtype = DType::kF32, .shape = {2, 3}, .bytes = weights},
      {.name = "a.bias", .dtype = DType::kBF16, .shape = {3}, .bytes = bias},
      {.name = "empty", .dtype = DType::kU8, .shape = {4, 0}, .bytes = ""},
      {.name = "scalar \"q\" \xc3\xa9", .dtype = DType::kI64, .shape = {}, .bytes = "12345678"}};
  const std::map<std::string, std::string> metadata = {{"step", "7"}, {"text", "line\n\"quoted\""}};
  CATCH_REQUIRE(WriteSafetensors(SystemFiles(), path, metadata, tensors).ok());

  const auto file = SafetensorsFile::Open(SystemFiles(), path);
  CATCH_REQUIRE(file.ok());
  CATCH_CHECK((*file)->header().metadata == metadata);
  CATCH_REQUIRE((*file)->header().tensors.size() == tensors.size());
  for (const TensorBytes& tensor : tensors) {
    const auto bytes = (*file)->Bytes(tensor.name);
    CATCH_REQUIRE(bytes.ok());
    CATCH_CHECK(*bytes == tensor.bytes);
  }
  CATCH_CHECK((*file)->header().tensors.front().name == "z.weight");
  CATCH_CHECK((*file)->header().tensors.front().shape == std::vector<int64_t>{2, 3});
  const auto absent = (*file)->Bytes("b.bias");
  CATCH_CHECK(absl::IsNotFound(absent.status()));
  CATCH_CHECK(Message(absent.status()).find("b.bias") != std::string::npos);
}

CATCH_TEST_CASE("the data section begins on a 64-byte boundary for headers of any length") {
  const ScratchFolder scratch;
  for (int length = 0; length < 70; ++length) {
    const std::string path = scratch.File("t.safetensors");
    CATCH_REQUIRE(WriteSafetensors(SystemFiles(), path, {{"pad", std::string(length, 'p')}},
                                   {{.name = "t", .dtype = DType::kU8, .shape = {1}, .bytes = "x"}})
                      .ok());
    const std::string bytes = *ReadWholeFile(SystemFiles(), path);
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), 8);
    CATCH_CHECK((8 + header_bytes) % 64 == 0);
    CATCH_CHECK(bytes.size() == 8 + header_bytes + 1);
    CATCH_CHECK(bytes.back() == 'x');
    CATCH_CHECK(bytes[8] == '{');
  }
}

CATCH_TEST_CASE("the same content makes the same bytes") {
  const ScratchFolder scratch;
  for (const char* name : {"a", "b"}) {
    CATCH_REQUIRE(WriteSafetensors(SystemFiles(), scratch.File(name), {{"k", "v"}},
                                   {{.name = "t", .dtype = DType::kU8, .shape = {1}, .bytes = "x"}})
                      .ok());
  }
  CATCH_CHECK(*DigestOfFile(SystemFiles(), scratch.File("a")) ==
              *DigestOfFile(SystemFiles(), scratch.File("b")));
}

CATCH_TEST_CASE("what cannot be written faithfully is refused and leaves no file") {
  const ScratchFolder scratch;
  const auto write = [&](const std::map<std::string, std::string>& metadata,
                         const std::vector<TensorBytes>& tensors) {
    const absl::Status status =
        WriteSafetensors(SystemFiles(), scratch.File("t.safetensors"), metadata, tensors);
    CATCH_CHECK(SystemFiles().List(scratch.path())->empty());
    return status;
  };
  const TensorBytes good = {.name = "t", .dtype = DType::kU8, .shape = {1}, .bytes = "x"};
  TensorBytes bad = good;
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {good, bad})));
  bad = {.name = "u", .dtype = DType::kF32, .shape = {1}, .bytes = "x"};
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {bad})));
  bad = {.name = "u", .dtype = DType::kU8, .shape = {-1}, .bytes = ""};
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {bad})));
  bad = {.name = "u", .dtype = DType::kU8, .shape = {INT64_MAX, INT64_MAX}, .bytes = "x"};
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {bad})));
  bad = {.name = "__metadata__", .dtype = DType::kU8, .shape = {1}, .bytes = "x"};
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {bad})));
  bad = {.name = "\xff", .dtype = DType::kU8, .shape = {1}, .bytes = "x"};
  CATCH_CHECK(absl::IsInvalidArgument(write({}, {bad})));
  CATCH_CHECK(absl::IsInvalidArgument(write({{"k", "\xff"}}, {good})));
}

CATCH_TEST_CASE("a disk that fills while a checkpoint is written leaves the last one whole") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("t.safetensors");
  const auto write = [&](const FileSystem& files, std::string_view bytes) {
    return WriteSafetensors(files, path, {},
                            {{.name = "t", .dtype = DType::kU8, .shape = {8}, .bytes = bytes},
                             {.name = "u", .dtype = DType::kU8, .shape = {8}, .bytes = bytes}});
  };
  CATCH_REQUIRE(write(SystemFiles(), "11111111").ok());
  FaultyFileSystem files;
  // Open, header, two tensors, sync, rename.
  for (int64_t nth = 1; nth <= 6; ++nth) {
    files.FailCall(nth, ResourceExhausted("no space left"));
    CATCH_CHECK(absl::IsResourceExhausted(write(files, "22222222")));
    const auto file = SafetensorsFile::Open(SystemFiles(), path);
    CATCH_REQUIRE(file.ok());
    CATCH_CHECK(*(*file)->Bytes("u") == "11111111");
  }
  files.Heal();
  CATCH_CHECK(write(files, "22222222").ok());
}

CATCH_TEST_CASE("a file from elsewhere is read: no metadata, no padding, any key order") {
  const auto header = ParseSafetensorsHeader(
      R"({"b":{"data_offsets":[4,8],"shape":[2],"dtype":"BF16"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   )",
      8);
  CATCH_REQUIRE(header.ok());
  CATCH_CHECK(header->tensors[0].name == "a");
  CATCH_CHECK(header->tensors[1].begin == 4);
  CATCH_CHECK(header->metadata.empty());
  CATCH_CHECK(ParseSafetensorsHeader("{}", 0).ok());
  for (const auto& [name, size] :
       std::map<std::string, int>{{"F32", 4}, {"BF16", 2}, {"F64", 8}, {"I64", 8}, {"I32", 4}, {"U8", 1}}) {
    CATCH_CHECK(
        ParseSafetensorsHeader(
            Cat(R"({"t":{"dtype":")", name, R"(","shape":[3],"data_offsets":[0,)", 3 * size, "]}}"), 3 * size)
            .ok());
  }
}

CATCH_TEST_CASE("a header whose tensors overlap, leave holes or miss the end is damaged") {
  const auto two = [](std::string_view first, std::string_view second) {
    return Cat(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)", first,
               R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)", second, "}}");
  };
  CATCH_CHECK(ParseSafetensorsHeader(two("[0,4]", "[4,8]"), 8).ok());
  CheckDamaged(two("[0,4]", "[3,7]"), 7, "\"b\" begins at byte 3, where 4 is due");
  CheckDamaged(two("[0,4]", "[0,4]"), 4, "begins at byte 0, where 4 is due");
  CheckDamaged(two("[0,4]", "[5,9]"), 9, "begins at byte 5");
  CheckDamaged(two("[1,5]", "[5,9]"), 9, "begins at byte 1");
  CheckDamaged(two("[0,4]", "[4,8]"), 9, "need 8 bytes, but the data section has 9");
  CheckDamaged(two("[0,4]", "[4,8]"), 7, "need 8 bytes, but the data section has 7");
  CheckDamaged("{}", 1, "need 0 bytes");
}

CATCH_TEST_CASE("an entry that lies about itself is damaged") {
  const auto one = [](std::string_view fields) { return Cat(R"({"t":{)", fields, "}}"); };
  CheckDamaged(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4, "needs 8");
  CheckDamaged(one(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype");
  CheckDamaged(one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), 4, "shape");
  CheckDamaged(one(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), 4, "shape");
  CheckDamaged(one(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4])"), 4, "shape");
  CheckDamaged(one(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"), 0,
               "out of range");
  CheckDamaged(one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), 4, "no range");
  CheckDamaged(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])"), 8, "no range");
  CheckDamaged(one(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])"), 0, "data_offsets");
  CheckDamaged(one(R"("dtype":"F32","shape":[1])"), 4, "data_offsets");
  CheckDamaged(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), 4, "\"x\"");
  CheckDamaged(one(R"("dtype":4,"shape":[1],"data_offsets":[0,4])"), 4, "dtype");
  CheckDamaged(R"({"t":7})", 0, "tensor \"t\"");
}

CATCH_TEST_CASE("a header that is not the promised JSON is damaged") {
  CheckDamaged("", 0, "begin");
  CheckDamaged(" {}", 0, "begin");
  CheckDamaged("{", 0, "byte");
  CheckDamaged(R"({"__metadata__":{"k":1}})", 0, "metadata \"k\"");
  CheckDamaged(R"({"__metadata__":[]})", 0, "metadata");
  CheckDamaged(R"({"__metadata__":{"k":"a","k":"b"}})", 0, "\"k\" appears twice");
  CheckDamaged(R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"t":{}})", 0, "\"t\" appears twice");
}

CATCH_TEST_CASE("a truncated or lengthened file is damaged, never half read") {
  const std::string good =
      RawFile(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", std::string(4, 'x'));
  CATCH_REQUIRE(OpenRaw(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    CATCH_INFO(size);
    CATCH_CHECK(absl::IsDataLoss(OpenRaw(good.substr(0, size))));
  }
  CATCH_CHECK(absl::IsDataLoss(OpenRaw(good + "y")));
}

CATCH_TEST_CASE("a huge announced header is refused before any memory is taken for it") {
  CATCH_CHECK(absl::IsDataLoss(OpenRaw(std::string(8, '\xff') + "{}")));
  CATCH_CHECK(absl::IsDataLoss(OpenRaw(std::string("\0\0\0\0\0\0\0\x80", 8) + "{}")));
}

CATCH_TEST_CASE("a fault names the file") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("broken.safetensors");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawFile("{", "")).ok());
  CATCH_CHECK(Message(SafetensorsFile::Open(SystemFiles(), path).status()).find(path) != std::string::npos);
  CATCH_CHECK(absl::IsNotFound(SafetensorsFile::Open(SystemFiles(), scratch.File("none")).status()));
}

}  // namespace
}  // namespace interceptor
