#!/usr/bin/python3
"""Hostile and odd media through interceptor-prepare: each clip is stored whole, or quarantined with its fault named.

  tests/e2e/hostile_media.py --bin build/release/bin [--only WORD] [--slow] [--keep]

The clips are made by ffmpeg and by hand and go into one chunk beside good ones, which must be stored as in a chunk of good ones
alone. Then decoders are killed and stopped at work. Exit code 0 when every row holds.
"""
import argparse
import array
import concurrent.futures
import itertools
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

import stored_clips
from container_cases import behind_rows, cut_rows, sound_rows, track_rows
from media_cases import (
    codec_rows, CRASH, damage_rows, FAR, foreign_rows, FRAMES, H264, Kit, lie_rows, reference_rows, refused,
    shape_rows, Skip, TIMEOUT, VIEW)


class Store:
    """What one run of interceptor-prepare left of its chunk."""

    def __init__(self, folder):
        self.files = {name: (folder / name).read_bytes() for name in ("manifest.jsonl", "train.clips", "keep.clips")}
        lines = [json.loads(line) for line in self.files["manifest.jsonl"].decode().splitlines()[1:]]
        self.reasons = {line["clip"]: line["quarantined"] for line in lines if "quarantined" in line}
        self.clips = stored_clips.read_chunk(folder)

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
        view = stored_clips.view_of(self.clips[name], "full_frame")
        lumas = {time: frame[:VIEW * VIEW] for time, frame in self.frames(name).items()}
        if not view["yuv"]["full_range"]:
            return lumas
        return {time: bytes(16 + level * 219 // 255 for level in luma) for time, luma in lumas.items()}


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
        stored_clips.write_settings(folder / "run.json", f"00/{originals[0]}", view_pixels=VIEW, frames_per_fake=frames,
                                    frames_per_real=frames, unmatched_share_max=1)
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

    def finish(self):
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"no end within {TIMEOUT} s")
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
             shape_rows(kit), sound_rows(kit), behind_rows(kit), track_rows(kit))
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
            while number == signal.SIGSTOP and pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "Tt":
                os.sched_yield()
        return differences(calm, work.finish())

    tally.act("decoder killed", lambda: disturb("killed", signal.SIGKILL))
    tally.act("decoder crashed", lambda: disturb("crashed", signal.SIGSEGV))
    tally.act("decoder stopped and killed", lambda: disturb("stopped-killed", signal.SIGSTOP, signal.SIGKILL))
    tally.act("decoder stopped and let go", lambda: disturb("stopped", signal.SIGSTOP, signal.SIGCONT))
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
