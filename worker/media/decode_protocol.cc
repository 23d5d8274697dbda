#include "worker/media/decode_protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <functional>
#include <iterator>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/config.h"
#include "common/io/json_fields.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/luma_thumbnails.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr size_t kMessageBytesMax = 64 << 10;
constexpr size_t kFilesMax = 2;
constexpr int kFramesMax = 256;
constexpr int kPixelsMax = 1024;
constexpr double kPictureSideMax = 1 << 16;
constexpr size_t kThumbnailsMax = (2 * kThumbnailReach + 1) * kFullFramesMax;
absl::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return ErrnoStatus(errno, "write a memory file");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadExactly(int fd, int64_t offset, int64_t size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        pread(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return InvalidArgument("the decoder's views are shorter than it says");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

void Fields(auto& visit, DecodeJob& job) {
  visit("frames", job.frames);
  visit("view_pixels", job.view_pixels);
  visit("face_detection_stride", job.face_detection_stride);
  visit.Names("views", job.views, ParseView);
  visit.Name("thumbnails", job.thumbnail_mode, ParseThumbnailMode);
  visit("fake_frames", job.fake_frames);
}

void Fields(auto& visit, DecodedView& view) {
  visit.Name("view", view.view, ParseView);
  visit("shape", view.shape);
}

void Fields(auto& visit, LumaThumbnails& thumbnails) {
  visit("width", thumbnails.width);
  visit("height", thumbnails.height);
  visit("scale_x", thumbnails.scale_x);
  visit("scale_y", thumbnails.scale_y);
  visit("frames", thumbnails.frames);
}

void Fields(auto& visit, DecodedClip& clip) {
  visit("attributes", clip.attributes);
  visit("frame_seconds", clip.frame_seconds);
  visit("series", clip.series);
  visit.Name("matrix", clip.colours.matrix, ParseColourMatrix);
  visit("full_range", clip.colours.full_range);
  visit.List("views", clip.views, [](auto& nested, auto& view) { Fields(nested, view); });
  visit.Object("thumbnails", [&](auto& nested) { Fields(nested, clip.thumbnails); });
}

// Shapes fit what the view can be, and no view comes that was not asked for or came before.
absl::Status CheckViews(const DecodeJob& job, const DecodedClip& clip) {
  const DecodedView* before = nullptr;
  for (const DecodedView& view : clip.views) {
    const ViewFormat format = FormatOf(view.view, std::ssize(clip.frame_seconds), job.view_pixels);
    const bool is_new = before == nullptr || before->view < view.view;
    const bool fits = !view.shape.empty() && view.shape[0] >= 1 && view.shape[0] <= format.count_max &&
                      std::equal(view.shape.begin() + 1, view.shape.end(), format.dimensions.begin(),
                                 format.dimensions.end());
    if (!job.Wants(view.view) || !is_new || !fits) {
      return InvalidArgument("the decoder's view ", ToString(view.view), " does not fit the job");
    }
    before = &view;
  }
  const bool has_pictures = !clip.views.empty() && clip.views.front().view == View::kFullFrame;
  return has_pictures ? absl::OkStatus() : InvalidArgument("the decoder's response has no pictures");
}

absl::Status CheckThumbnails(const DecodeJob& job, const LumaThumbnails& thumbnails) {
  const std::vector<int64_t>& frames = thumbnails.frames;
  if (frames.front() < 0 || std::ranges::adjacent_find(frames, std::greater_equal<>()) != frames.end()) {
    return InvalidArgument("the frames of the decoder's thumbnails are out of order");
  }
  const auto is_side = [](int side) { return side >= 1 && side <= kThumbnailSideMax; };
  const auto is_scale = [](double scale) { return scale > 0 && scale < kPixelsMax; };
  if (job.thumbnail_mode == ThumbnailMode::kNone || frames.size() > kThumbnailsMax ||
      !is_side(thumbnails.width) || !is_side(thumbnails.height) || !is_scale(thumbnails.scale_x) ||
      !is_scale(thumbnails.scale_y)) {
    return InvalidArgument("the decoder's thumbnails do not fit the job");
  }
  return absl::OkStatus();
}

absl::Status CheckNumbers(const DecodeJob& job, const DecodedClip& clip) {
  for (const char* side : {"width", "height"}) {
    const auto found = clip.attributes.find(side);
    const double value = found == clip.attributes.end() ? 0 : found->second;
    if (value < 1 || value > kPictureSideMax || value != std::floor(value)) {
      return InvalidArgument("the decoder's ", side, " is no picture's");
    }
  }
  const int64_t frames = std::ssize(clip.frame_seconds);
  if (frames >= 1 && frames <= job.frames) return absl::OkStatus();
  return InvalidArgument("the decoder answered with ", frames, " frames where 1 to ", job.frames,
                         " were asked for");
}

// The bytes of views and thumbnails, one after the other.
absl::Status ReadBytes(int output, const DecodeJob& job, DecodedClip& clip) {
  int64_t offset = 0;
  for (DecodedView& view : clip.views) {
    const ViewFormat format = FormatOf(view.view, std::ssize(clip.frame_seconds), job.view_pixels);
    ICPT_ASSIGN_OR_RETURN(view.bytes, ReadExactly(output, offset, view.shape[0] * ItemBytes(format)));
    offset += std::ssize(view.bytes);
  }
  LumaThumbnails& thumbnails = clip.thumbnails;
  if (thumbnails.frames.empty()) {
    thumbnails = {};
    return absl::OkStatus();
  }
  ICPT_RETURN_IF_ERROR(CheckThumbnails(job, thumbnails));
  const int64_t size = std::ssize(thumbnails.frames) * thumbnails.width * thumbnails.height;
  ICPT_ASSIGN_OR_RETURN(thumbnails.bytes, ReadExactly(output, offset, size));
  return absl::OkStatus();
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::Status SendMessage(int socket, std::string_view text, const std::vector<int>& files) {
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kFilesMax * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!files.empty()) {
    const size_t bytes = files.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), files.data(), bytes);
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) return Unavailable("the other side is gone");
    return ErrnoStatus(errno, "send between preparer and decoder");
  }
  return absl::OkStatus();
}

absl::StatusOr<DecoderMessage> ReceiveMessage(int socket, absl::Duration timeout) {
  const MonotonicTime deadline = SystemClock().Now() + timeout;
  while (true) {
    const absl::Duration left = std::max(deadline - SystemClock().Now(), absl::ZeroDuration());
    pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
    const int milliseconds =
        timeout == absl::InfiniteDuration()
            ? -1
            : static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 3600 * 1000));
    const int ready = poll(&wait, 1, milliseconds);
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "wait between preparer and decoder");
    if (left == absl::ZeroDuration()) return absl::DeadlineExceededError("no response in time");
  }
  DecoderMessage result;
  result.text.resize(kMessageBytesMax);
  iovec part{.iov_base = result.text.data(), .iov_len = result.text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kFilesMax * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (count == 0 || (count < 0 && errno == ECONNRESET)) return Unavailable("the other side is gone");
  if (count < 0) return ErrnoStatus(errno, "receive between preparer and decoder");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      result.files.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return InvalidArgument("a message is over its limit");
  result.text.resize(static_cast<size_t>(count));
  return result;
}

absl::StatusOr<Descriptor> MemoryFile(std::string_view bytes) {
  Descriptor file(memfd_create("clip", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return ErrnoStatus(errno, "make a memory file");
  if (bytes.empty()) return file;
  ICPT_RETURN_IF_ERROR(WriteAll(file.get(), bytes));
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, "seal a memory file");
  }
  return file;
}

std::string EncodeJob(DecodeJob job) {
  FieldWriter writer;
  Fields(writer, job);
  return writer.object.dump();
}

absl::StatusOr<DecodeJob> ParseJob(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  FieldReader reader(object, "decode job");
  DecodeJob job;
  Fields(reader, job);
  ICPT_RETURN_IF_ERROR(reader.Finish());
  const auto is_count = [](int frames) { return frames >= 1 && frames <= kFramesMax; };
  if (!is_count(job.frames) || !is_count(job.fake_frames) || job.view_pixels < 2 ||
      job.view_pixels > kPixelsMax || job.view_pixels % 2 != 0 || job.face_detection_stride < 1 ||
      job.face_detection_stride > 1000) {
    return InvalidArgument("decode job: a number is out of range");
  }
  return job;
}

absl::StatusOr<std::string> WriteResponse(DecodedClip clip, int output) {
  for (const DecodedView& view : clip.views) ICPT_RETURN_IF_ERROR(WriteAll(output, view.bytes));
  ICPT_RETURN_IF_ERROR(WriteAll(output, clip.thumbnails.bytes));
  FieldWriter writer;
  Fields(writer, clip);
  return writer.object.dump();
}

std::string FaultResponse(const absl::Status& fault) {
  return json{{"fault", Message(fault)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<DecoderResponse> ReadResponse(std::string_view text, int output, const DecodeJob& job) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  FieldReader reader(object, "the decoder's response");
  DecoderResponse response;
  if (object.contains("fault")) {
    reader("fault", response.fault);
    ICPT_RETURN_IF_ERROR(reader.Finish());
    if (response.fault.empty()) return InvalidArgument("the decoder's fault has no reason");
    return response;
  }
  Fields(reader, response.clip);
  ICPT_RETURN_IF_ERROR(reader.Finish());
  ICPT_RETURN_IF_ERROR(CheckNumbers(job, response.clip));
  ICPT_RETURN_IF_ERROR(CheckViews(job, response.clip));
  ICPT_RETURN_IF_ERROR(ReadBytes(output, job, response.clip));
  return response;
}

}  // namespace interceptor::worker
