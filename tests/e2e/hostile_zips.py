#!/usr/bin/python3
"""Hostile and odd zips through interceptor-prepare: each is prepared, loses its bad clip, or is refused with the fault named.

  tests/e2e/hostile_zips.py --bin build/release/bin [--only WORD] [--keep]

A few clips are made by ffmpeg; every row is a chunk of them with one thing wrong, most written byte by byte. Whatever a zip
holds, the program ends soon and by itself, leaves a whole store or none, and prints nothing that a terminal would obey. Exit
code 0 when every row holds.
"""
import argparse
import concurrent.futures
import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from zip_cases import (
    bomb_rows, changed_rows, cut_rows, damage_rows, end_rows, ERROR, ESCAPE, file_rows, good_rows, kind_rows, Kit,
    label_rows, LINE_MAX, MEMORY, name_rows, PREFIX, PROCESSOR_SECONDS, SETTINGS, shared_rows, STORE, TIMEOUT)


FILLED = 4096 - 32


def narrow_pipe():
    """A pipe with room for the first words of a line and no more; its ends as files."""
    reader, writer = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb")))
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer.fileno(), bytes(FILLED))
    return reader, writer


def held_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


class Run:
    """interceptor-prepare on one row's zip, in a folder of its own."""

    def __init__(self, programs, home, zip_file, act=None, wait_for_store=False):
        self.home, self.late, self.missed = home, False, False
        home.mkdir()
        data = zip_file(home / "00.zip") if callable(zip_file) else zip_file
        if isinstance(data, bytes):
            (home / "00.zip").write_bytes(data)
        (home / "run.json").write_text(json.dumps(SETTINGS))
        (home / "store/00").mkdir(parents=True)
        words = [programs / "interceptor-prepare", "00.zip", "--out", "store", "--settings", "run.json", "--decoders", "1"]
        err, into = narrow_pipe() if act else (None, open(home / "err.txt", "wb"))
        with open(home / "out.txt", "wb") as out, into, open(home / "store/00/builder.lock", "wb") as lock:
            if wait_for_store:
                fcntl.flock(lock, fcntl.LOCK_EX)
            with subprocess.Popen(words, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=into) as process:
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
                resource.prlimit(process.pid, resource.RLIMIT_CPU, (PROCESSOR_SECONDS, resource.RLIM_INFINITY))
                if act:
                    self.disturb(process, err, lambda: act(home / "00.zip"))
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.wait(process)
        if act:
            with err:
                (home / "err.txt").write_bytes(err.read()[FILLED:])
        self.read()

    def disturb(self, process, err, act):
        """Once it has begun to speak; the pipe holds it in the middle of its first line until `act` is done."""
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < deadline and held_bytes(err) == FILLED:
            time.sleep(0.002)
        self.missed = process.poll() is not None
        act()
        fcntl.fcntl(err, fcntl.F_SETPIPE_SZ, 1 << 20)

    def wait(self, process):
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.late = True
            process.kill()
        self.code = process.wait()

    def read(self):
        self.texts = [(self.home / name).read_bytes().decode(errors="replace") for name in ("out.txt", "err.txt")]
        self.errors = [line for line in self.texts[1].split("\n") if line.startswith(PREFIX)]
        self.error = self.errors[0] if self.errors else self.texts[1][-300:]
        self.shown = self.error[:300]
        self.files = {path.name for path in (self.home / "store/00").iterdir()} - {"builder.lock"}
        manifest = self.home / "store/00/manifest.jsonl"
        lines = [json.loads(line) for line in manifest.read_text().splitlines()[1:]] if manifest.exists() else []
        self.stored = {line["clip"] for line in lines if "quarantined" not in line}
        self.reasons = {line["clip"]: line["quarantined"] for line in lines if "quarantined" in line}

    def faults(self):
        """What holds whatever the zip is."""
        if self.late:
            yield f"no end within {TIMEOUT} s"
        elif self.code < 0:
            yield f"ended by {signal.Signals(-self.code).name}: {self.shown}"
        if self.missed:
            yield f"it ended before it could be disturbed: {self.shown}"
        if self.files != (STORE if self.code == 0 else set()):
            yield f"exit code {self.code} leaves {sorted(self.files)}: {self.shown}"
        if len(self.errors) != (self.code != 0):
            yield f"{len(self.errors)} lines begin with '{PREFIX}': {self.texts[1][-300:]}"
        yield from text_faults("\n".join((*self.texts, *self.reasons.values())))


def text_faults(text):
    """What must not be printed: characters that are not seen, bytes that are not UTF-8 (here U+FFFD), endless lines."""
    lines = text.split("\n")
    if odd := [line for line in lines if not line.isprintable() or "\ufffd" in line]:
        yield f"{len(odd)} lines of its output hold what must not be printed: {odd[0][:300]}"
    if long := [line for line in lines if len(line) > LINE_MAX]:
        yield f"a line of its output has {len(long[0])} letters: {long[0][:100]}..."


def audit(programs, folder, names):
    """The same zips by the command that looks at a whole folder; large ones are left out."""
    home = folder / "all"
    home.mkdir()
    for name in names:
        path = folder / name / "00.zip"
        if os.path.lexists(path) and not (path.is_file() and path.stat().st_size > 1 << 20):
            (home / f"{name}.zip").symlink_to(path)
    (home / f"{ESCAPE}.zip").symlink_to("gone")
    try:
        done = subprocess.run([programs / "interceptor-prepare", "audit", home], capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        yield f"no end within {TIMEOUT} s"
        return
    text = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != ERROR or "not ready to be trained on" not in text:
        yield f"the audit ended with exit code {done.returncode}: {text[-300:]}"
    yield from text_faults(text)


def judge(programs, folder, row):
    name, zip_file, expect, *disturbance = row
    try:
        run = Run(programs, folder / name, zip_file, *disturbance)
        return name, [*run.faults(), *(expect(run) if run.code >= 0 and not run.late else [])]
    except (OSError, ValueError, KeyError) as error:
        return name, [repr(error)]


def tell(name, faults):
    if faults:
        print(f"FAILED {name}: {'; '.join(faults)}".encode("unicode_escape").decode(), flush=True)
    return bool(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    parser.add_argument("--only", default="", help="rows whose name has this word")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="interceptor-zips-"))
    kit = Kit(folder)
    kinds = (good_rows, cut_rows, end_rows, damage_rows, shared_rows, bomb_rows, name_rows, kind_rows, label_rows,
             file_rows, changed_rows)
    rows = [row for make in kinds for row in make(kit) if arguments.only in row[0]]
    programs, failed = arguments.bin.resolve(), 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, faults in pool.map(lambda row: judge(programs, folder, row), rows):
            failed += tell(name, faults)
    whole = arguments.only in "audit"
    if whole:
        failed += tell("audit", list(audit(programs, folder, [row[0] for row in rows])))
    print(f"{len(rows) + whole - failed} passed, {failed} failed")
    if arguments.keep:
        print(f"kept {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
