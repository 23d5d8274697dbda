#include "worker/media/libav_log.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
}

#include <cstdarg>
#include <string_view>

namespace interceptor::worker {
namespace {

thread_local bool is_recording = false;
thread_local std::string first_error;

bool IsRecorded(void* context) {
  const AVClass* kind = *static_cast<AVClass**>(context);
  if (kind == avformat_get_class()) {
    const AVInputFormat* format = static_cast<AVFormatContext*>(context)->iformat;
    return format != nullptr && std::string_view(format->name).starts_with("matroska");
  }
  return kind == avcodec_get_class() && static_cast<AVCodecContext*>(context)->codec_id == AV_CODEC_ID_MJPEG;
}

void OnLog(void* context, int level, const char* format, va_list values) {
  if (!is_recording || !first_error.empty() || level > AV_LOG_ERROR || context == nullptr ||
      !IsRecorded(context))
    return;
  char text[200];
  if (vsnprintf(text, sizeof(text), format, values) > 0) first_error = text;
  while (!first_error.empty() && (first_error.back() == '\n' || first_error.back() == '.'))
    first_error.pop_back();
  for (char& c : first_error) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = ' ';
  }
}

}  // namespace

LibavErrorLog::LibavErrorLog() {
  av_log_set_callback(OnLog);
  first_error.clear();
  is_recording = true;
}

LibavErrorLog::~LibavErrorLog() { is_recording = false; }

const std::string& LibavErrorLog::first() const { return first_error; }

}  // namespace interceptor::worker
