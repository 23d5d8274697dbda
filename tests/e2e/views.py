#!/usr/bin/python3
"""The stored full frames against ffmpeg's own: the frame of that time, scaled by the same scaler with the same flags to 4:2:0.

  tests/e2e/views.py --bin build/release/bin

Clips of the kinds that go wrong (portrait, wide pixels, full range, BT.601 and BT.709, 4:2:2 and 10 bit, another codec) are made
by ffmpeg, prepared, and read back from the clip store. Exit code 0 when every frame is within 40 dB.
"""
import argparse
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import stored_clips

SIDE = 224
FRAMES = 16
DECIBEL_MIN = 40
FLAGS = "area+accurate_rnd+bitexact+full_chroma_int"
COLOURS = {"bt709": ("bt709", "bt709", "bt709"), "bt601": ("smpte170m", "smpte170m", "smpte170m")}

# name: (size, ffmpeg's words for the encoder, colours, quarter turns shown, width of a pixel)
CLIPS = {
    "wide": ((1280, 720), ["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"], "bt709", 0, 1),
    "small": ((320, 240), ["-c:v", "libx264", "-pix_fmt", "yuv420p"], "bt601", 0, 1),
    "portrait": ((640, 360), ["-c:v", "libx264", "-pix_fmt", "yuv420p"], "bt601", 1, 1),
    "anamorphic": ((720, 576), ["-c:v", "libx264", "-pix_fmt", "yuv420p"], "bt601", 0, 16 / 11),
    "full-range": ((640, 360), ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-color_range", "pc"], "bt601", 0, 1),
    "chroma422": ((640, 360), ["-c:v", "libx264", "-pix_fmt", "yuv422p"], "bt709", 0, 1),
    "ten-bit": ((640, 360), ["-c:v", "libx264", "-pix_fmt", "yuv420p10le"], "bt709", 0, 1),
    "hevc": ((640, 360), ["-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p"], "bt709", 0, 1),
}


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, **options).stdout


def make_clip(folder, name):
    (width, height), encoder, colours, turns, pixel = CLIPS[name]
    matrix, primaries, curve = COLOURS[colours]
    plain = folder / f"{name}.plain.mp4"
    pixels = ["-vf", f"setsar={'16/11' if pixel != 1 else '1'}"]
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r=25:d=2", *pixels, *encoder, "-colorspace",
        matrix, "-color_primaries", primaries, "-color_trc", curve, plain)
    clip = folder / f"{name}.mp4"
    # Before version 6 the muxer took the turn from a tag.
    old = re.match(rb"ffmpeg version [1-5]\.", run("ffmpeg", "-version"))
    before, after = ([], ["-metadata:s:v:0", "rotate=90"]) if old else (["-display_rotation:v:0", "90"], [])
    run("ffmpeg", "-v", "error", *(before if turns else []), "-i", plain, *(after if turns else []), "-c", "copy", clip)
    return clip


def read_store(folder):
    """Clip name -> (times, colours, bytes of the full frames)."""
    found = {}
    for name, clip in stored_clips.read_chunk(folder).items():
        view = stored_clips.view_of(clip, "full_frame")
        seconds = clip["series"]["full_frame_seconds"]
        require(view["shape"] == [len(seconds), SIDE * 3 // 2, SIDE], f"{name} has the shape {view['shape']}")
        found[name] = (seconds, view["yuv"], clip["bytes"]["full_frame"])
    return found


def even(length):
    return max(2, 2 * round(length / 2))


def shown_size(name):
    (width, height), _, _, turns, pixel = CLIPS[name]
    shown = (width * pixel, height)
    shown = shown[::-1] if turns else shown
    return [even(side * SIDE / max(shown)) for side in shown]


def reference_frames(clip, name, seconds):
    """ffmpeg's planes at those times, without the letterbox."""
    width, height = shown_size(name)
    wanted = "+".join(f"eq(n\\,{round(time * 25)})" for time in seconds)
    span = "pc" if name == "full-range" else "tv"
    filters = f"select='{wanted}',scale={width}:{height}:flags={FLAGS}:in_range={span}:out_range={span},format=yuv420p"
    return run("ffmpeg", "-v", "error", "-i", clip, "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo",
               "-pix_fmt", "yuv420p", "-")


def without_letterbox(frame, name):
    """The planes of a stored frame inside the black around it."""
    width, height = shown_size(name)
    left, top = (SIDE - width) // 4 * 2, (SIDE - height) // 4 * 2
    cut = bytearray()
    for start, part in ((0, 1), (SIDE * SIDE, 2), (SIDE * SIDE * 5 // 4, 2)):
        for row in range(top // part, (top + height) // part):
            begin = start + row * (SIDE // part) + left // part
            cut += frame[begin:begin + width // part]
    return bytes(cut)


def decibel(a, b):
    error = sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)
    return 99 if error == 0 else 10 * math.log10(255 ** 2 / error)


def require(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interceptor-views-") as top:
        folder = pathlib.Path(top)
        clips = {name: make_clip(folder, name) for name in CLIPS}
        labels = {}
        with zipfile.ZipFile(folder / "00.zip", "w") as archive:
            for number, (name, clip) in enumerate(clips.items()):
                archive.write(clip, clip.name)
                fake = number % 2 == 1
                original = list(clips.values())[number - 1].name
                labels[clip.name] = {"label": "FAKE", "original": original} if fake else {"label": "REAL"}
            archive.writestr("metadata.json", json.dumps(labels))
        # The clips show one picture, so families are linked; this one keeps its own fold.
        settings = stored_clips.write_settings(folder / "run.json", f"00/{clips['full-range'].name}")
        run(arguments.bin.resolve() / "interceptor-prepare", folder / "00.zip", "--out", folder / "store", "--settings", settings)
        stored = read_store(folder / "store/00")
        for name, clip in clips.items():
            seconds, colours, pixels = stored[clip.name]
            require(colours == {"matrix": CLIPS[name][2], "full_range": name == "full-range"}, f"{name}: stored as {colours}")
            expected = reference_frames(clip, name, seconds)
            frame = SIDE * SIDE * 3 // 2
            frames = [without_letterbox(pixels[at:at + frame], name) for at in range(0, len(pixels), frame)]
            size = len(frames[0])
            require(len(expected) == size * len(frames), f"{name}: {size * len(frames)} bytes stored, ffmpeg gives {len(expected)}")
            worst = min(decibel(frames[k], expected[k * size:(k + 1) * size]) for k in range(0, len(frames), 4))
            print(f"{name:12} {len(seconds):3} frames, worst {worst:.1f} dB", flush=True)
            require(worst >= DECIBEL_MIN, f"{name}: a frame is {worst:.1f} dB from ffmpeg's, {DECIBEL_MIN} at least are asked for")
    return 0


if __name__ == "__main__":
    sys.exit(main())
