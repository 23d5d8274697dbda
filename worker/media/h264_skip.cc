#include "worker/media/h264_skip.h"

namespace interceptor::worker {

H264PacketFilter::H264PacketFilter(bool is_h264, const uint8_t* extradata, int extradata_bytes) {
  // ISO/IEC 14496-15, 5.2.4.1: version 1; the fifth byte's low two bits are the size's bytes less one.
  constexpr int kShortestBox = 7;
  if (is_h264 && extradata != nullptr && extradata_bytes >= kShortestBox && extradata[0] == 1) {
    length_bytes_ = (extradata[4] & 3) + 1;
  }
}

bool H264PacketFilter::IsNeverReferred(const uint8_t* packet, int packet_bytes) const {
  constexpr int kFirstSliceType = 1;
  constexpr int kLastSliceType = 5;
  if (length_bytes_ == 0) return false;
  bool has_slice = false;
  for (int64_t at = 0; at < packet_bytes;) {
    if (at + length_bytes_ >= packet_bytes) return false;
    int64_t size = 0;
    for (int i = 0; i < length_bytes_; ++i) size = size << 8 | packet[at + i];
    at += length_bytes_;
    if (size <= 0 || size > packet_bytes - at) return false;
    const int type = packet[at] & 0x1f;
    const int referred = packet[at] >> 5 & 3;
    if (type >= kFirstSliceType && type <= kLastSliceType) {
      if (referred != 0) return false;
      has_slice = true;
    }
    at += size;
  }
  return has_slice;
}

}  // namespace interceptor::worker
