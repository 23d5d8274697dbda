"""Clips whose file ends too early, or holds more than the film: bytes behind it, other tracks, sound."""
from media_cases import box, CUT, cut, DAMAGED, either, fragments, H264, picture, refused, stored, TONE


def cut_rows(kit):
    for percent in (10, 30, 50, 70, 90, 99):
        yield f"cut-front-{percent}.mp4", lambda p=percent: cut(kit.front, p), refused(CUT)
        yield f"cut-end-{percent}.mp4", lambda p=percent: cut(kit.plain, p), refused(CUT)
    for percent in (50, 95):
        yield f"cut-matroska-{percent}.mkv", lambda p=percent: cut(kit.matroska, p), refused(CUT)
        yield f"cut-avi-{percent}.avi", lambda p=percent: cut(kit.make("avi", "-c:v", "mjpeg"), p), refused(CUT)
        yield f"cut-picture-{percent}.png", lambda p=percent: cut(picture(kit, "png"), p), refused(DAMAGED)
        yield f"cut-picture-{percent}.jpg", lambda p=percent: cut(picture(kit, "jpg"), p), refused(DAMAGED)
    yield "cut-webm.webm", lambda: cut(kit.make("webm", "-c:v", "libvpx-vp9", "-cpu-used", "8"), 60), refused(CUT)
    yield "cut-fragments.mp4", lambda: cut(fragments(kit), 60), refused(CUT)


def behind_rows(kit):
    """What stands behind the end of a film."""
    boundary = b"\r\n--------------------------d74496d66958873e--\r\n"
    films = {"plain.mp4": lambda: kit.plain, "front.mp4": lambda: kit.front, "fragments.mp4": lambda: fragments(kit),
             "matroska.mkv": lambda: kit.matroska, "mjpeg.avi": lambda: kit.make("avi", "-c:v", "mjpeg", "-q:v", "3")}
    more = {"boundary": boundary, "zeros": bytes(5003), "text": b"This is a text.\n" * 50, "line": b"\r\n"}
    for film, make in films.items():
        for name, data in more.items():
            yield f"behind-{name}-{film}", lambda m=make, d=data: m() + d, stored()
        yield f"behind-cut-{film}", lambda m=make: cut(m(), 95) + boundary, refused(CUT)
    for name in ("free", "moof", "mdat", "uuid"):
        yield f"behind-cut-{name}.mp4", lambda n=name: kit.plain + box(n, bytes(100))[:-50], refused(CUT)


def track_rows(kit):
    """The film is not the first track, or not the only one."""
    def joined(ending, *files, words=()):
        inputs = [word for data in files for word in ("-i", kit.save(data))]
        return kit.make(ending, "-c", "copy", *(word for k in range(len(files)) for word in ("-map", k)), *words, source="", inputs=inputs)

    thumbnails = {"jpeg": lambda: picture(kit, "jpg"), "h264": lambda: kit.make("mp4", *H264, "-frames:v", "1", source="testsrc2=s=320x240")}
    small = lambda: kit.make("mp4", *H264, source="testsrc2=s=80x60:r=5:d=2")
    large = lambda: kit.make("mp4", *H264, source="testsrc2=s=320x240:r=5:d=2")
    lossless = lambda: kit.make("mkv", "-c:v", "ffv1", source="testsrc2=s=320x240:r=5:d=2")
    no_default = ("-disposition:v", "0", "-default_mode", "passthrough")
    for ending in ("mp4", "mkv"):
        for name, make in thumbnails.items():
            yield f"track-{name}-first.{ending}", lambda e=ending, m=make: joined(e, m(), kit.plain), stored()
        yield f"track-cover-first.{ending}", lambda e=ending: joined(
            e, picture(kit, "jpg"), kit.plain, words=("-disposition:v:0", "attached_pic")), stored()
        yield f"track-default-second.{ending}", lambda e=ending: joined(
            e, large(), kit.plain, words=("-disposition:v:0", "0", "-disposition:v:1", "default")), stored()
    yield "track-large-second.mkv", lambda: joined("mkv", small(), kit.plain, words=no_default), stored()
    yield "track-foreign-first.mkv", lambda: joined("mkv", lossless(), kit.plain), stored()
    yield "track-foreign-film.mkv", lambda: joined("mkv", picture(kit, "jpg"), lossless()), refused("ffv1")
    sounds = ("-f", "lavfi", "-i", f"{TONE}:d=1")
    yield "track-sound-second.mkv", lambda: kit.make(
        "mkv", *H264, "-map", "0", "-map", "1", "-map", "1", "-c:a:0", "wmav2", "-c:a:1", "aac", inputs=sounds), stored(sound=True)


def sound_rows(kit):
    heard = stored(sound=True)
    yield "silent.mp4", lambda: kit.plain, stored(sound=False)
    yield "sound-short.mp4", lambda: kit.with_sound("mp4", 0.3, "aac"), heard
    yield "sound-long.mp4", lambda: kit.with_sound("mp4", 3, "aac"), heard
    yield "sound-late.mp4", lambda: kit.copy(kit.with_sound("mp4", 1, "aac"), "mp4", "-map", "0:v", "-map", "1:a", before=(
        "-i", kit.save(kit.plain), "-itsoffset", "0.5")), heard
    yield "sound-later.mkv", lambda: kit.copy(kit.with_sound("mp4", 1, "aac"), "mkv", "-map", "0:v", "-map", "1:a", before=(
        "-i", kit.save(kit.plain), "-itsoffset", "7")), stored()
    for ending, codec in (("mkv", "libopus"), ("mkv", "flac"), ("mkv", "ac3"), ("mp4", "libmp3lame"), ("mov", "pcm_s16le"),
                          ("avi", "pcm_s16le"), ("mkv", "libvorbis")):
        yield f"sound-{codec}-{ending}.{ending}", lambda e=ending, c=codec: kit.with_sound(e, 1, c, "-bf", "0"), heard
    yield "sound-surround.mp4", lambda: kit.with_sound("mp4", 1, "aac", "-ac", "6", "-ar", "96000"), heard
    yield "sound-low.mp4", lambda: kit.with_sound("mp4", 1, "aac", "-ar", "8000"), heard
    yield "sound-foreign.mkv", lambda: kit.with_sound("mkv", 1, "wmav2"), either("wmav2")
    yield "sound-hurt.mp4", lambda: kit.copy(kit.with_sound("mp4", 1, "aac"), "mp4", "-bsf:a", "noise=amount=20"), either("sound")
