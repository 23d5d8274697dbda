// Records on disk: what was written by version 1 is read for good.
#include "coordinator/journal/event_codec.h"

#include "common/base/digest.h"
#include "tests/support/catch.h"
#include "tests/support/event_samples.h"

namespace interceptor::coordinator {
namespace {

CATCH_TEST_CASE("every kind of event survives encoding, with its request and time") {
  const std::vector<Fact> facts = SampleFacts();
  CATCH_REQUIRE(facts.size() == std::variant_size_v<DurableEvent>);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    CATCH_INFO(Describe(facts[i].body).kind);
    CATCH_CHECK(facts[i].body.index() == i);
    const auto decoded = DecodeFact(EncodeFact(facts[i]));
    CATCH_REQUIRE(decoded.ok());
    CATCH_CHECK(*decoded == facts[i]);
  }
}

CATCH_TEST_CASE("what later versions added to an event survives too") {
  for (Fact fact : SampleFacts()) {
    if (auto* committed = std::get_if<ManifestCommitted>(&fact.body)) {
      committed->manifest.view_bytes = {{"burst", 9}, {"face_crop", 7}};
    }
    CATCH_CHECK(*DecodeFact(EncodeFact(fact)) == fact);
  }
  CATCH_CHECK(*DecodeFact(EncodeFact(SampleValidation())) == SampleValidation());
  CATCH_CHECK(*DecodeFact(EncodeFact(SampleHeldOut())) == SampleHeldOut());
}

CATCH_TEST_CASE("the bytes of version 1 never change") {
  // Digests of the encoded samples, written once. A failure here means journals in the field no longer read
  // the same: add fields, never change them.
  size_t found = 0;
  for (const Fact& fact : SampleFacts()) {
    const auto golden = GoldenBytes().find(Describe(fact.body).kind);
    if (golden == GoldenBytes().end()) continue;
    CATCH_INFO(golden->first);
    CATCH_CHECK(golden->second == EncodeFact(fact));
    ++found;
  }
  CATCH_CHECK(found == GoldenBytes().size());
}

CATCH_TEST_CASE("what is no record is data loss") {
  CATCH_CHECK(DecodeFact("\xFF\xFF\xFF").status().code() == absl::StatusCode::kDataLoss);
  // A record without an event, and one with an event of a later version (field 1000).
  CATCH_CHECK(DecodeFact("").status().code() == absl::StatusCode::kDataLoss);
  CATCH_CHECK(DecodeFact(std::string("\xC2\x3E\x00", 3)).status().code() == absl::StatusCode::kDataLoss);
  // A save reason and an evaluation kind that version 1 does not have.
  CATCH_CHECK(DecodeFact(std::string("\xB2\x01\x04\x0A\x02\x40\x09", 7)).status().code() ==
              absl::StatusCode::kDataLoss);
  CATCH_CHECK(DecodeFact(std::string("\xE2\x01\x02\x10\x09", 5)).status().code() ==
              absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace interceptor::coordinator
