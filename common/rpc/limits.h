// What a connection may cost. Client and server must agree on keepalive: a server that allows fewer pings
// than its clients send drops them.
#pragma once

namespace interceptor {

// A part of a blob is 512 KiB; everything else is far smaller.
inline constexpr int kRequestBytesMax = 1 << 20;
// Pages of a thousand items; a status of ten thousand members.
inline constexpr int kReplyBytesMax = 16 << 20;
inline constexpr int kMetadataBytesMax = 8 << 10;
inline constexpr int kStreamsPerConnectionMax = 64;
inline constexpr int kHandshakeTimeoutMs = 5'000;
// A busy machine and a slow link take seconds to answer.
inline constexpr int kConnectTimeoutMs = 10'000;
inline constexpr int kConnectionIdleMs = 15 * 60'000;

inline constexpr int kKeepaliveTimeMs = 20'000;
inline constexpr int kKeepaliveTimeoutMs = 10'000;
inline constexpr int kPingIntervalMsMin = 10'000;
static_assert(2 * kPingIntervalMsMin <= kKeepaliveTimeMs);

inline constexpr int kServerMemoryBytesMax = 256 << 20;

}  // namespace interceptor
