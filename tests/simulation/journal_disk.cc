#include "tests/simulation/journal_disk.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "coordinator/journal/event_codec.h"

namespace interceptor::simulation {
namespace {

// A frame: length of what follows the head, first eight bytes of its SHA-256, then each record with its
// length.
constexpr size_t kHeadBytes = 16;

void PutNumber(std::string& bytes, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
}

uint64_t GetNumber(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string FrameOf(const std::vector<coordinator::Fact>& facts) {
  std::vector<std::string> records;
  for (const coordinator::Fact& fact : facts) records.push_back(coordinator::EncodeFact(fact));
  return JournalDisk::Frame(records);
}

}  // namespace

std::string JournalDisk::Frame(const std::vector<std::string>& records) {
  std::string content;
  for (const std::string& record : records) {
    PutNumber(content, record.size());
    content += record;
  }
  std::string frame;
  PutNumber(frame, content.size());
  PutNumber(frame, DigestPrefix64(content));
  return frame + content;
}

int64_t JournalDisk::BytesOf(const std::vector<coordinator::Fact>& facts) {
  return static_cast<int64_t>(FrameOf(facts).size());
}

void JournalDisk::Write(const std::vector<coordinator::Fact>& facts) {
  ICPT_CHECK(unsynced_.empty()) << "two batches at once";
  unsynced_ = FrameOf(facts);
}

void JournalDisk::Sync() { durable_ += std::exchange(unsynced_, ""); }

void JournalDisk::SyncFailed() {
  if (draws_.Chance(0.5)) durable_ += unsynced_;
  unsynced_.clear();
}

void JournalDisk::Crash(bool power) {
  if (unsynced_.empty()) return;
  // A killed process' transaction happened or did not; a lost machine may leave a part of it.
  const size_t kept = power ? draws_.Below(unsynced_.size() + 1) : unsynced_.size() * draws_.Below(2);
  durable_ += unsynced_.substr(0, kept);
  unsynced_.clear();
}

absl::StatusOr<std::vector<coordinator::Fact>> JournalDisk::Recover() {
  size_t whole = 0;
  absl::StatusOr<std::vector<coordinator::Fact>> facts = Read(durable_, whole);
  if (facts.ok()) durable_.resize(whole);
  return facts;
}

absl::StatusOr<std::vector<coordinator::Fact>> JournalDisk::Read(const std::string& bytes, size_t& whole) {
  std::vector<coordinator::Fact> facts;
  const std::string_view all = bytes;
  whole = 0;
  while (all.size() - whole >= kHeadBytes) {
    const uint64_t size = GetNumber(all.substr(whole));
    if (all.size() - whole - kHeadBytes < size) break;
    std::string_view content = all.substr(whole + kHeadBytes, size);
    if (DigestPrefix64(content) != GetNumber(all.substr(whole + 8))) break;
    while (!content.empty()) {
      const uint64_t length = GetNumber(content);
      ICPT_ASSIGN_OR_RETURN(coordinator::Fact fact, coordinator::DecodeFact(content.substr(8, length)));
      facts.push_back(std::move(fact));
      content.remove_prefix(8 + length);
    }
    whole += kHeadBytes + size;
  }
  return facts;
}

}  // namespace interceptor::simulation
