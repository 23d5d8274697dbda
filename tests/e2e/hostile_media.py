#!/usr/bin/python3
"""Hostile and odd media through interceptor-prepare: each clip is stored whole, or quarantined with its fault named.

  tests/e2e/hostile_media.py --bin build/release/bin [--only WORD] [--slow] [--keep]

The clips are made by ffmpeg and by hand and go into one chunk beside good ones, which must be stored as in a chunk of good ones
alone. Then decoders are killed and stopped at work. Exit code 0 when every row holds.
"""
import argparse
import array
import concurrent.futures
import dataclasses
import itertools
import json
import math
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

SIZE = (160, 120)
TEN = tuple(k / 10 for k in range(10))
SOURCE = "testsrc2=s=160x120:r=10:d=1"
TONE = "sine=frequency=440"
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "5", "-pix_fmt", "yuv420p")
STBL = "moov/trak/mdia/minf/stbl"
VIEW = 64
FRAMES = 64
TIMEOUT = 120
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


def size_change(kit):
    small = kit.make("mp4", *H264, "-bf", "0", source="testsrc2=s=80x60:r=10:d=1")
    return kit.copy(kit.straight, "ts") + kit.copy(small, "ts", "-output_ts_offset", "1")


class Store:
    """What one run of interceptor-prepare left of its chunk."""

    def __init__(self, folder):
        self.files = {name: (folder / name).read_bytes() for name in ("manifest.jsonl", "train.clips", "keep.clips")}
        lines = [json.loads(line) for line in self.files["manifest.jsonl"].decode().splitlines()[1:]]
        self.reasons = {line["clip"]: line["quarantined"] for line in lines if "quarantined" in line}
        self.clips = {}
        for name in ("train.clips", "keep.clips"):
            data = self.files[name]
            offset, size = struct.unpack_from("<QQ", data, 16)
            for clip in json.loads(data[offset:offset + size])["clips"]:
                clip["bytes"] = {view["view"]: tensor_bytes(data, view) for view in clip["views"]}
                self.clips[clip["name"]] = clip

    def facts(self, name):
        clip = self.clips[name]
        return clip["frame_seconds"], clip["attributes"], clip["bytes"], clip.get("series")

    def frames(self, name):
        """The full frames, planar, by their times."""
        clip, size = self.clips[name], VIEW * VIEW * 3 // 2
        pixels = clip["bytes"]["full_frame"]
        return {time: pixels[at * size:(at + 1) * size] for at, time in enumerate(clip["frame_seconds"])}

    def lumas(self, name):
        """The full frames' luma in limited range, by their times."""
        view = next(view for view in self.clips[name]["views"] if view["view"] == "full_frame")
        lumas = {time: frame[:VIEW * VIEW] for time, frame in self.frames(name).items()}
        if not view["yuv"]["full_range"]:
            return lumas
        return {time: bytes(16 + level * 219 // 255 for level in luma) for time, luma in lumas.items()}


def tensor_bytes(data, view):
    return data[view["offset"]:view["offset"] + math.prod(view["shape"]) * {"u8": 1, "f32": 4}[view["type"]]]


def write_chunk(path, clips, originals):
    """A zip of `clips`, name -> bytes: those of `originals` are real, the others fakes of the first."""
    labels = {name: {"label": "REAL"} if name in originals else {"label": "FAKE", "original": originals[0]} for name in clips}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**clips, "metadata.json": json.dumps(labels)}.items():
            archive.writestr(zipfile.ZipInfo(name), data)


class Preparer:
    """interceptor-prepare at work on one chunk, in a folder of its own."""

    def __init__(self, programs, folder, clips, originals, decoders=2, frames=FRAMES):
        self.folder = folder
        folder.mkdir()
        write_chunk(folder / "00.zip", clips, originals)
        preparation = {"view_pixels": VIEW, "frames_per_fake": frames, "frames_per_real": frames, "unmatched_share_max": 1}
        (folder / "run.json").write_text(json.dumps({"version": 1, "preparation": preparation}))
        self.begun = time.monotonic()
        words = [programs / "interceptor-prepare", "00.zip", "--out", "store", "--settings", "run.json", "--decoders", decoders]
        with open(folder / "output.txt", "wb") as output:
            self.process = subprocess.Popen([str(word) for word in words], cwd=folder, stdout=output, stderr=output,
                                            preexec_fn=allow_cores)

    def busy_decoder(self):
        """The process number of a decoder that has locked itself in and computes: it has a clip."""
        while self.process.poll() is None:
            for entry in pathlib.Path("/proc").glob("[0-9]*/status"):
                facts = dict(re.findall(r"^(Name|State|PPid|Seccomp):\s*(\S+)", text_of(entry), re.MULTILINE))
                if facts == {"Name": "interceptor-dec", "State": "R", "PPid": str(self.process.pid), "Seccomp": "2"}:
                    return int(entry.parent.name)
        raise RuntimeError("the chunk was prepared before a decoder was seen at work")

    def finish(self, timeout=TIMEOUT):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"no end within {timeout} s")
        output = (self.folder / "output.txt").read_text(errors="replace")
        if code != 0:
            raise RuntimeError(f"exit code {code}: {output[-300:]}")
        if CRASH.search(output):
            raise RuntimeError(f"a crash: {CRASH.search(output)[0]}")
        if list(self.folder.glob("**/core*")):
            raise RuntimeError("a core file")
        self.seconds = time.monotonic() - self.begun
        return Store(self.folder / "store/00")


def allow_cores():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def text_of(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def turned_back(luma, turns):
    rows = [luma[at:at + VIEW] for at in range(0, len(luma), VIEW)]
    for _ in range(turns):
        rows = list(zip(*rows))[::-1]
    return b"".join(map(bytes, rows))


def distance(a, b):
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def reason_faults(reason, expect):
    if not reason.isprintable() or not 5 <= len(reason) <= 300:
        yield f"its reason is not one readable line: {reason!r}"
    if CRASH.search(reason):
        yield f"it ended a decoder: {reason}"
    elif not expect.words:
        yield f"it must be stored but is quarantined: {reason}"
    elif not re.search(expect.words, reason, re.IGNORECASE):
        yield f"its reason does not name the fault ({expect.words}): {reason}"


def stored_faults(store, name, expect):
    seconds, attributes, views, _ = store.facts(name)
    if not expect.times:
        yield f"it must be quarantined ({expect.words}) but {len(seconds)} frames are stored, to {seconds[-1]:.3f} s"
        return
    if any(b <= a for a, b in zip(seconds, seconds[1:])) or seconds[0] < 0:
        yield f"its times do not ascend: {seconds}"
    if len(seconds) != len(expect.times):
        yield f"{len(seconds)} frames are stored, {len(expect.times)} are in it"
    elif any(abs(a - b) > expect.slack for a, b in zip(seconds, expect.times)):
        yield f"its times are {[round(s, 3) for s in seconds]}, expected {[round(s, 3) for s in expect.times]}"
    if (attributes["width"], attributes["height"]) != expect.size:
        yield f"its size is {attributes['width']}x{attributes['height']}, expected {expect.size}"
    if expect.sound not in (None, bool(attributes["has_sound"])):
        yield f"its sound is {'not ' if expect.sound else ''}stored"
    if not all(map(math.isfinite, array.array("f", views.get("log_mel", b"")))):
        yield "its sound has numbers that are not finite"
    if expect.like and "plain.mp4" in store.clips:
        plain = store.lumas("plain.mp4")
        worst = max(distance(plain[min(plain, key=lambda other: abs(other - time))], turned_back(frame, expect.turns))
                    for time, frame in store.lumas(name).items())
        if worst > FAR:
            yield f"a frame is {worst:.1f} levels from the plain clip's"


def row_faults(store, name, expect):
    if name in store.reasons:
        yield from reason_faults(store.reasons[name], expect)
    elif name in store.clips:
        yield from stored_faults(store, name, expect)
    else:
        yield "it is in the manifest in no form"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, name, faults):
        faults = list(faults)
        self.passed += not faults
        self.failed += bool(faults)
        for fault in faults:
            print(f"FAILED {name}: {fault}", flush=True)

    def act(self, name, check):
        try:
            self.add(name, check())
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            self.add(name, [repr(error)])


def make_row(kit, name, maker, expect):
    """The clip, or why there is none, and what is expected of it."""
    try:
        data = maker()
    except (Skip, RuntimeError, ValueError) as error:
        return name, error, expect
    return name, data, refused(expect.words) if expect.judged and kit.finds_fault(data) else expect


def make_rows(kit, port, only, tally):
    """name -> (bytes, expectation) of every row that this ffmpeg can make."""
    kinds = (foreign_rows(kit), reference_rows(kit, port), cut_rows(kit), lie_rows(kit), damage_rows(kit), codec_rows(kit),
             shape_rows(kit), sound_rows(kit))
    wanted = [row for row in itertools.chain(*kinds) if only in row[0] or row[0] == "plain.mp4"]
    rows = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, made, expect in pool.map(lambda row: make_row(kit, *row), wanted):
            if isinstance(made, bytes):
                rows[name] = made, expect
            elif isinstance(made, Skip):
                print(f"skipped {name}: {made}", flush=True)
            else:
                tally.add(name, [f"it cannot be made: {made}"])
    return rows


def good_clips(kit):
    """Names before, between and after those of the rows."""
    large = kit.make("mp4", *H264, source="testsrc2=s=320x240:r=25:d=2")
    return {"0-good.mp4": kit.plain, "f-good.mp4": large, "p-good.mp4": kit.matroska, "zz-good.mp4": large}


def check_rows(programs, folder, kit, port, only, tally):
    originals, good = ["0-good.mp4", "p-good.mp4"], good_clips(kit)
    rows = make_rows(kit, port, only, tally)
    clips = good | {name: data for name, (data, _) in rows.items()}
    work = Preparer(programs, folder / "hostile", clips, originals)
    store = work.finish()
    print(f"{len(rows)} odd clips prepared in {work.seconds:.1f} s", flush=True)
    for name, (_, expect) in rows.items():
        tally.add(name, row_faults(store, name, expect))

    def again(name, clips, **options):
        return Preparer(programs, folder / name, clips, originals, **options).finish()

    tally.act("good clips", lambda: good_faults(store, again("good", good), good))
    tally.act("one decoder", lambda: differences(store, again("one", clips, decoders=1)))
    tally.act("few frames", lambda: few_faults(store, again("few", clips, frames=4), rows))
    return []


def good_faults(store, alone, good):
    return [f"{name} is stored otherwise beside hostile clips" for name in good
            if name not in store.clips or store.facts(name) != alone.facts(name)]


def differences(a, b):
    return [f"{name} differs" for name in a.files if a.files[name] != b.files[name]]


def few_faults(store, few, rows):
    """Of clips without a fault: frames that are left out must not change those that are kept."""
    for name in (name for name, (_, expect) in rows.items() if not expect.words and name in store.clips):
        if name in few.reasons:
            yield f"{name} is quarantined when fewer frames are wanted: {few.reasons[name]}"
            continue
        all_frames = store.frames(name)
        if len(all_frames) < FRAMES and any(all_frames.get(time) != frame for time, frame in few.frames(name).items()):
            yield f"{name} has other pictures when fewer frames are wanted"


def connections(listener):
    try:
        listener.accept()
        return ["an address inside a clip was connected to"]
    except BlockingIOError:
        return []


def check_disturbed(programs, folder, kit, slow, tally):
    """Decoders killed and stopped at work must not show in the store."""
    clip = kit.make("mp4", *H264, source="testsrc2=s=640x480:r=25:d=2")
    clips = {f"{k:02}.mp4": clip for k in range(10)}
    calm = Preparer(programs, folder / "calm", clips, ["00.mp4"]).finish()

    def disturb(name, *signals):
        work = Preparer(programs, folder / name, clips, ["00.mp4"])
        pid = work.busy_decoder()
        for number in signals:
            os.kill(pid, number)
            time.sleep(1 if number == signal.SIGSTOP else 0)
        return differences(calm, work.finish(TIMEOUT * (4 if slow else 1)))

    tally.act("decoder killed", lambda: disturb("killed", signal.SIGKILL))
    tally.act("decoder crashed", lambda: disturb("crashed", signal.SIGSEGV))
    tally.act("decoder stopped and killed", lambda: disturb("stopped-killed", signal.SIGSTOP, signal.SIGKILL))
    tally.act("decoder stopped for a second", lambda: disturb("stopped", signal.SIGSTOP, signal.SIGCONT))
    if slow:
        tally.act("decoder stopped for good", lambda: disturb("hung", signal.SIGSTOP))
    else:
        print("skipped decoder stopped for good: a clip's deadline is two minutes; --slow waits for it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    parser.add_argument("--only", default="", help="rows whose name has this word")
    parser.add_argument("--slow", action="store_true", help="wait for the deadline of a decoder that hangs")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="interceptor-hostile-"))
    programs, tally = arguments.bin.resolve(), Tally()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        (folder / "made").mkdir()
        kit = Kit(folder / "made")
        port = listener.getsockname()[1]
        tally.act("the chunk", lambda: check_rows(programs, folder, kit, port, arguments.only, tally))
        tally.act("no connection", lambda: connections(listener))
    if not arguments.only:
        tally.act("disturbed decoders", lambda: check_disturbed(programs, folder, kit, arguments.slow, tally) or [])
    print(f"{tally.passed} passed, {tally.failed} failed")
    if arguments.keep:
        print(f"kept {folder}")
    else:
        shutil.rmtree(folder)
    return 0 if tally.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
