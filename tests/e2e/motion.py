#!/usr/bin/python3
"""What the store holds beside pictures, against independent computations: sound, motion, coded luma.

  tests/e2e/motion.py --bin build/release/bin

A clip that flashes and clicks at once, with AAC's priming, with an edit list, and with sound that begins late: both must be
stored within one hop of the sound's spectrum. The spectrum against numpy's. Patches against ffmpeg's decoded luma, byte for byte,
bursts against its frames, in clips that show a face. Exit code 0 when all of it holds.
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

import numpy

import stored_clips

RATE = 16000
HOP = 160
FLASHES = (1.6, 3.2, 4.8, 6.4)
SPECTRUM_MAX = 1e-3


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


def require(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


def read_store(folder):
    """name -> (the clip's entry of the index, view -> array)."""
    found = {}
    for name, clip in stored_clips.read_chunk(folder).items():
        kinds = {view["view"]: (numpy.uint8 if view["type"] == "u8" else numpy.float32, view["shape"]) for view in clip["views"]}
        found[name] = (clip, {view: numpy.frombuffer(clip["bytes"][view], kind).reshape(shape) for view, (kind, shape) in kinds.items()})
    return found


def prepare(bin_folder, folder, clips):
    """Packs the files (the first one real, the others fakes of it) and prepares them."""
    labels = {clip.name: {"label": "FAKE", "original": clips[0].name} for clip in clips[1:]}
    labels[clips[0].name] = {"label": "REAL"}
    with zipfile.ZipFile(folder / "00.zip", "w") as archive:
        for clip in clips:
            archive.write(clip, clip.name)
        archive.writestr("metadata.json", json.dumps(labels))
    settings = stored_clips.write_settings(folder / "run.json", f"00/{clips[0].name}")
    run(bin_folder / "interceptor-prepare", folder / "00.zip", "--out", folder / "store", "--settings", settings)
    return read_store(folder / "store/00")


def make_flashes(folder, face):
    """The face's clip over and over, with white over the mouth for a frame, and a click, at each of FLASHES."""
    white = "+".join(f"between(t,{time - 0.001},{time + 0.039})" for time in FLASHES)
    clicks = "+".join(f"between(t,{time},{time + 1 / RATE})" for time in FLASHES)
    plain = folder / "priming.mp4"
    run("ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", face, "-f", "lavfi", "-i",
        f"aevalsrc='0.001*sin(2*PI*500*t)+0.9*gt({clicks},0)':s={RATE}:d=8", "-map", "0:v", "-map", "1:a", "-t", "8", "-vf",
        f"setpts=N/25/TB,fps=25,drawbox=x=iw*0.2:y=ih*0.45:w=iw*0.6:h=ih*0.4:color=white:t=fill:enable='{white}'", "-c:v", "libx264", "-g", "25", "-c:a",
        "aac", "-b:a", "128k", plain)
    late = folder / "late.mp4"
    run("ffmpeg", "-v", "error", "-i", plain, "-itsoffset", "0.5", "-i", plain, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    cut = folder / "edited.mp4"  # begins between two keyframes: the edit list hides what comes before
    run("ffmpeg", "-v", "error", "-ss", "0.56", "-i", plain, "-c", "copy", cut)
    mkv = folder / "priming.mkv"
    run("ffmpeg", "-v", "error", "-i", plain, "-c", "copy", mkv)
    return {plain.name: 0.0, late.name: 0.5, cut.name: 0.0, mkv.name: 0.0}


def check_alignment(name, clip, views, shift):
    """Bright mouths and loud columns are the same moments; `shift` is what the sound is late by."""
    moments = 0
    for window, start in enumerate(clip["series"]["mouth_seconds"]):
        luma = views["mouth_track"][window].mean(axis=(1, 2))
        level = views["log_mel"][window][:, 60:].mean(axis=1)
        white = numpy.median(luma) + 30
        bright = [p for p in range(64) if luma[p] > white and (p == 0 or luma[p - 1] <= white)]
        for place in bright:
            column = 4 * place + round(shift * 100)
            if column < 3 or column > 252:
                continue
            near = range(column - 3, column + 4)
            loudest = max(near, key=lambda c: level[c])
            require(abs(loudest - column) <= 1, f"{name}: a flash at {start + 0.04 * place:.2f} s, its click {loudest - column} hops off")
            require(level[loudest] > numpy.median(level) + 3, f"{name}: no click near the flash at {start + 0.04 * place:.2f} s")
            moments += 1
    require(moments > 0, f"{name}: no flash was found with its click")
    return moments


def spectrum(sound, first, columns):
    """The log mel spectrum as worker/media/log_mel.h defines it."""
    corners = 700 * (10 ** (numpy.linspace(0, 2595 * math.log10(1 + RATE / 2 / 700), 82) / 2595) - 1)
    hertz = numpy.arange(257) * RATE / 512
    rise = (hertz - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    fall = (corners[2:, None] - hertz) / (corners[2:] - corners[1:-1])[:, None]
    bands = numpy.maximum(0, numpy.minimum(rise, fall))
    window = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(400) / 400)
    padded = numpy.concatenate([numpy.zeros(200), sound, numpy.zeros(200 + HOP * (first + columns))])
    frames = numpy.stack([padded[HOP * c:HOP * c + 400] * window for c in range(first, first + columns)])
    power = abs(numpy.fft.rfft(frames, 512)) ** 2
    return numpy.log(numpy.maximum(power @ bands.T, 1e-10))


def check_spectrum(clip_path, clip, views):
    sound = numpy.frombuffer(run("ffmpeg", "-v", "error", "-i", clip_path, "-f", "f32le", "-ac", "1", "-ar", RATE, "-"),
                             numpy.float32)
    worst = 0
    for window, start in enumerate(clip["series"]["mouth_seconds"]):
        expected = spectrum(sound, round(start * 100), 256)
        worst = max(worst, abs(expected - views["log_mel"][window]).max())
    require(worst <= SPECTRUM_MAX, f"{clip_path.name}: the log mel spectrum is {worst:.2g} from numpy's")
    return worst


def decoded_luma(path):
    probe = json.loads(run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "json",
                           path))["streams"][0]
    raw = run("ffmpeg", "-v", "error", "-noautorotate", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt",
              "yuv420p", "-")
    width, height = probe["width"], probe["height"]
    frames = numpy.frombuffer(raw, numpy.uint8).reshape(-1, width * height * 3 // 2)
    return frames[:, :width * height].reshape(-1, height, width)


def frame_times(path):
    text = run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path).decode()
    times = [float(line.strip(",")) for line in text.split()]
    return numpy.array(times) - times[0]


def check_patches(path, clip, views):
    luma, times = decoded_luma(path), frame_times(path)
    places = numpy.array(clip["series"]["patch_places"], int).reshape(-1, 3, 2)
    compared = 0
    for row, second in enumerate(clip["series"]["full_frame_seconds"]):
        frame = luma[abs(times - second).argmin()]
        for place, (x, y) in enumerate(places[row]):
            if x < 0:
                continue
            require(x % 16 == 0 and y % 16 == 0, f"{path.name}: a patch at {x}, {y} is off the grid")
            same = (views["luma_patches"][row, place] == frame[y:y + 96, x:x + 96]).all()
            require(same, f"{path.name}: patch {place} at {second:.2f} s is not the decoded luma")
            compared += 1
    there = places[:, :, 0] >= 0
    known = (views["codec_facts"][there] != 255).mean()
    require(known > 0.9, f"{path.name}: quantisers are known of {known:.0%} of the blocks")
    return compared


def check_bursts(path, clip, views):
    times = frame_times(path)
    seconds = numpy.array(clip["series"]["burst_seconds"]).reshape(-1, 16)
    require(len(views["burst"]) == len(seconds) == len(clip["series"]["burst_boxes"]) // 3, f"{path.name}: bursts and their boxes differ")
    for burst in seconds:
        first = abs(times - burst[0]).argmin()
        require(abs(times[first:first + 16] - burst).max() < 1e-3, f"{path.name}: a burst leaves out a frame")
        require(numpy.diff(burst).max() <= 1.5 * numpy.median(numpy.diff(times)), f"{path.name}: a burst goes across a gap")
    return len(seconds)


def faces(bin_folder, folder):
    """Clips that show a face."""
    run(bin_folder / "interceptor-synth", "make", "--out", folder / "synth", "--chunks", "1", "--families", "2", "--size", "480x360",
        "--frames", "60")
    clips = []
    with zipfile.ZipFile(folder / "synth/00.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".mp4"):
                clips.append(folder / pathlib.Path(name).name)
                clips[-1].write_bytes(archive.read(name))
    return clips


def turned(clip):
    """The clip lying on its side, with a note to turn it upright."""
    lying, noted = clip.with_suffix(".lying.mp4"), clip.with_suffix(".turned.mp4")
    run("ffmpeg", "-v", "error", "-i", clip, "-vf", "transpose=clock", "-c:v", "libx264", "-c:a", "copy", lying)
    # Before version 6 the muxer took the turn from a tag.
    old = re.match(rb"ffmpeg version [1-5]\.", run("ffmpeg", "-version"))
    before, after = ([], ["-metadata:s:v:0", "rotate=90"]) if old else (["-display_rotation:v:0", "90"], [])
    run("ffmpeg", "-v", "error", *before, "-i", lying, *after, "-c", "copy", noted)
    return noted


def with_gap(clip):
    """The clip without ten frames in its middle, where a burst would lie."""
    out = clip.with_suffix(".gap.mp4")
    run("ffmpeg", "-v", "error", "-i", clip, "-vf", "select='not(between(n,25,34))'", "-fps_mode", "vfr", "-c:v", "libx264", "-c:a", "copy", out)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    bin_folder = parser.parse_args().bin.resolve()
    with tempfile.TemporaryDirectory(prefix="interceptor-motion-") as top:
        folder = pathlib.Path(top)
        clips = faces(bin_folder, folder)
        shifts = make_flashes(folder, clips[0])
        clips.append(with_gap(clips[0]))
        clips.append(turned(clips[1]))
        stored = prepare(bin_folder, folder, clips + [folder / name for name in shifts])
        for name, shift in shifts.items():
            print(f"{name:14} {check_alignment(name, *stored[name], shift)} flashes with their clicks", flush=True)
        worst = check_spectrum(folder / "priming.mp4", *stored["priming.mp4"])
        print(f"log mel        within {worst:.1g} of numpy's", flush=True)
        patches = sum(check_patches(clip, *stored[clip.name]) for clip in clips)
        bursts = sum(check_bursts(clip, *stored[clip.name]) for clip in clips)
        require(patches > 0 and bursts > 0, "no patch or no burst was stored")
        require(stored[clips[-1].name][0]["attributes"]["face_share"] > 0, "no face was found in the clip that lies on its side")
        print(f"coded luma     {patches} patches equal ffmpeg's, {bursts} bursts whole", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
