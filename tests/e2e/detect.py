#!/usr/bin/python3
"""From chunks to a verdict: two small specialists are trained, bundled and asked about videos.

  tests/e2e/detect.py --bin build/release/bin

What interceptor-detect scores on a held-out clip must be what the trainer scored, whatever the container; silent, faceless and
hostile videos each get their line. Exit code 0 when all holds.
"""
import argparse
import contextlib
import csv
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from container_cases import cut_rows
from media_cases import CRASH, foreign_rows, Kit, lie_rows, Skip

SETTINGS = {
    "version": 1, "seed": 5, "chunks": ["00"],
    "model": {"width_scale": 0.25, "depth_scale": 0.25, "input_pixels": 64, "front_end": "specialist"},
    "recipe": {"epochs_per_chunk": 10, "steps_per_chunk_max": 6, "batch_size": 8, "warmup_steps": 2},
    # As many frames of both kinds, so that a clip's stored views are those that are decoded to judge it.
    "preparation": {"view_pixels": 64, "frames_per_fake": 8, "frames_per_real": 8},
    "evaluation": {"folds": 2, "held_out_fold": 0, "frames_per_clip": 4},
}
SPECIALISTS = ("BG", "AV")
# Other clips in the batch change the order of sums.
LOGIT_SLACK = 1e-4
SAME_PROBABILITY = 0.02
FAILED, INCONCLUSIVE = 1, 3


def run(*words, code=0, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, **more)
    if done.returncode != code:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {done.returncode}, not {code}: {done.stderr.decode(errors='replace')[-500:]}")
    return done


class Detector:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        settings = folder / "run.json"
        settings.write_text(json.dumps(SETTINGS))
        run(programs / "interceptor-synth", "make", "--out", folder / "data", "--chunks", 1, "--families", 10, "--frames", 80, "--seed", 3)
        run(programs / "interceptor-prepare", folder / "data/00.zip", "--out", folder / "store", "--settings", settings)
        (folder / "tables").mkdir()
        checkpoints = []
        for name in SPECIALISTS:
            work = folder / "runs" / name
            run(programs / "interceptor-train", "--specialist", name, "--store", folder / "store", "--run", work, "--settings", settings)
            shutil.copy(work / "scores/held_out-00.csv", folder / "tables" / f"00-{name}.csv")
            (checkpoint,) = (work / "checkpoints").iterdir()
            checkpoints += ["--checkpoint", f"{name}={checkpoint}"]
        self.bundle = folder / "bundle"
        run(programs / "interceptor-integrate", folder / "tables", "--chunk", "00", "--out", folder / "results", "--bundle", self.bundle,
            "--settings", settings, "--trained-on", "synthetic", *checkpoints)

    def judge(self, *videos, code, more=(), **options):
        done = run(self.programs / "interceptor-detect", "--bundle", self.bundle, *more, *videos, code=code, **options)
        if CRASH.search(done.stderr.decode(errors="replace")):
            raise RuntimeError(f"a crash: {done.stderr.decode(errors='replace')[-300:]}")
        return done.stdout

    def judge_one(self, video):
        return json.loads(self.judge(video, code=INCONCLUSIVE))

    def held_out(self):
        """name -> specialist -> logit in its score table; None where it abstained."""
        logits = {}
        for name in SPECIALISTS:
            lines = (self.folder / "tables" / f"00-{name}.csv").read_text().splitlines()
            for row in csv.DictReader(line for line in lines if not line.startswith("#")):
                logits.setdefault(row["clip"], {})[name] = None if row["abstained"] == "1" else float(row["logit"])
        return logits


def score_faults(detector, clips):
    judged = detector.judge(*clips.values(), code=INCONCLUSIVE)
    if judged != detector.judge(*clips.values(), code=INCONCLUSIVE, more=("--decoders", 1)):
        yield "judging again gives other bytes"
    lines = [json.loads(line) for line in judged.splitlines()]
    if [line["file"] for line in lines] != [str(path) for path in clips.values()]:
        yield "the lines are not those of the videos, in their order"
    for (name, _), line in zip(clips.items(), lines):
        if line["verdict"] != "INCONCLUSIVE" or "not calibrated" not in line["reason"]:
            yield f"{name}: a bundle without calibration says {line['verdict']} ({line.get('reason')})"
        for each in line["specialists"]:
            expected, got = detector.held_out()[name][each["specialist"]], each.get("logit")
            if (expected is None) != (got is None) or (got is not None and abs(got - expected) > LOGIT_SLACK):
                yield f"{name}: {each['specialist']} scores {got}, in training {expected}"


def variant_faults(detector, clip):
    """The same bytes from elsewhere, and the same pictures in another container, are judged alike."""
    plain = detector.judge_one(clip)
    from_stdin = json.loads(detector.judge("-", code=INCONCLUSIVE, input=clip.read_bytes()))
    if {**from_stdin, "file": plain["file"]} != plain:
        yield "a video from standard input is judged otherwise"
    remuxed = detector.folder / "remuxed.mkv"
    run("ffmpeg", "-v", "error", "-y", "-i", clip, "-c", "copy", remuxed)
    probability = detector.judge_one(remuxed)["probability_fake"]
    if abs(probability - plain["probability_fake"]) > SAME_PROBABILITY:
        yield f"remuxed: probability {probability}, of the plain clip {plain['probability_fake']}"


def absence_faults(detector, clip):
    silent, faceless = detector.folder / "silent.mp4", detector.folder / "faceless.mp4"
    run("ffmpeg", "-v", "error", "-y", "-i", clip, "-an", "-c", "copy", silent)
    of = {each["specialist"]: each for each in detector.judge_one(silent)["specialists"]}
    if "abstained" not in of["AV"] or "abstained" in of["BG"]:
        yield f"of a silent clip AV says {of['AV']}, BG {of['BG']}"
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-pix_fmt", "yuv420p", faceless)
    line = detector.judge_one(faceless)
    if line["reason"] != "no face was found" or line["faces"]:
        yield f"of a clip without a face it says {line['verdict']}: {line.get('reason')}"


def hostile_faults(detector):
    folder = detector.folder / "hostile"
    (folder / "made").mkdir(parents=True)
    kit = Kit(folder / "made")
    videos = folder / "videos"
    videos.mkdir()
    for name, maker, _ in (*foreign_rows(kit), *cut_rows(kit), *lie_rows(kit)):
        with contextlib.suppress(Skip):
            (videos / name).write_bytes(maker())
    lines = [json.loads(line) for line in detector.judge(videos, code=FAILED).splitlines()]
    names = sorted(path.name for path in videos.iterdir() if path.suffix not in (".png", ".jpg", ".wav"))
    if [pathlib.Path(line["file"]).name for line in lines] != names:
        yield f"{len(lines)} lines for {len(names)} videos"
    for line in lines:
        if line["verdict"] != "INCONCLUSIVE" or not line["reason"].isprintable() or CRASH.search(line["reason"]):
            yield f"{line['file']}: {line['verdict']}, {line['reason']!r}"


class Page(html.parser.HTMLParser):
    """What stands in a page as text, and the tags that are open at its end."""
    EMPTY = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise RuntimeError(f"</{tag}> closes another element")

    def handle_data(self, data):
        self.texts.append(data)


def page_faults(detector, clip):
    """A page a video, whatever its name and whether it can be decoded; the lines stay as they are."""
    folder, pages = detector.folder / "named", detector.folder / "pages"
    for place in ("a", "b"):
        (folder / place).mkdir(parents=True)
        shutil.copy(clip, folder / place / "clip.mp4")
    hostile = "<img src=x onerror=alert(1)>&\"'.mp4"
    shutil.copy(clip, folder / hostile)
    (folder / "broken.mp4").write_bytes(clip.read_bytes()[:999])
    judged = detector.judge(folder, code=FAILED, more=("--html", pages))
    if judged != detector.judge(folder, code=FAILED):
        yield "with --html the lines are others"
    lines = [json.loads(line) for line in judged.splitlines()]
    texts = {path.name: path.read_text() for path in pages.iterdir()}
    if len(lines) != 4 or len(texts) != 4 or any(not name.endswith(".html") for name in texts):
        yield f"{len(lines)} lines, pages {sorted(texts)}"
    seen = set()
    for name, text in texts.items():
        page = Page(text)
        seen |= {line["file"] for line in lines if line["file"] in page.texts and line["reason"] in page.texts}
        if page.open or "script" in page.tags or "<script" in text or "http" in text:
            yield f"{name}: left open {page.open}, or it wants something from outside"
        if "<img src=x" in text or ("img" in page.tags) == name.startswith("broken"):
            yield f"{name}: the pictures are not those of the face"
    if seen != {line["file"] for line in lines}:
        yield f"no page names {sorted({line['file'] for line in lines} - seen)} and its reason"
    (detector.folder / "file").write_text("")
    done = run(detector.programs / "interceptor-detect", "--bundle", detector.bundle, "--html", detector.folder / "file", clip, code=FAILED)
    if done.stdout or b"--html" not in done.stderr or done.stderr.count(b"\n") != 1:
        yield f"a file where the pages' folder should be: {done.stderr.decode()!r}"


def refusal_faults(detector, clip):
    """Where nothing can be judged there is one line that names the fault, and nothing on stdout."""
    weights = detector.bundle / "weights-AV.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for what, words, expect in (("a changed bundle", (clip,), "weights-AV.safetensors was changed"),
                                ("a video that is not there", ("gone.mp4",), "gone.mp4 is not there")):
        done = run(detector.programs / "interceptor-detect", "--bundle", detector.bundle, *words, code=FAILED)
        text = done.stderr.decode()
        if done.stdout or expect not in text or text.count("\n") != 1:
            yield f"{what}: {text!r}"
    weights.write_bytes(whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="interceptor-detect-") as temporary:
        folder = pathlib.Path(temporary)
        detector = Detector(arguments.bin.resolve(), folder)
        with zipfile.ZipFile(folder / "data/00.zip") as archive:
            archive.extractall(folder / "clips")
        clips = {path.name: path for path in sorted((folder / "clips").rglob("*.mp4")) if path.name in detector.held_out()}
        clip = next(path for name, path in clips.items() if None not in detector.held_out()[name].values())
        for name, faults in (("scores", score_faults(detector, clips)), ("variants", variant_faults(detector, clip)),
                             ("absences", absence_faults(detector, clip)), ("hostile", hostile_faults(detector)),
                             ("pages", page_faults(detector, clip)),
                             ("refusals", refusal_faults(detector, clip))):
            for fault in faults:
                failed += 1
                print(f"FAILED {name}: {fault}", flush=True)
            print(f"checked {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
