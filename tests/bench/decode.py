#!/usr/bin/python3
"""What decoding costs, side by side: ours, plain ffmpeg, and OpenCV with one seek for each frame.

  tests/bench/decode.py [--bin build/release/bin] [--clip FILE]

Without --clip, one is made that is shaped like those of DFDC: a face that speaks, 10 s, 1080p, 30 frames a second, H.264 of 3.2 Mbit/s
with two keyframes, three quarters of it B frames in a pyramid. Medians of five, taken in turns. Prints the table of
docs/performance.md.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 5
PYRAMID = "keyint=250:bframes=3:b-pyramid=normal:b-adapt=0:scenecut=0:ref=3"


def make_face(bin_folder, folder):
    """Three seconds of a drawn face, with its sound."""
    subprocess.run([bin_folder / "interceptor-synth", "make", "--out", folder / "face", "--chunks", "1", "--families", "1",
                    "--fakes-per-family", "1", "--size", "1920x1080", "--frames", "75"], check=True, capture_output=True)
    with zipfile.ZipFile(folder / "face/00.zip") as archive:
        label_file = next(name for name in archive.namelist() if name.endswith(".json"))
        labels = json.loads(archive.read(label_file))
        real = next(name for name in archive.namelist() if labels.get(pathlib.Path(name).name, {}).get("label") == "REAL")
        (folder / "face.mp4").write_bytes(archive.read(real))
    return folder / "face.mp4"


def make_clip(bin_folder, folder, size="1920x1080", seconds=10, bits="3.2M"):
    face, clip = folder / "face.mp4", folder / f"{size}.mp4"
    if not face.exists():
        make_face(bin_folder, folder)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", face, "-t", str(seconds), "-vf",
                    f"scale={size.replace('x', ':')},fps=30,noise=alls=8:allf=t", "-c:v", "libx264", "-preset", "faster", "-b:v", bits,
                    "-x264-params", PYRAMID, "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", clip], check=True)
    return clip


def decode_words(clip):
    return ["ffmpeg", "-v", "error", "-threads", "1", "-i", clip, "-an", "-f", "null", "-"]


def user_seconds(words):
    """Of one child."""
    before = os.times().children_user
    subprocess.run(words, check=True)
    return os.times().children_user - before


def wall_seconds(commands):
    """Until all of them, started together, have ended."""
    begin = time.monotonic()
    for child in [subprocess.Popen(words, stdout=subprocess.DEVNULL) for words in commands]:
        if child.wait() != 0:
            raise SystemExit(f"{child.args} failed")
    return time.monotonic() - begin


def bench_words(bin_folder, clip, *more):
    return [bin_folder / "interceptor-bench", "decode", "--clip", clip, "--frames", "16", *more, "--json"]


def bench(bin_folder, clip, *more):
    done = subprocess.run(bench_words(bin_folder, clip, *more), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def speedup_of_two(words):
    return statistics.median(2 * wall_seconds([words]) / wall_seconds([words, words]) for _ in range(ROUNDS))


def measure(bin_folder, clip, folder):
    ours, peer, origin = [], [], []
    for _ in range(ROUNDS):
        ours.append(bench(bin_folder, clip, "--repeat", "1", "--origin"))
        peer.append(user_seconds(decode_words(clip)))
        origin.append(ours[-1]["origin_cpu_s"])
    median = {key: statistics.median(row[key] for row in ours) for key in ours[0]}
    wide = bench(bin_folder, make_clip(bin_folder, folder, "3840x2160", 4, "12M"), "--repeat", "1")
    return {
        "ffmpeg_user_s": statistics.median(peer),
        **median,
        "cpu_ratio": median["cpu_s"] / statistics.median(peer),
        "all_views_ratio": median["all_views_cpu_s"] / statistics.median(peer),
        "origin_ratio": median["cpu_s"] / statistics.median(origin),
        "reread_ratio": median["reread_cpu_s"] / median["all_views_cpu_s"],
        "two_decoders": speedup_of_two(bench_words(bin_folder, clip, "--repeat", "5")),
        "two_ffmpegs": speedup_of_two(decode_words(clip)),
        "rss_4k_mb": wide["rss_mb"],
    }


ROWS = (
    ("plain `ffmpeg -threads 1 -i clip -an -f null -`, user time", "ffmpeg_user_s", "s"),
    ("full frames alone, zip entry to clip store", "cpu_s", "s"),
    ("of ffmpeg's", "cpu_ratio", ""),
    ("every view", "all_views_cpu_s", "s"),
    ("of ffmpeg's", "all_views_ratio", ""),
    ("OpenCV, one seek for each frame", "origin_cpu_s", "s"),
    ("full frames alone, of OpenCV's", "origin_ratio", ""),
    ("reading the same samples again", "reread_cpu_s", "s"),
    ("of preparing every view", "reread_ratio", ""),
    ("two decoders, speed-up", "two_decoders", ""),
    ("two ffmpegs, speed-up", "two_ffmpegs", ""),
    ("searched frames with a face", "face_rate", ""),
    ("peak memory of a decoder, 1080p", "rss_mb", "MB"),
    ("peak memory of a decoder, 4K", "rss_4k_mb", "MB"),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--clip", type=pathlib.Path, help="a clip to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interceptor-bench-") as top:
        folder = pathlib.Path(top)
        figures = measure(arguments.bin, arguments.clip or make_clip(arguments.bin, folder), folder)
    print("| what | figure |\n|---|---|")
    for what, key, unit in ROWS:
        print(f"| {what} | {figures[key]:.3g} {unit}".rstrip() + " |")


if __name__ == "__main__":
    main()
