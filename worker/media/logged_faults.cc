#include "worker/media/logged_faults.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
}

#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace interceptor::worker {
namespace {

thread_local bool hears = false;
thread_local std::string heard;

bool IsHeard(void* context) {
  const AVClass* kind = *static_cast<AVClass**>(context);
  if (kind == avformat_get_class()) {
    const AVInputFormat* format = static_cast<AVFormatContext*>(context)->iformat;
    return format != nullptr && std::string_view(format->name).starts_with("matroska");
  }
  return kind == avcodec_get_class() && static_cast<AVCodecContext*>(context)->codec_id == AV_CODEC_ID_MJPEG;
}

void Hear(void* context, int level, const char* format, va_list values) {
  if (!hears || !heard.empty() || level > AV_LOG_ERROR || context == nullptr || !IsHeard(context)) return;
  char text[200];
  if (vsnprintf(text, sizeof(text), format, values) > 0) heard = text;
  while (!heard.empty() && (heard.back() == '\n' || heard.back() == '.')) heard.pop_back();
  for (char& c : heard) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = ' ';
  }
}

}  // namespace

LoggedFaults::LoggedFaults() {
  av_log_set_callback(Hear);
  heard.clear();
  hears = true;
}

LoggedFaults::~LoggedFaults() { hears = false; }

const std::string& LoggedFaults::first() const { return heard; }

}  // namespace interceptor::worker
