#include "worker/media/decoder_wire.h"

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
#include "worker/media/sketch_book.h"
#include "worker/media/view_shapes.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr size_t kMessageBytesMax = 64 << 10;
constexpr size_t kFilesMax = 2;
constexpr int kFramesMax = 256;
constexpr int kPixelsMax = 1024;
constexpr double kPictureSideMax = 1 << 16;
constexpr size_t kSketchesMax = (2 * kSketchReach + 1) * kWideFrames;
constexpr std::string_view kSketchings[] = {"none", "wide", "near_wide"};  // by Sketching

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
  return InvalidArgument("the decoder's view ", ToString(view.view), " has an unasked shape");
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
  if (!has_pictures) return InvalidArgument("the decoder's answer has no pictures");
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

json EncodeSketches(const Sketches& sketches) {
  return {{"width", sketches.width},
          {"height", sketches.height},
          {"scale_x", sketches.scale_x},
          {"scale_y", sketches.scale_y},
          {"frames", sketches.frames}};
}

// Their bytes begin at `offset`.
absl::StatusOr<Sketches> ReadSketches(const json& object, int output, int64_t offset, const DecodeJob& job) {
  JsonReader reader(object, "the decoder's sketches");
  Sketches sketches;
  sketches.width = static_cast<int>(std::clamp<int64_t>(reader.Integer("width"), -1, kSketchSideMax + 1));
  sketches.height = static_cast<int>(std::clamp<int64_t>(reader.Integer("height"), -1, kSketchSideMax + 1));
  sketches.scale_x = reader.Number("scale_x");
  sketches.scale_y = reader.Number("scale_y");
  for (const json& frame : reader.Array("frames")) {
    const int64_t before = sketches.frames.empty() ? -1 : sketches.frames.back();
    const bool is_next = frame.is_number_integer() && frame.get<int64_t>() > before;
    if (!is_next) return InvalidArgument("the frames of the decoder's sketches are out of order");
    sketches.frames.push_back(frame.get<int64_t>());
  }
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (sketches.frames.empty()) return Sketches{};
  const auto is_side = [](int side) { return side >= 1 && side <= kSketchSideMax; };
  const auto is_scale = [](double scale) { return std::isfinite(scale) && scale > 0 && scale < kPixelsMax; };
  if (job.sketching == Sketching::kNone || sketches.frames.size() > kSketchesMax ||
      !is_side(sketches.width) || !is_side(sketches.height) || !is_scale(sketches.scale_x) ||
      !is_scale(sketches.scale_y)) {
    return InvalidArgument("the decoder's sketches have an unasked shape");
  }
  const auto size = static_cast<int64_t>(sketches.frames.size()) * sketches.width * sketches.height;
  ICPT_ASSIGN_OR_RETURN(sketches.bytes, ReadExactly(output, offset, size));
  return sketches;
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

absl::Status SendWire(int socket, std::string_view text, const std::vector<int>& files) {
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

absl::StatusOr<WireMessage> ReceiveWire(int socket, absl::Duration timeout) {
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
    if (left == absl::ZeroDuration()) return absl::DeadlineExceededError("no answer in time");
  }
  WireMessage result;
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
              {"sketching", std::string(kSketchings[static_cast<int>(job.sketching)])},
              {"fake_frames", job.fake_frames}}
      .dump();
}

absl::StatusOr<DecodeJob> DecodeJobText(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  JsonReader reader(object, "decode job");
  const int64_t frames = reader.Integer("frames");
  const int64_t pixels = reader.Integer("view_pixels");
  const int64_t stride = reader.Integer("face_detection_stride");
  const json& names = reader.Array("views");
  const std::string sketching = reader.String("sketching");
  const int64_t fake_frames = reader.Integer("fake_frames");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (frames < 1 || frames > kFramesMax || pixels < 2 || pixels > kPixelsMax || pixels % 2 != 0 ||
      stride < 1 || stride > 1000 || fake_frames < 1 || fake_frames > kFramesMax) {
    return InvalidArgument("decode job: a number is out of range");
  }
  const auto* const known = std::find(std::begin(kSketchings), std::end(kSketchings), sketching);
  if (known == std::end(kSketchings)) return InvalidArgument("decode job: unknown sketches");
  DecodeJob job{.frames = static_cast<int>(frames),
                .view_pixels = static_cast<int>(pixels),
                .face_detection_stride = static_cast<int>(stride),
                .views = {},
                .sketching = static_cast<Sketching>(known - std::begin(kSketchings)),
                .fake_frames = static_cast<int>(fake_frames)};
  for (const json& name : names) {
    const std::optional<View> view = name.is_string() ? ParseView(name.get<std::string>()) : std::nullopt;
    if (!view.has_value()) return InvalidArgument("decode job: a view that cannot be cut");
    job.views.push_back(*view);
  }
  return job;
}

absl::StatusOr<std::string> WriteAnswer(const DecodedClip& clip, int output) {
  json views = json::array();
  for (const DecodedView& view : clip.views) {
    ICPT_RETURN_IF_ERROR(WriteAll(output, view.bytes));
    views.push_back({{"view", std::string(ToString(view.view))}, {"shape", view.shape}});
  }
  ICPT_RETURN_IF_ERROR(WriteAll(output, clip.sketches.bytes));
  return json{{"attributes", clip.attributes},
              {"frame_seconds", clip.frame_seconds},
              {"series", clip.series},
              {"matrix", std::string(ToString(clip.colours.matrix))},
              {"full_range", clip.colours.full_range},
              {"views", views},
              {"sketches", EncodeSketches(clip.sketches)}}
      .dump();
}

std::string FaultAnswer(const absl::Status& fault) {
  return json{{"fault", Message(fault)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<DecoderAnswer> ReadAnswer(std::string_view text, int output, const DecodeJob& job) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  JsonReader reader(object, "the decoder's answer");
  DecoderAnswer answer;
  if (reader.Has("fault")) {
    answer.fault = reader.String("fault");
    ICPT_RETURN_IF_ERROR(reader.Finish());
    if (answer.fault.empty()) return InvalidArgument("the decoder's fault has no reason");
    return answer;
  }
  const json& attributes = reader.Object("attributes");
  const json& seconds = reader.Array("frame_seconds");
  const json& series = reader.Object("series");
  const std::optional<ColourMatrix> matrix = ParseColourMatrix(reader.String("matrix"));
  answer.clip.colours.full_range = reader.Boolean("full_range");
  const json& views = reader.Array("views");
  const json& sketches = reader.Object("sketches");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (!matrix.has_value()) return InvalidArgument("the decoder's colour matrix is unknown");
  answer.clip.colours.matrix = *matrix;
  for (const auto& [name, value] : attributes.items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return InvalidArgument("the decoder's attribute ", name, " is no number");
    }
    answer.clip.attributes[name] = value.get<double>();
  }
  for (const char* side : {"width", "height"}) {
    const auto found = answer.clip.attributes.find(side);
    const double value = found == answer.clip.attributes.end() ? 0 : found->second;
    if (value < 1 || value > kPictureSideMax || value != std::floor(value)) {
      return InvalidArgument("the decoder's ", side, " is that of no picture");
    }
  }
  ICPT_ASSIGN_OR_RETURN(answer.clip.frame_seconds, ReadNumbers(seconds, "frame_seconds"));
  ICPT_RETURN_IF_ERROR(ReadSeries(series, answer.clip));
  const size_t frames = answer.clip.frame_seconds.size();
  if (frames == 0 || frames > static_cast<size_t>(job.frames)) {
    return InvalidArgument("the decoder answered with ", frames, " frames where 1 to ", job.frames,
                           " were asked for");
  }
  ICPT_ASSIGN_OR_RETURN(const int64_t end, ReadViews(views, output, job, answer.clip));
  ICPT_ASSIGN_OR_RETURN(answer.clip.sketches, ReadSketches(sketches, output, end, job));
  return answer;
}

}  // namespace interceptor::worker
