"""Clips that are damaged, odd or mean harm, each with what must come out."""
import dataclasses
import itertools
import math
import os
import random
import re
import struct
import subprocess
import zlib

SIZE = (160, 120)
TEN = tuple(k / 10 for k in range(10))
SOURCE = "testsrc2=s=160x120:r=10:d=1"
TONE = "sine=frequency=440"
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "5", "-pix_fmt", "yuv420p")
STBL = "moov/trak/mdia/minf/stbl"
VIEW = 64
FRAMES = 64
TIMEOUT = 600  # only what does not end comes near
FAR = 10  # mean distance, in levels, of a frame from the plain clip's
NO_VIDEO = "not a video|container format"
DAMAGED = "damage|cut short|not a video"
CUT = "cut short|incomplete|truncated"
FORMAT = "format|container"
LARGE = "pixels|too large|size"
CRASH = re.compile(r"Segmentation|Sanitizer|terminate called|Assert|smashing|corrupted|double free|decoder died|decoder left")


@dataclasses.dataclass(frozen=True)
class Expect:
    times: tuple = ()     # of the frames when it is stored; empty: it must not be
    words: str = ""       # of the reason when it is quarantined; empty: it must not be
    size: tuple = SIZE    # upright
    turns: int = 0        # quarter turns clockwise from the plain clip
    slack: float = 0.002  # seconds
    like: bool = True     # its pictures are the plain clip's
    sound: object = None  # whether sound is stored; none: either
    judged: bool = False  # stored only where ffmpeg itself finds no fault


def stored(times=TEN, **more):
    return Expect(times=tuple(times), **more)


def refused(words):
    return Expect(words=words)


def either(words, times=TEN, **more):
    return Expect(times=tuple(times), words=words, **more)


class Skip(Exception):
    pass


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Kit:
    """Makes clips in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count()
        self.encoders = run("ffmpeg", "-v", "error", "-encoders").decode()
        self.old = re.match(rb"ffmpeg version n?[1-5]\.", run("ffmpeg", "-version"))
        self.plain = self.make("mp4", *H264)
        self.straight = self.make("mp4", *H264, "-bf", "0")
        self.front = self.make("mp4", *H264, "-movflags", "+faststart")
        self.matroska = self.copy(self.plain, "mkv")

    def path(self, ending):
        return self.folder / f"made-{next(self.numbers)}.{ending}"

    def save(self, data, ending="mp4"):
        path = self.path(ending)
        path.write_bytes(data)
        return path

    def make(self, ending, *words, source=SOURCE, inputs=()):
        for option, word in zip(words, words[1:]):
            if option in ("-c:v", "-c:a") and word != "copy" and f" {word} " not in self.encoders:
                raise Skip(f"this ffmpeg has no encoder {word}")
        out = self.path(ending)
        first = ["-f", "lavfi", "-i", source] if source else []
        run("ffmpeg", "-v", "error", "-y", *first, *inputs, *words, out)
        return out.read_bytes()

    def copy(self, data, ending, *words, before=()):
        return self.make(ending, "-c", "copy", *words, source="", inputs=(*before, "-i", self.save(data)))

    def with_sound(self, ending, seconds, codec, *words):
        return self.make(ending, *H264, "-c:a", codec, *words, inputs=("-f", "lavfi", "-i", f"{TONE}:d={seconds}"))

    def turned(self, degrees):
        old = ("-metadata:s:v:0", f"rotate={360 - degrees}") if self.old else ()
        return self.copy(self.plain, "mp4", *old, before=() if self.old else ("-display_rotation:v:0", -degrees))

    def finds_fault(self, data):
        words = ["ffmpeg", "-v", "error", "-threads", "1", "-i", self.save(data), "-map", "0:v:0", "-f", "null", "-"]
        done = subprocess.run(words, capture_output=True)
        return done.returncode != 0 or bool(done.stderr)


def box_offsets(data, path):
    """Offsets of the boxes on the way to `path`, as "moov/trak"; the first of each name."""
    at, end, found = 0, len(data), []
    for name in path.split("/"):
        while data[at + 4:at + 8] != name.encode():
            at += struct.unpack_from(">I", data, at)[0]
            if at >= end:
                raise ValueError(f"no box {path}")
        found.append(at)
        end, at = at + struct.unpack_from(">I", data, at)[0], at + 8
    return found


def patched(data, path, offset, *values, kind="I"):
    """`values` written `offset` bytes after the beginning of a box."""
    out = bytearray(data)
    struct.pack_into(f">{len(values)}{kind}", out, box_offsets(data, path)[-1] + offset, *values)
    return bytes(out)


def box(name, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name.encode()) + body


def replaced(data, path, new):
    """Another box in the place of one; right for a file whose moov is at its end."""
    offsets = box_offsets(data, path)
    old = struct.unpack_from(">I", data, offsets[-1])[0]
    out = bytearray(data[:offsets[-1]] + new + data[offsets[-1] + old:])
    for at in offsets[:-1]:
        struct.pack_into(">I", out, at, struct.unpack_from(">I", data, at)[0] + len(new) - old)
    return bytes(out)


def box_bytes(data, path):
    at = box_offsets(data, path)[-1]
    return data[at:at + struct.unpack_from(">I", data, at)[0]]


def cut(data, percent):
    return data[:len(data) * percent // 100]


def hurt(data, begin, end, seed, count=8):
    """A run of random bytes somewhere in begin..end."""
    chance = random.Random(seed)
    at = chance.randrange(begin, end - count)
    return data[:at] + chance.randbytes(count) + data[at + count:]


def hurt_box(data, name, seed, count=8):
    at = box_offsets(data, name)[-1]
    size = struct.unpack_from(">I", data, at)[0]
    return hurt(data, at + (size // 2 if name == "mdat" else 16), at + size, seed, count)


def png_chunk(kind, body):
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def picture(kit, ending):
    return kit.make(ending, "-frames:v", "1", "-update", "1")


def fragments(kit):
    return kit.make("mp4", *H264, "-movflags", "frag_keyframe+empty_moov")


def foreign_rows(kit):
    sound = ("-f", "lavfi", "-i", f"{TONE}:d=1")
    yield "empty.mp4", lambda: b"", refused("empty")
    yield "random.mp4", lambda: random.Random(1).randbytes(20000), refused(NO_VIDEO)
    yield "zeros.mp4", lambda: bytes(65536), refused(NO_VIDEO)
    yield "text.mp4", lambda: b"This is a text.\n" * 50, refused(NO_VIDEO)
    yield "page.mp4", lambda: b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n", refused(NO_VIDEO)
    yield "ftyp-only.mp4", lambda: kit.plain[:box_offsets(kit.plain, "mdat")[0]], refused(f"{CUT}|no video|no frames")
    yield "no-frames.mp4", lambda: fragments(kit)[:box_offsets(fragments(kit), "moof")[0]], refused("no frames")
    yield "sound-only.mp4", lambda: kit.make("mp4", "-c:a", "aac", source="", inputs=sound), refused("no video stream")
    yield "sound.mp4", lambda: kit.make("wav", source="", inputs=sound), refused(NO_VIDEO)
    yield "cover-only.mp4", lambda: cover(kit, sound), refused("no video stream")
    yield "subtitles.mkv", lambda: subtitles(kit), refused("no video stream")
    yield "prores.mov", lambda: kit.make("mov", "-c:v", "prores"), refused("prores")
    yield "raw.avi", lambda: kit.make("avi", "-c:v", "rawvideo"), refused("rawvideo")
    yield "av1.mkv", lambda: kit.make("mkv", "-c:v", "libaom-av1", "-cpu-used", "8"), either(r"\bav1\b", like=False)
    yield "gif.mp4", lambda: kit.make("gif", "-loop", "0"), refused(FORMAT)
    yield "transport.mp4", lambda: kit.copy(kit.plain, "ts"), refused(FORMAT)
    yield "elementary.mp4", lambda: kit.copy(kit.plain, "h264"), refused(FORMAT)
    secret = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "a1" * 16, "-encryption_kid", "b2" * 16)
    yield "encrypted.mp4", lambda: kit.make("mp4", *H264, *secret, "-fflags", "+bitexact"), refused("encrypted")


def cover(kit, sound):
    art = kit.save(picture(kit, "jpg"), "jpg")
    return kit.make("mp4", "-map", "0:a", "-map", "1:v", "-c:a", "aac", "-c:v", "copy", "-disposition:v:0", "attached_pic",
                    source="", inputs=(*sound, "-i", art))


def subtitles(kit):
    text = kit.save(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", "srt")
    return kit.make("mkv", source="", inputs=("-i", text))


def reference_rows(kit, port):
    good, url = kit.save(kit.plain), f"http://127.0.0.1:{port}/a.mp4"
    texts = {
        "playlist-file": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{good}\n#EXT-X-ENDLIST\n",
        "playlist-url": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{good}'\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
               f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
                f'<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
                f'</Representation></AdaptationSet></Period></MPD>',
    }
    for name, text in texts.items():
        yield f"refers-{name}.mp4", lambda t=text: t.encode(), refused(NO_VIDEO)
    passwd = box("url ", bytes(4), b"file:///etc/passwd\0")
    yield "refers-url.mp4", lambda: with_reference(kit.plain, passwd), either("refer|external|no frames")
    head = box_bytes(kit.plain, "ftyp") + box_bytes(kit.plain, "moov")
    yield "refers-url-alone.mp4", lambda: with_reference(head, passwd), refused(f"refer|external|{CUT}")
    yield "refers-alias.mp4", lambda: with_reference(kit.plain, alias(str(good))), either("refer|external|no frames")


def with_reference(data, entry):
    return replaced(data, "moov/trak/mdia/minf/dinf/dref", box("dref", bytes(4), struct.pack(">I", 1), entry))


def alias(target):
    """An Apple alias record as libavformat reads it, with the absolute path in its part 18."""
    name = os.path.basename(target).encode()
    head = bytes(10) + bytes([0]) + bytes(27) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    path = target.encode() + b"\0" * (len(target) % 2)
    parts = struct.pack(">hH", 2, len(path)) + path + struct.pack(">hH", 18, len(path)) + path + struct.pack(">hH", -1, 0)
    return box("alis", bytes(4), head, struct.pack(">hh", 1, 1), bytes(16), parts)


def lie_rows(kit):
    plain, far = kit.plain, 0xFFFFFFFF
    edits = box("elst", bytes(4), struct.pack(">I", 30000), struct.pack(">IiI", 1000, 0, 0x10000) * 30000)
    deep = b"".join(struct.pack(">I4s", 8 * (20000 - k), b"moov") for k in range(20000))
    track = box_bytes(plain, "moov/trak")
    yield "lie-track-size.mp4", lambda: patched(plain, "moov/trak/tkhd", 84, far, far), either(LARGE)
    yield "lie-entry-size.mp4", lambda: patched(plain, f"{STBL}/stsd", 48, 65535, 65535, kind="H"), either(LARGE)
    yield "lie-hours.mp4", lambda: patched(patched(plain, "moov/mvhd", 24, 360000000), "moov/trak/mdia/mdhd", 24, far), stored()
    yield "lie-times-count.mp4", lambda: patched(plain, f"{STBL}/stts", 12, far), either(f"{DAMAGED}|memory")
    yield "lie-times-run.mp4", lambda: patched(plain, f"{STBL}/stts", 16, far), either(DAMAGED)
    yield "lie-size-count.mp4", lambda: patched(plain, f"{STBL}/stsz", 16, far), refused(DAMAGED)
    yield "lie-sample-bomb.mp4", lambda: patched(plain, f"{STBL}/stsz", 12, 1, 0x0FFFFFFF), refused(f"frames|memory|{DAMAGED}")
    yield "lie-offset.mp4", lambda: patched(plain, f"{STBL}/stco", 16, 0x7FFFFFFF), refused(CUT)
    yield "lie-moov-size.mp4", lambda: patched(plain, "moov", 0, far), either(DAMAGED)
    yield "lie-days.mp4", lambda: slow(kit.straight), either("time", slow_times(kit.straight), slack=1, like=False)
    yield "loop-edits.mp4", lambda: replaced(plain, "moov/trak/edts/elst", edits), refused("frames|edit")
    yield "nested.mp4", lambda: box_bytes(plain, "ftyp") + deep, refused(f"{DAMAGED}|no ")
    yield "tracks.mp4", lambda: replaced(plain, "moov/trak", track * 40), either("streams|tracks")
    yield "equal-times.mp4", lambda: patched(kit.straight, f"{STBL}/stts", 20, 0), refused("time")
    backwards = ("-bsf:v", "setts=pts=(20-N)*1024:dts=N*100")
    yield "backward-times.mkv", lambda: kit.copy(kit.straight, "mkv", *backwards), refused("time|damage")
    yield "large-picture.png", lambda: large_png(picture(kit, "png")), refused(f"{LARGE}|damaged")
    yield "large-picture.jpg", lambda: large_jpeg(picture(kit, "jpg")), refused(f"{LARGE}|damaged")
    yield "large-8k.mp4", lambda: kit.make("mp4", "-c:v", "libx264", "-preset", "ultrafast", "-frames:v", "1",
                                           source="color=s=7680x4320:r=10"), refused(LARGE)


def slow(data):
    """Each frame lasts more than a day."""
    return replaced(patched(data, f"{STBL}/stts", 20, 0x3FFFFFFF), "moov/trak/edts", b"")


def slow_times(data):
    second = struct.unpack_from(">I", data, box_offsets(data, "moov/trak/mdia/mdhd")[-1] + 20)[0]
    return tuple(k * 0x3FFFFFFF / second for k in range(10))


def large_png(data):
    width_height = struct.pack(">II", 30000, 30000)
    return data[:8] + png_chunk(b"IHDR", width_height + data[24:29]) + data[33:]


def large_jpeg(data):
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", 65500, 65500) + data[at + 4:]


def damage_rows(kit):
    judged = either(DAMAGED, like=False, judged=True)
    sources = {"hevc.mp4": lambda: hevc(kit), "mpeg4.mp4": lambda: kit.make("mp4", "-c:v", "mpeg4"),
               "mjpeg.mov": lambda: kit.make("mov", "-c:v", "mjpeg"),
               "vp9.mp4": lambda: kit.make("mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8")}
    for seed in range(5):
        yield f"hurt-{seed}-moov.mp4", lambda s=seed: hurt_box(kit.plain, "moov", s), Expect(TEN, ".", like=False, slack=math.inf)
        yield f"hurt-{seed}-h264.mp4", lambda s=seed: hurt_box(kit.plain, "mdat", s, 40), judged
        yield f"hurt-{seed}-matroska.mkv", lambda s=seed: hurt(kit.matroska, 300, len(kit.matroska), s), judged
        yield f"hurt-{seed}-webm.webm", lambda s=seed: hurt(vp8(kit), 300, len(vp8(kit)), s, 200), judged
        for name, make in sources.items():
            yield f"hurt-{seed}-{name}", lambda s=seed, m=make: hurt_box(m(), "mdat", s, 40), judged
    yield "hurt-block.mkv", lambda: hurt_block(kit.matroska), refused(DAMAGED)
    yield "hurt-third.mp4", lambda: hurt_box(kit.plain, "mdat", 1, len(kit.plain) // 3), refused("damage")
    yield "hurt-picture.png", lambda: hurt(picture(kit, "png"), 60, 900, 1), refused("damage")
    drop = ("-bsf:v", "noise=drop='eq(n,0)'")
    sources["h264.mp4"] = lambda: kit.straight
    for name in ("h264", "hevc", "mpeg4", "vp9"):
        yield f"no-keyframe-{name}.mkv", lambda n=name: kit.copy(sources[f"{n}.mp4"](), "mkv", *drop), refused("damage|key")


def hurt_block(data):
    """The sixth block of a Matroska file declares more bytes than its cluster has."""
    at = [found.start() for found in re.finditer(rb"\xa3[\x40-\x7f].\x81", data, re.DOTALL)][5]
    return data[:at + 1] + b"\x08\xff\xff\xff" + data[at + 5:]


def hevc(kit, *words):
    return kit.make("mp4", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", *words)


def vp8(kit):
    return kit.make("webm", "-c:v", "libvpx", "-b:v", "1M")


def codec_rows(kit):
    x264 = ("-c:v", "libx264", "-preset", "veryfast")
    yield "plain.mp4", lambda: kit.plain, stored()
    yield "front.mp4", lambda: kit.front, stored()
    yield "fragments.mp4", lambda: fragments(kit), stored()
    yield "hevc.mp4", lambda: hevc(kit), stored()
    yield "hevc-10.mp4", lambda: hevc(kit, "-pix_fmt", "yuv420p10le"), stored()
    yield "vp8.webm", lambda: vp8(kit), stored()
    yield "vp9.webm", lambda: kit.make("webm", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-b:v", "1M"), stored()
    yield "mjpeg.avi", lambda: kit.make("avi", "-c:v", "mjpeg", "-q:v", "3"), stored()
    yield "mpeg4.avi", lambda: kit.make("avi", "-c:v", "mpeg4", "-q:v", "3"), stored()
    yield "h264.avi", lambda: kit.make("avi", *H264), stored()
    yield "h264-straight.avi", lambda: kit.copy(kit.straight, "avi"), stored()
    yield "mpeg4-b.avi", lambda: kit.make("avi", "-c:v", "mpeg4", "-q:v", "3", "-bf", "2"), stored()
    yield "mpeg4-b.mp4", lambda: kit.make("mp4", "-c:v", "mpeg4", "-q:v", "3", "-bf", "2"), stored()
    yield "matroska-called.mp4", lambda: kit.matroska, stored()
    yield "webm-called.mp4", lambda: vp8(kit), stored()
    yield "mp4-called.avi", lambda: kit.plain, stored()
    yield "png-called.mp4", lambda: picture(kit, "png"), stored((0,))
    yield "jpeg-called.png", lambda: picture(kit, "jpg"), stored((0,))
    yield "sequence-%03d.png", lambda: picture(kit, "png"), stored((0,))
    yield "interlaced.mp4", lambda: kit.make("mp4", *H264, "-flags", "+ildct+ilme", "-x264-params", "tff=1"), stored()
    yield "ten-bit.mp4", lambda: kit.make("mp4", *x264, "-pix_fmt", "yuv420p10le"), stored()
    yield "chroma444.mp4", lambda: kit.make("mp4", *x264, "-pix_fmt", "yuv444p"), stored()
    yield "grey.mp4", lambda: kit.make("mp4", *x264, "-pix_fmt", "gray"), stored()
    yield "full-range.mp4", lambda: kit.make("mp4", *H264, "-vf", "scale=out_range=pc", "-color_range", "pc"), stored()
    yield "lossless.mp4", lambda: kit.make("mp4", *x264, "-qp", "0", "-pix_fmt", "yuv444p"), stored()
    for turns in (1, 2, 3):
        shown = SIZE[::-1] if turns % 2 else SIZE
        yield f"turned-{turns}.mp4", lambda t=turns: kit.turned(90 * t), stored(turns=turns, size=shown)


def shape_rows(kit):
    odd = (*H264[:-1], "yuv444p")
    for width, height in ((16, 16), (2, 2), (101, 77), (2000, 16), (16, 2000), (1, 33)):
        yield f"size-{width}x{height}.mp4", lambda w=width, h=height: kit.make(
            "mp4", *odd, "-vf", f"scale={w}:{h},setsar=1"), stored(size=(width, height), like=False)
    for name in ("mkv", "mp4"):
        yield f"size-change.{name}", lambda n=name: kit.copy(size_change(kit), n), \
            either("size", tuple(k / 10 for k in range(20)), like=False)
    yield "one-frame.mp4", lambda: kit.make("mp4", *H264, "-frames:v", "1"), stored((0,))
    yield "two-frames.mp4", lambda: kit.make("mp4", *H264, "-frames:v", "2"), stored((0, 0.1))
    uneven = ("-vf", "select='not(eq(mod(n,3),1))'", "-fps_mode", "vfr")
    for name in ("mp4", "mkv"):
        yield f"uneven.{name}", lambda n=name: kit.make(n, *H264, *uneven), stored(t for k, t in enumerate(TEN) if k % 3 != 1)
    yield "late-start.mkv", lambda: kit.copy(kit.plain, "mkv", "-output_ts_offset", "100"), stored()
    yield "negative-offsets.mp4", lambda: kit.copy(kit.plain, "mp4", "-movflags", "negative_cts_offsets"), stored()
    yield "trimmed.mp4", lambda: kit.copy(kit.plain, "mp4", before=("-ss", "0.3")), stored(TEN[:7], like=False)
    yield "open-gop.mp4", lambda: kit.make("mp4", *H264, "-bf", "3", "-x264-params", "open-gop=1"), stored()
    yield "two-videos.mp4", lambda: kit.make("mp4", *H264, "-map", "0", "-map", "1",
                                             inputs=("-f", "lavfi", "-i", "testsrc2=s=80x60:r=5:d=2")), stored()
    yield "with-cover.mp4", lambda: kit.make(
        "mp4", "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic", source="",
        inputs=("-i", kit.save(kit.plain), "-i", kit.save(picture(kit, "jpg"), "jpg"))), stored()
    spread = tuple((2 * k + 1) * 3000 / (2 * FRAMES) / 5 for k in range(FRAMES))
    yield "long.mp4", lambda: kit.make("mp4", *H264, source="testsrc2=s=32x32:r=5:d=600"), \
        stored(spread, size=(32, 32), slack=5, like=False)


def size_change(kit):
    small = kit.make("mp4", *H264, "-bf", "0", source="testsrc2=s=80x60:r=10:d=1")
    return kit.copy(kit.straight, "ts") + kit.copy(small, "ts", "-output_ts_offset", "1")
