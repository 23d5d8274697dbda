"""What the fault programs share: programs wrapped in strace, clusters with folders of their own, checks of what is on disk."""
import contextlib
import glob
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import local_cluster  # noqa: E402  the cluster, its events and its checks
from local_cluster import Failure, await_event, DEADLINE, LONG, pause_after, require  # noqa: E402,F401

CALLS = ("fdatasync", "fsync", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat")


def check_machine():
    """Nothing that these tests need may be silently missing."""
    for program in ("strace", "unshare", "mount", "nsenter", "ip"):
        require(shutil.which(program), f"{program} is not installed: run deploy/install")
    namespaces = ["unshare", "--user", "--map-root-user", "--mount", "--net", "ip", "link", "add", "type", "veth"]
    done = subprocess.run(namespaces, capture_output=True, check=False)
    require(done.returncode == 0, f"no user, mount and network namespaces with veth here: {done.stderr.decode()}")
    faketime()
    done = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, check=False)
    require(done.returncode == 0, f"strace cannot trace here: {done.stderr.decode()}")


def faketime():
    """The library that shows a program another wall clock."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    require(found, "libfaketime is not installed: run deploy/install")
    return found[0]


class Fault:
    """Injections of strace, as in Fault("fsync:signal=SIGKILL:when=2"), joined by ";". `path` narrows them to calls on that
    file; without `follow` only the first thread is traced."""

    def __init__(self, inject, path=None, follow=True):
        self.inject = inject
        self.path = path
        self.follow = follow

    def words(self, log):
        # -y names the files of descriptors, so that the log says where the fault fell.
        injects = self.inject.split(";")
        words = ["strace", *(["-f"] if self.follow else []), "-qq", "-y", "-o", str(log),
                 "-e", "trace=" + ",".join(inject.split(":")[0] for inject in injects)]
        for inject in injects:
            words += ["-e", "inject=" + inject]
        return words + (["-P", str(self.path)] if self.path else [])

    def __str__(self):
        return self.inject + (f" on {self.path}" if self.path else "")


def make_programs(real, folder, wrapped=None, stand_ins=None):
    """A folder of programs: links to the real ones but for those that start under strace once, and stand-ins.

    `wrapped` maps a program to (fault, log) or (fault, log, words): the first start, of those whose arguments have `words`, is
    traced, and later ones are clean. The agent looks for its children beside
    its own file, so it must be a file of this folder and not a link."""
    folder.mkdir(parents=True)
    for program in pathlib.Path(real).iterdir():
        target = folder / program.name
        if program.name == "interceptor-worker":
            clone(program, target)
        else:
            target.symlink_to(program.resolve())
    for name, (fault, log, *words) in (wrapped or {}).items():
        wrap(folder / name, fault, log, "".join(words))
    for name, mode in (stand_ins or {}).items():
        (folder / name).unlink()
        script(folder / name, f'exec /usr/bin/python3 -S -E {HERE / "stand_in.py"} {mode} "$@"')
    return folder


def clone(source, target):
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def wrap(program, fault, log, only):
    """The folder `<program>.started` marks that the traced start was had. strace -D leaves the traced program the direct
    child, with the pid that its parent knows."""
    real = move_aside(program)
    words = fault.words(log)
    traced = " ".join(shlex.quote(word) for word in [words[0], "-D", *words[1:], str(real)])
    mark = shlex.quote(f"{program}.started")
    script(program, f'case "$* " in *{shlex.quote(only)}*) if mkdir {mark} 2>/dev/null; then exec {traced} "$@"; fi ;; esac\n'
                    f'exec {shlex.quote(str(real))} "$@"')


def move_aside(program):
    """Makes room for a script of the program's name; returns where the program is now."""
    real = program.with_name("real") / program.name
    real.parent.mkdir(exist_ok=True)
    if program.is_symlink():
        real.symlink_to(program.resolve())
        program.unlink()
    else:
        program.rename(real)
        # The agent starts its children from its own file's folder.
        for other in program.parent.glob("interceptor-*"):
            if not (real.parent / other.name).exists():
                (real.parent / other.name).symlink_to(other)
    return real


def seconds_until(what, probe):
    begin = now()
    await_event(what, probe)
    return now() - begin


def count_calls(log, calls):
    """Most calls of any one thread by name: strace counts each thread's calls apart."""
    most = {}
    by_thread = {}
    for line in read_text(log).splitlines():
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found and found[2] in calls:
            by_thread[found[1], found[2]] = by_thread.get((found[1], found[2]), 0) + 1
    for (_, call), count in by_thread.items():
        most[call] = max(most.get(call, 0), count)
    return most


def read_text(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def attached(pid, fault, log):
    """The running process under strace, all its threads, until the block ends."""
    tracer = subprocess.Popen([*fault.words(log), "-p", str(pid)], stderr=subprocess.DEVNULL)
    try:
        await_event("strace", lambda: tracer.poll() is not None or is_traced(pid))
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()


def is_traced(pid):
    try:
        tasks = list(pathlib.Path("/proc", str(pid), "task").iterdir())
        return all(re.search(r"TracerPid:\t[1-9]", (task / "status").read_text()) for task in tasks)
    except OSError:
        return False


class Cluster(local_cluster.Cluster):
    """A cluster whose plan is changed by `plan` ({pattern: replacement}) and whose programs are `programs`."""

    def __init__(self, programs, data, folder, members=None, plan=None, **options):
        super().__init__(programs, data, folder, members or {"member-1": ["BG", "AV"]}, **options)
        text = self.plan.read_text()
        for pattern, replacement in (plan or {}).items():
            text, found = re.subn(pattern, replacement, text)
            require(found, f"the plan has no '{pattern}'")
        self.plan.write_text(text)
        self.state = self.folder / "state"

    def request(self, *words):
        """Exit code and message of one request; code 0 is an acknowledgement."""
        done = self.command_line(*words)
        return done.returncode, done.stderr.decode()

    def events(self):
        """Every event, oldest first; None when nobody answers."""
        answer = self.ask("events")
        return answer and sorted(answer["events"], key=lambda event: int(event["number"]))

    def problems(self):
        return "\n".join((self.ask("status") or {}).get("problems", []))

    def kill_coordinator(self):
        self.coordinator.kill()
        self.coordinator.wait()

    def end(self):
        super().end()
        if self.coordinator is not None and self.coordinator.stdout:
            self.coordinator.stdout.close()


class Watcher:
    """Reads the events over and over. What a reader has seen is durable, so it is acknowledged to the world."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.seen = {}
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.stopped.is_set():
            begin = now()
            for event in self.cluster.events() or []:
                self.seen[event["number"]] = event
            self.stopped.wait(pause_after(begin))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def kinds(self):
        return [event["kind"] for event in list(self.seen.values())]

    def check(self):
        """What has been seen so far is still there; returns the events."""
        seen = dict(self.seen)
        events = await_event("the coordinator's events", self.cluster.events)
        there = {event["number"]: event for event in events}
        for number, event in seen.items():
            require(there.get(number) == event, f"event {number} was shown as {event} and is now {there.get(number)}")
        return events


def check_journal(state):
    """SQLite's own check, on a copy: the coordinator holds the file, and reading it may roll it back."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("journal.sqlite", "journal.sqlite-journal"):
            if (state / name).exists():
                shutil.copy2(state / name, folder)
        database = sqlite3.connect(pathlib.Path(folder) / "journal.sqlite")
        try:
            verdict = database.execute("PRAGMA integrity_check").fetchall()
            numbers = [row[0] for row in database.execute("SELECT number FROM events ORDER BY number")]
        except sqlite3.DatabaseError as error:
            raise Failure(f"the journal in {state}: {error}") from error
        finally:
            database.close()
    require(verdict == [("ok",)], f"the journal in {state}: {verdict}")
    require(numbers == list(range(1, len(numbers) + 1)), f"the journal in {state} has rows {numbers}")


def digest_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def blobs_of(vault):
    return sorted(vault.glob("blobs/*/*"))


def check_vault(state, vault=None):
    """The digest of every blob is its name; returns the names."""
    blobs = blobs_of(vault or state / "vault")
    for blob in blobs:
        require(digest_of(blob) == blob.name, f"{blob} holds other bytes than its name says")
    return [blob.name for blob in blobs]


def check_no_temporaries(folder):
    left = [str(path) for path in pathlib.Path(folder).rglob("*.tmp-*")]
    require(not left, f"temporary files are left: {left}")


def check_one_effect_each(events):
    """No fact of a run stands twice, however often its request was sent."""
    once = ("checkpoint_committed", "chunk_completed", "manifest_committed", "evaluation_recorded")
    seen = set()
    for event in events:
        if not event["kind"].startswith(once):
            continue
        key = (event["kind"], event["subject"], re.sub(r"^term \d+: ", "", event["text"]))
        require(key not in seen, f"{key} stands twice in the journal")
        seen.add(key)
    return len(seen)


def make_small_zips(folder, count=local_cluster.CHUNKS):
    """Chunks for stand-ins: whole zips, nothing to train on."""
    folder.mkdir(parents=True)
    for chunk in range(count):
        with zipfile.ZipFile(folder / f"{chunk:02d}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("text", (2020, 1, 1, 0, 0, 0)), f"chunk {chunk}")
    return folder


def works_in(pid, folder):
    """The process was started for this folder: its arguments name it, or its parent's do (a decoder has none of its own)."""
    try:
        stat = pathlib.Path("/proc", str(pid), "stat").read_text()
        parent = stat.rsplit(")", 1)[1].split()[1]
        words = b"".join(pathlib.Path("/proc", each, "cmdline").read_bytes() for each in (str(pid), parent))
    except OSError:
        return False
    return str(folder).encode() + b"/" in words


def load_json(path):
    return json.loads(pathlib.Path(path).read_text())


def now():
    return time.monotonic()
