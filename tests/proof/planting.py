"""Plants in a filmed clip what the synthetic fakes carry: at the face and with the same last encode as the clip beside it."""
import io
import json
import subprocess

import numpy
from PIL import Image

ENCODE = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
# Half axes of the planted ellipse in sides of the face's box: brows to chin, and the whole head. As tests/synth plants in given clips.
INNER = (0.36, 0.45)
HEAD = (0.60, 0.74)
SEAM = 0.1  # of the half axes
GRID = (3, 5)  # of the foreign 8x8 blocks
SOUND_EARLY = 0.4


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, **more).stdout


class Film:
    """The first seconds of a clip as planes of 4:2:0: `luma` and `colour`, [frames, ...] of bytes."""

    def __init__(self, path, seconds):
        stream = json.loads(run("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height,avg_frame_rate",
                                "-of", "json", path))["streams"][0]
        self.width, self.height, self.rate = stream["width"], stream["height"], stream["avg_frame_rate"]
        raw = run("ffmpeg", "-v", "error", "-noautorotate", "-t", seconds, "-i", path, "-an", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
        planes = numpy.frombuffer(raw, numpy.uint8).reshape(-1, self.width * self.height * 3 // 2).copy()
        self.luma = planes[:, :self.width * self.height].reshape(-1, self.height, self.width)
        self.colour = planes[:, self.width * self.height:].reshape(-1, 2, self.height // 2, self.width // 2)

    def frames_per_second(self):
        above, below = map(int, self.rate.split("/"))
        return above / below

    def write(self, path):
        raw = b"".join(luma.tobytes() + colour.tobytes() for luma, colour in zip(self.luma, self.colour))
        run("ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{self.width}x{self.height}", "-r", self.rate,
            "-i", "-", *ENCODE, path, input=raw)


def ellipse(middle, half, shape, scale=1.0):
    """Weights of a soft ellipse, of pixels `scale` as large as those it is given in."""
    y, x = numpy.ogrid[:shape[0], :shape[1]]
    radius = numpy.hypot((x * scale - middle[0]) / half[0], (y * scale - middle[1]) / half[1])
    return numpy.clip((1 - radius) / SEAM + 0.5, 0, 1)


def requantise(luma):
    """JPEG of quality 60 in blocks that lie GRID beside the picture's own."""
    padded = numpy.pad(luma, ((8 - GRID[0], 0), (8 - GRID[1], 0)), mode="edge")
    packed = io.BytesIO()
    Image.fromarray(padded).save(packed, "JPEG", quality=60)
    return numpy.asarray(Image.open(packed))[8 - GRID[0]:, 8 - GRID[1]:]


def reduce_and_enlarge(luma):
    picture = Image.fromarray(luma)
    small = picture.resize((round(luma.shape[1] / 1.7), round(luma.shape[0] / 1.7)), Image.Resampling.BICUBIC)
    return numpy.asarray(small.resize(picture.size, Image.Resampling.BICUBIC))


def darken(film):
    film.luma[:] = numpy.round((film.luma - 16.0) * 0.45 + 16).clip(0, 255).astype(numpy.uint8)


def plant(kind, film, faces):
    """Changes `film`; `faces` are (seconds, x, y, side) of some of its frames."""
    times, *boxes = numpy.array(faces).T
    noise = numpy.random.default_rng(1)
    luma, colour = film.luma.copy(), film.colour.copy()
    for k in range(len(luma)):
        x, y, side = (numpy.interp(k / film.frames_per_second(), times, values) for values in boxes)
        half = [axis * side for axis in (HEAD if kind == "TM" else INNER)]
        shown = min(k - k % 3 + (0, 2, 1)[k % 3], len(luma) - 1)
        changed = {"BG": lambda: luma[k], "CM": lambda: requantise(luma[k]), "RR": lambda: reduce_and_enlarge(luma[k]),
                   "LL": lambda: luma[k] + noise.normal(0, 4, luma[k].shape), "TM": lambda: luma[shown]}[kind]()
        coloured = colour[k] - 6.0 if kind == "BG" else colour[shown if kind == "TM" else k]
        for plane, after, scale in ((film.luma[k], changed, 1), (film.colour[k], coloured, 2)):
            weight = ellipse((x, y), half, plane.shape[-2:], scale)
            plane[:] = numpy.round(plane + weight * (after - plane.astype(float))).clip(0, 255).astype(numpy.uint8)


def with_early_sound(source, path, seconds, early):
    run("ffmpeg", "-v", "error", "-y", "-i", source, "-ss", early, "-i", source, "-map", "0:v:0", "-map", "1:a:0", "-t", seconds,
        "-c:v", "copy", "-c:a", "aac", path)
