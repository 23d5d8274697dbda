// Tells H.264 packets that no other picture refers to, so that unwanted ones need not be decoded: a third of
// a clip's pictures in the usual pyramid. What remains decodes to the same bytes (ITU-T H.264,
// nal_ref_idc, 7.4.1).
#pragma once

#include <cstdint>

namespace interceptor::worker {

class H264PacketFilter {
 public:
  // `extradata` is the stream's avcC box; without one, or for another codec, every packet counts as referred
  // to.
  H264PacketFilter(bool is_h264, const uint8_t* extradata, int extradata_bytes);

  // True when every slice in the packet has nal_ref_idc 0. Damaged packets are false: the decoder judges
  // them.
  bool IsNeverReferred(const uint8_t* packet, int packet_bytes) const;

 private:
  int length_bytes_ = 0;  // of the size before each NAL unit; 0: unknown
};

}  // namespace interceptor::worker
