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

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/config.h"
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
constexpr std::string_view kThumbnailModes[] = {"none", "full_frames",
                                                "near_full_frames"};  // by ThumbnailMode

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

// Shapes fit what the view can be, and no view comes that was not asked for or came before.
absl::Status CheckShape(const DecodeJob& job, const DecodedClip& clip, const DecodedView& view) {
  const ViewFormat format =
      FormatOf(view.view, static_cast<int64_t>(clip.frame_seconds.size()), job.view_pixels);
  const bool is_new = clip.views.empty() || clip.views.back().view < view.view;
  const bool fits = !view.shape.empty() && view.shape[0] >= 1 && view.shape[0] <= format.count_max &&
                    std::equal(view.shape.begin() + 1, view.shape.end(), format.dimensions.begin(),
                               format.dimensions.end());
  if (job.Wants(view.view) && is_new && fits) return absl::OkStatus();
  return InvalidArgument("the decoder's view ", ToString(view.view), " does not fit the job");
}

// Where the bytes after the views begin.
absl::StatusOr<int64_t> ReadViews(const json& views, int output, const DecodeJob& job, DecodedClip& clip) {
  int64_t offset = 0;
  for (const json& item : views) {
    if (!item.is_object()) return InvalidArgument("the decoder's view is not an object");
    JsonReader reader(item, "the decoder's view");
    const std::optional<View> name = ParseView(reader.String("view"));
    DecodedView view;
    for (const json& size : reader.Array("shape")) {
      if (!size.is_number_integer())
        return InvalidArgument("the decoder's view has a shape that is no numbers");
      view.shape.push_back(size.get<int64_t>());
    }
    ICPT_RETURN_IF_ERROR(reader.Finish());
    if (!name.has_value()) return InvalidArgument("the decoder's view is unknown");
    view.view = *name;
    ICPT_RETURN_IF_ERROR(CheckShape(job, clip, view));
    const auto frames = static_cast<int64_t>(clip.frame_seconds.size());
    const int64_t size = view.shape[0] * ItemBytes(FormatOf(view.view, frames, job.view_pixels));
    ICPT_ASSIGN_OR_RETURN(view.bytes, ReadExactly(output, offset, size));
    offset += size;
    clip.views.push_back(std::move(view));
  }
  const bool has_pictures = !clip.views.empty() && clip.views.front().view == View::kFullFrame;
  if (!has_pictures) return InvalidArgument("the decoder's response has no pictures");
  return offset;
}

absl::StatusOr<std::vector<double>> ReadNumbers(const json& values, std::string_view what) {
  std::vector<double> numbers;
  for (const json& value : values) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return InvalidArgument("the decoder's ", what, " are no numbers");
    }
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

absl::Status ReadSeries(const json& series, DecodedClip& clip) {
  for (const auto& [name, values] : series.items()) {
    if (!values.is_array()) return InvalidArgument("the decoder's ", name, " are no numbers");
    ICPT_ASSIGN_OR_RETURN(clip.series[name], ReadNumbers(values, name));
  }
  return absl::OkStatus();
}

json EncodeThumbnails(const LumaThumbnails& thumbnails) {
  return {{"width", thumbnails.width},
          {"height", thumbnails.height},
          {"scale_x", thumbnails.scale_x},
          {"scale_y", thumbnails.scale_y},
          {"frames", thumbnails.frames}};
}

// Their bytes begin at `offset`.
absl::StatusOr<LumaThumbnails> ReadThumbnails(const json& object, int output, int64_t offset,
                                              const DecodeJob& job) {
  JsonReader reader(object, "the decoder's thumbnails");
  LumaThumbnails thumbnails;
  thumbnails.width =
      static_cast<int>(std::clamp<int64_t>(reader.Integer("width"), -1, kThumbnailSideMax + 1));
  thumbnails.height =
      static_cast<int>(std::clamp<int64_t>(reader.Integer("height"), -1, kThumbnailSideMax + 1));
  thumbnails.scale_x = reader.Number("scale_x");
  thumbnails.scale_y = reader.Number("scale_y");
  for (const json& frame : reader.Array("frames")) {
    const int64_t before = thumbnails.frames.empty() ? -1 : thumbnails.frames.back();
    const bool is_next = frame.is_number_integer() && frame.get<int64_t>() > before;
    if (!is_next) return InvalidArgument("the frames of the decoder's thumbnails are out of order");
    thumbnails.frames.push_back(frame.get<int64_t>());
  }
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (thumbnails.frames.empty()) return LumaThumbnails{};
  const auto is_side = [](int side) { return side >= 1 && side <= kThumbnailSideMax; };
  const auto is_scale = [](double scale) { return std::isfinite(scale) && scale > 0 && scale < kPixelsMax; };
  if (job.thumbnail_mode == ThumbnailMode::kNone || thumbnails.frames.size() > kThumbnailsMax ||
      !is_side(thumbnails.width) || !is_side(thumbnails.height) || !is_scale(thumbnails.scale_x) ||
      !is_scale(thumbnails.scale_y)) {
    return InvalidArgument("the decoder's thumbnails do not fit the job");
  }
  const auto size = static_cast<int64_t>(thumbnails.frames.size()) * thumbnails.width * thumbnails.height;
  ICPT_ASSIGN_OR_RETURN(thumbnails.bytes, ReadExactly(output, offset, size));
  return thumbnails;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() { return std::exchange(fd_, -1); }

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

std::string EncodeJob(const DecodeJob& job) {
  json views = json::array();
  for (const View view : job.views) views.push_back(std::string(ToString(view)));
  return json{{"frames", job.frames},
              {"view_pixels", job.view_pixels},
              {"face_detection_stride", job.face_detection_stride},
              {"views", views},
              {"thumbnails", std::string(kThumbnailModes[static_cast<int>(job.thumbnail_mode)])},
              {"fake_frames", job.fake_frames}}
      .dump();
}

absl::StatusOr<DecodeJob> ParseJob(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  JsonReader reader(object, "decode job");
  const int64_t frames = reader.Integer("frames");
  const int64_t pixels = reader.Integer("view_pixels");
  const int64_t stride = reader.Integer("face_detection_stride");
  const json& names = reader.Array("views");
  const std::string thumbnail_mode = reader.String("thumbnails");
  const int64_t fake_frames = reader.Integer("fake_frames");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (frames < 1 || frames > kFramesMax || pixels < 2 || pixels > kPixelsMax || pixels % 2 != 0 ||
      stride < 1 || stride > 1000 || fake_frames < 1 || fake_frames > kFramesMax) {
    return InvalidArgument("decode job: a number is out of range");
  }
  const auto* const known = std::find(std::begin(kThumbnailModes), std::end(kThumbnailModes), thumbnail_mode);
  if (known == std::end(kThumbnailModes)) return InvalidArgument("decode job: unknown thumbnails");
  DecodeJob job{.frames = static_cast<int>(frames),
                .view_pixels = static_cast<int>(pixels),
                .face_detection_stride = static_cast<int>(stride),
                .views = {},
                .thumbnail_mode = static_cast<ThumbnailMode>(known - std::begin(kThumbnailModes)),
                .fake_frames = static_cast<int>(fake_frames)};
  for (const json& name : names) {
    const std::optional<View> view = name.is_string() ? ParseView(name.get<std::string>()) : std::nullopt;
    if (!view.has_value()) return InvalidArgument("decode job: an unknown view");
    job.views.push_back(*view);
  }
  return job;
}

absl::StatusOr<std::string> WriteResponse(const DecodedClip& clip, int output) {
  json views = json::array();
  for (const DecodedView& view : clip.views) {
    ICPT_RETURN_IF_ERROR(WriteAll(output, view.bytes));
    views.push_back({{"view", std::string(ToString(view.view))}, {"shape", view.shape}});
  }
  ICPT_RETURN_IF_ERROR(WriteAll(output, clip.thumbnails.bytes));
  return json{{"attributes", clip.attributes},
              {"frame_seconds", clip.frame_seconds},
              {"series", clip.series},
              {"matrix", std::string(ToString(clip.colours.matrix))},
              {"full_range", clip.colours.full_range},
              {"views", views},
              {"thumbnails", EncodeThumbnails(clip.thumbnails)}}
      .dump();
}

std::string FaultResponse(const absl::Status& fault) {
  return json{{"fault", Message(fault)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<DecoderResponse> ReadResponse(std::string_view text, int output, const DecodeJob& job) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  JsonReader reader(object, "the decoder's response");
  DecoderResponse response;
  if (reader.Has("fault")) {
    response.fault = reader.String("fault");
    ICPT_RETURN_IF_ERROR(reader.Finish());
    if (response.fault.empty()) return InvalidArgument("the decoder's fault has no reason");
    return response;
  }
  const json& attributes = reader.Object("attributes");
  const json& seconds = reader.Array("frame_seconds");
  const json& series = reader.Object("series");
  const std::optional<ColourMatrix> matrix = ParseColourMatrix(reader.String("matrix"));
  response.clip.colours.full_range = reader.Boolean("full_range");
  const json& views = reader.Array("views");
  const json& thumbnails = reader.Object("thumbnails");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (!matrix.has_value()) return InvalidArgument("the decoder's colour matrix is unknown");
  response.clip.colours.matrix = *matrix;
  for (const auto& [name, value] : attributes.items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return InvalidArgument("the decoder's attribute ", name, " is no number");
    }
    response.clip.attributes[name] = value.get<double>();
  }
  for (const char* side : {"width", "height"}) {
    const auto found = response.clip.attributes.find(side);
    const double value = found == response.clip.attributes.end() ? 0 : found->second;
    if (value < 1 || value > kPictureSideMax || value != std::floor(value)) {
      return InvalidArgument("the decoder's ", side, " is no picture's");
    }
  }
  ICPT_ASSIGN_OR_RETURN(response.clip.frame_seconds, ReadNumbers(seconds, "frame_seconds"));
  ICPT_RETURN_IF_ERROR(ReadSeries(series, response.clip));
  const size_t frames = response.clip.frame_seconds.size();
  if (frames == 0 || frames > static_cast<size_t>(job.frames)) {
    return InvalidArgument("the decoder answered with ", frames, " frames where 1 to ", job.frames,
                           " were asked for");
  }
  ICPT_ASSIGN_OR_RETURN(const int64_t end, ReadViews(views, output, job, response.clip));
  ICPT_ASSIGN_OR_RETURN(response.clip.thumbnails, ReadThumbnails(thumbnails, output, end, job));
  return response;
}

}  // namespace interceptor::worker
