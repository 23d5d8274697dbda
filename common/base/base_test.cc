#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <set>
#include <thread>

#include "common/base/bounded_queue.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/number_text.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/steady_wait.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("SHA-256 gives the published test vectors") {
  // FIPS 180-2, appendix B.1, and the digest of nothing.
  CATCH_CHECK(DigestOf("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CATCH_CHECK(DigestOf("").hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  DigestBuilder builder;
  builder.Add("a");
  builder.Add("bc");
  CATCH_CHECK(builder.Finish() == DigestOf("abc"));
  CATCH_CHECK(DigestPrefix64("abc") == 0xba7816bf8f01cfeaULL);
}

CATCH_TEST_CASE("a digest that is not 64 lower-case hexadecimal digits is refused") {
  CATCH_CHECK(ValidateDigestHex(DigestOf("x").hex).ok());
  CATCH_CHECK_FALSE(ValidateDigestHex("").ok());
  CATCH_CHECK_FALSE(ValidateDigestHex(std::string(64, 'G')).ok());
  CATCH_CHECK_FALSE(ValidateDigestHex("../../etc/passwd").ok());
}

CATCH_TEST_CASE("draws depend on the key and the counter alone") {
  const RandomKey key = MakeRandomKey(7, "order", {1, 2});
  CATCH_CHECK(RandomBits(key, 5) == RandomBits(MakeRandomKey(7, "order", {1, 2}), 5));
  CATCH_CHECK(RandomBits(key, 5) != RandomBits(key, 6));
  CATCH_CHECK(MakeRandomKey(7, "order", {1, 2}).value != MakeRandomKey(7, "order", {2, 1}).value);
  CATCH_CHECK(MakeRandomKey(7, "order", {1, 2}).value != MakeRandomKey(8, "order", {1, 2}).value);
  CATCH_CHECK(MakeRandomKey(7, "order").value != MakeRandomKey(7, "half").value);
}

CATCH_TEST_CASE("uniform and normal draws have their mean and variance") {
  const RandomKey key = MakeRandomKey(1, "moments");
  constexpr int kDraws = 40000;
  double uniform_sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = RandomUniform(key, i);
    CATCH_REQUIRE(u >= 0.0);
    CATCH_REQUIRE(u < 1.0);
    uniform_sum += u;
    const double n = RandomNormal(key, i);
    normal_sum += n;
    normal_squares += n * n;
  }
  CATCH_CHECK(std::abs(uniform_sum / kDraws - 0.5) < 0.01);
  CATCH_CHECK(std::abs(normal_sum / kDraws) < 0.02);
  CATCH_CHECK(std::abs(normal_squares / kDraws - 1.0) < 0.03);
}

CATCH_TEST_CASE("a permutation holds every index once") {
  const auto order = RandomPermutation(MakeRandomKey(3, "permutation"), 100);
  CATCH_CHECK(std::set<uint32_t>(order.begin(), order.end()).size() == 100);
  CATCH_CHECK(order != RandomPermutation(MakeRandomKey(4, "permutation"), 100));
  CATCH_CHECK(RandomPermutation(MakeRandomKey(3, "permutation"), 0).empty());
}

CATCH_TEST_CASE("ids differ and names are checked") {
  CATCH_CHECK(NewId() != NewId());
  CATCH_CHECK(NewId().size() == 32);
  CATCH_CHECK(ValidateName("member", "member-1").ok());
  for (const char* bad : {"", "-x", "a/b", "a b", "..", "a\n"}) {
    const absl::Status status = ValidateName("member", bad);
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).rfind("member '", 0) == 0);
  }
}

CATCH_TEST_CASE("a number reads back from its text as the same number, in as few characters as that takes") {
  for (int exponent = -12; exponent <= 12; ++exponent) {
    for (const double digits : {1.0, 1.0 / 3, -1.23456789012345678}) {
      const double value = digits * std::pow(10, exponent);
      CATCH_CHECK(std::strtod(NumberText(value).c_str(), nullptr) == value);
    }
  }
  CATCH_CHECK(NumberText(0) == "0");
  CATCH_CHECK(NumberText(0.1) == "0.1");
  CATCH_CHECK(NumberText(10800.5) == "10800.5");
}

CATCH_TEST_CASE("a full disk is told apart from other system errors") {
  CATCH_CHECK(ErrnoStatus(ENOSPC, "write x").code() == absl::StatusCode::kResourceExhausted);
  CATCH_CHECK(ErrnoStatus(ENOENT, "open x").code() == absl::StatusCode::kNotFound);
  CATCH_CHECK(ErrnoStatus(EIO, "sync x").code() == absl::StatusCode::kInternal);
  CATCH_CHECK(Message(Annotate(NotFound("b"), "a")) == "a: b");
  CATCH_CHECK(Annotate(absl::OkStatus(), "a").ok());
}

CATCH_TEST_CASE("a bounded queue refuses past its limit and hands out what is left after Close") {
  BoundedQueue<int> queue(2);
  CATCH_CHECK(queue.TryPush(1));
  CATCH_CHECK(queue.TryPush(2));
  CATCH_CHECK_FALSE(queue.TryPush(3));
  std::thread consumer([&queue] { queue.Pop(); });
  const bool pushed = queue.Push(3);
  consumer.join();
  CATCH_CHECK(pushed);
  queue.Close();
  CATCH_CHECK_FALSE(queue.Push(4));
  CATCH_CHECK(queue.Pop() == 2);
  CATCH_CHECK(queue.Pop() == 3);
  CATCH_CHECK(queue.Pop() == std::nullopt);
}

}  // namespace
CATCH_TEST_CASE("a queue's consumer waits for an item, for its end and for the timeout") {
  BoundedQueue<int> queue(1);
  CATCH_CHECK_FALSE(queue.Pop(absl::ZeroDuration()).has_value());
  CATCH_CHECK_FALSE(queue.Pop(absl::Milliseconds(1)).has_value());
  std::thread producer([&] {
    queue.Push(1);
    queue.Push(2);
    queue.Close();
  });
  CATCH_CHECK(queue.Pop() == 1);
  CATCH_CHECK(queue.Pop(absl::Hours(1)) == 2);
  CATCH_CHECK_FALSE(queue.Pop().has_value());
  producer.join();
}

CATCH_TEST_CASE("what happens once ends every wait for it, before and after") {
  SteadyNotification stop;
  CATCH_CHECK_FALSE(stop.Await(absl::Milliseconds(1)));
  CATCH_CHECK_FALSE(stop.HasBeenNotified());
  bool ended = false;
  std::thread waiting([&] { ended = stop.Await(absl::InfiniteDuration()); });
  stop.Notify();
  waiting.join();
  CATCH_CHECK(ended);
  CATCH_CHECK(stop.Await(absl::ZeroDuration()));
}

}  // namespace interceptor
