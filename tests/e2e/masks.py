#!/usr/bin/python3
"""block_mask against where a fake is known to differ: a square that moves over its original's pictures.

  tests/e2e/masks.py --bin build/release/bin

ffmpeg makes originals and, with another encoder's choice of frames, fakes with a white square on them; the mask of each frame must
lie where the square is at that frame's time, upright and turned. A fake of another size has no mask. Exit code 0 when all holds.
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

RATE = 25
SECONDS = 6
SIZE = (640, 360)
SQUARE = 96
CELLS = 28
# Of a cell of the letterboxed view, in pixels of the picture.
CELL = SIZE[0] / CELLS
OFF_CENTRE_MAX = 0.5 * CELL
# The others share pictures with their original but for the codec's losses.
NOISE_MAX = 12


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


def square_at(seconds):
    """The left upper corner."""
    return 40 + 70 * seconds, 30 + 25 * seconds


def encode(target, square, size, encoder):
    x, y = ("40+70*t", "30+25*t")
    # Dark, so that the square differs by the same everywhere.
    pictures = f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r={RATE}:d={SECONDS},format=yuv420p,lutyuv=y=val/4[a]"
    if square:
        pictures += f";color=white:s={SQUARE}x{SQUARE}:r={RATE}:d={SECONDS}[b];[a][b]overlay=x='{x}':y='{y}':eval=frame[a]"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"{pictures};[a]scale={size[0]}:{size[1]},format=yuv420p", "-c:v", "libx264", *encoder,
        target)


def turn(clip):
    """The same pictures, shown a quarter turn counter-clockwise."""
    turned = clip.with_name(f"turned-{clip.name}")
    old = re.match(rb"ffmpeg version [1-5]\.", run("ffmpeg", "-version"))
    before, after = ([], ["-metadata:s:v:0", "rotate=90"]) if old else (["-display_rotation:v:0", "90"], [])
    run("ffmpeg", "-v", "error", *before, "-i", clip, *after, "-c", "copy", turned)
    return turned


def make_chunk(folder):
    """Originals, a fake of each, and a fake of another size."""
    encode(folder / "real.mp4", False, SIZE, ["-bf", "3", "-b_strategy", "0", "-crf", "20"])
    encode(folder / "fake.mp4", True, SIZE, ["-bf", "2", "-b_strategy", "1", "-crf", "24", "-g", "40"])
    encode(folder / "small-fake.mp4", True, (SIZE[0] // 2, SIZE[1] // 2), ["-crf", "24"])
    families = {"real.mp4": ["fake.mp4", "small-fake.mp4"]}
    families[turn(folder / "real.mp4").name] = [turn(folder / "fake.mp4").name]
    labels = {}
    for original, fakes in families.items():
        labels[original] = {"label": "REAL"}
        labels.update({fake: {"label": "FAKE", "original": original} for fake in fakes})
    with zipfile.ZipFile(folder / "00.zip", "w") as archive:
        for name in labels:
            archive.write(folder / name, name)
        archive.writestr("metadata.json", json.dumps(labels))
    return folder / "00.zip"


def read_masks(store):
    """Clip name -> (times, known, masks of the full frame), None where it has none (docs/clip-store.md)."""
    found = {}
    for name, clip in stored_clips.read_chunk(store / "00").items():
        view = stored_clips.view_of(clip, "block_mask")
        found[name] = None
        if view is None:
            continue
        require(view["shape"][1:] == [2, CELLS, CELLS], f"{name}: a mask of shape {view['shape']}")
        cells = clip["bytes"]["block_mask"]
        frames = [cells[at:at + CELLS * CELLS] for at in range(0, len(cells), 2 * CELLS * CELLS)]
        found[name] = (clip["series"]["full_frame_seconds"], clip["series"]["mask_known"], frames)
    return found


def centre_of(mask):
    """Of what differs, in cells."""
    weights = [max(0, value - NOISE_MAX) for value in mask]
    total = sum(weights)
    require(total > 0, "a mask shows nothing where the square is")
    x = sum(weight * (at % CELLS + 0.5) for at, weight in enumerate(weights)) / total
    y = sum(weight * (at // CELLS + 0.5) for at, weight in enumerate(weights)) / total
    return x, y


def check_fake(name, times, known, masks, turned):
    require(sum(known) >= len(known) / 2, f"{name}: only {sum(known):.0f} of {len(known)} frames have a mask")
    worst = 0.0
    for seconds, is_known, mask in zip(times, known, masks):
        if not is_known:
            require(max(mask) == 0, f"{name}: a mask that is not known is not zero")
            continue
        left, top = square_at(round(seconds * RATE) / RATE)
        middle = (left + SQUARE / 2, top + SQUARE / 2)
        if turned:
            middle = (middle[1], SIZE[0] - middle[0])
        width, height = (SIZE[1], SIZE[0]) if turned else SIZE
        x, y = centre_of(mask)
        shown = (x * CELL - (SIZE[0] - width) / 2, y * CELL - (SIZE[0] - height) / 2)
        worst = max(worst, math.dist(shown, middle))
    print(f"{name:16} {sum(known):.0f} of {len(known)} frames known, {worst:.1f} pixels off at most", flush=True)
    require(worst <= OFF_CENTRE_MAX, f"{name}: a mask lies {worst:.1f} pixels from the square, {OFF_CENTRE_MAX:.1f} are allowed")


def require(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interceptor-masks-") as top:
        folder = pathlib.Path(top)
        settings = stored_clips.write_settings(folder / "run.json", "00/real.mp4")
        run(arguments.bin.resolve() / "interceptor-prepare", make_chunk(folder), "--out", folder / "store", "--settings", settings)
        masks = read_masks(folder / "store")
        for name in ("fake.mp4", "turned-fake.mp4"):
            require(masks[name] is not None, f"{name} has no mask")
            check_fake(name, *masks[name], turned=name.startswith("turned"))
        for name in ("real.mp4", "turned-real.mp4", "small-fake.mp4"):
            require(masks[name] is None, f"{name} has a mask")
    return 0


if __name__ == "__main__":
    sys.exit(main())
