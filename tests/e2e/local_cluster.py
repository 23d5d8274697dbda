"""A coordinator, workers and their children as processes of this machine, on a tiny plan; how to wait for what they do, and
checks of what they leave."""
import csv
import json
import os
import pathlib
import signal
import subprocess
import time

DEADLINE = 900  # seconds for any one event; a loaded two-core machine needs a fraction of it
LONG = 3600  # seconds that no test waits for: on a busy machine a healthy process may get nothing done for a while
CHUNKS = 3

PLAN = """
name: "tiny"
seed: 7
{members}
members {{ name: "member-4" integrates: true }}
chunks {{ name: "00" file: "00.zip" }}
chunks {{ name: "01" file: "01.zip" }}
chunks {{ name: "02" file: "02.zip" }}
model {{ architecture: "efficientnet_b4" input_pixels: 64 width_scale: 0.1 depth_scale: 0.1 classes: 2 }}
recipe {{
  learning_rate: 1e-3 warmup_steps: 2 batch_size: 4 epochs_per_chunk: {epochs} rounding_period: 4
  dropout: 0 stochastic_depth: 0
  stages {{ until_progress: 1.0 input_pixels: 64 trainable_stages: 9 augmentation_strength: 0.2 pace: 1.0 }}
}}
preparation {{ view_pixels: 64 frames_per_fake: 4 frames_per_real: 4 unmatched_share_max: 0.2 }}
evaluation {{ folds: 2 look_ahead: true frames_per_clip: 2 }}
checkpoints {{ period_seconds: {period} keep_latest: 2 recovery_period_seconds: {recovery} }}
scheduling {{ lease_ttl_seconds: {lease} handover_seconds: {handover} stall_seconds: {stall} }}
"""


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def await_event(what, probe):
    """Waits until probe() returns something true; returns it."""
    end = time.monotonic() + DEADLINE
    while (begin := time.monotonic()) < end:
        value = probe()
        if value:
            return value
        time.sleep(pause_after(begin))
    raise Failure(f"waited {DEADLINE} s in vain for {what}")


def pause_after(begin):
    """Between two looks; long after one that took long, so that looking takes a small part of a busy machine."""
    return max(0.1, 4 * (time.monotonic() - begin))


def processes(program, *words):
    """Pids of running `program` whose command line has all of `words`."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            line = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
            state = pathlib.Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        text = [part.decode(errors="replace") for part in line]
        if state != "Z" and text and os.path.basename(text[0]) == program and all(w in text for w in words):
            found.append(int(entry))
    return found


def children_of(parent, program):
    found = []
    for pid in processes(program):
        try:
            stat = pathlib.Path("/proc", str(pid), "stat").read_text()
        except OSError:
            continue
        if int(stat.rsplit(")", 1)[1].split()[1]) == parent:
            found.append(pid)
    return found


def kill_hard(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Cluster:
    """`timing` is of the plan, in seconds: lease, handover, stall, period (of checkpoints), recovery (of snapshots). Tests
    that are about a lease's end or a stalled child choose short ones."""

    def __init__(self, bin_folder, data, folder, members, epochs=6, **timing):
        self.bin = pathlib.Path(bin_folder).resolve()
        self.data = data
        self.folder = pathlib.Path(folder)
        self.plan = self.folder / "plan.txtpb"
        lines = [
            'members { name: "%s" %s }' % (name, " ".join('specialists: "%s"' % s for s in pair))
            for name, pair in members.items()
        ]
        timing = {"lease": LONG, "handover": LONG, "stall": LONG, "period": 30, "recovery": 2} | timing
        self.plan.write_text(PLAN.format(members="\n".join(lines), epochs=epochs, **timing))
        self.members = members
        self.address = None
        self.coordinator = None
        self.workers = {}
        self.logs = []

    def log(self, name):
        handle = open(self.folder / f"{name}.log", "ab")
        self.logs.append(handle)
        return handle

    def start_coordinator(self, *more):
        listen = self.address or "127.0.0.1:0"
        self.coordinator = subprocess.Popen(
            [self.bin / "interceptor-coordinator", "--plan", self.plan, "--state", self.folder / "state", "--listen",
             listen, *more],
            stdout=subprocess.PIPE, stderr=self.log("coordinator"))
        line = self.coordinator.stdout.readline().decode()
        require(line.startswith("listening on "), f"the coordinator did not start: {self.tail('coordinator')}")
        self.address = line.split()[-1]

    def worker_command(self, member, work=None):
        return [str(self.bin / "interceptor-worker"), "--coordinator", self.address, "--member", member, "--data",
                str(self.data), "--work", str(work or self.work(member)), "--store", str(self.folder / "store"),
                "--device", "cpu", "--threads", "1"]

    def start_worker(self, member):
        self.workers[member] = subprocess.Popen(self.worker_command(member), stderr=self.log(member))

    def work(self, member):
        return self.folder / member

    def run_folder(self, specialist, member=None):
        if member is None:
            member = next(m for m, pair in self.members.items() if specialist in pair)
        return self.work(member) / "runs" / specialist

    def tail(self, name):
        try:
            return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]
        except OSError:
            return ""

    def log_text(self, name):
        try:
            return (self.folder / f"{name}.log").read_text(errors="replace")
        except OSError:
            return ""

    def command_line(self, *words):
        """One run of `interceptor`, which waits for as long as somebody may answer."""
        return subprocess.run([self.bin / "interceptor", *words, "--timeout", str(DEADLINE)], capture_output=True,
                              env={**os.environ, "INTERCEPTOR_COORDINATOR": self.address}, check=False)

    def ask(self, *words):
        """The answer; None when nobody listens."""
        done = self.command_line(*words, "-o", "json")
        return json.loads(done.stdout) if done.returncode in (0, 3) else None

    def tell(self, *words):
        done = self.command_line(*words)
        require(done.returncode == 0, f"interceptor {words}: {done.stderr.decode()}")

    def task(self, name):
        status = self.ask("status") or {}
        for task in status.get("tasks", []):
            if task.get("task") == name:
                return task
        return {}

    def trains(self, specialist, chunk, steps=2):
        """A probe: the specialist trains this chunk and has taken a few steps of it, by its ledger."""
        def probe():
            rows = [row for row in self.ledger(specialist) if row[0] == f"{chunk:02d}"]
            return len(rows) >= steps and self.trainer(specialist)
        return probe

    def trainer(self, specialist, member=None):
        return processes("interceptor-train", str(self.run_folder(specialist, member)))

    def ledger(self, specialist, member=None):
        path = self.run_folder(specialist, member) / "ledger.csv"
        if not path.exists():
            return []
        rows = [row for row in csv.reader(path.read_text().splitlines()) if len(row) == 5]
        return rows[1:] if rows and rows[0][0] == "chunk" else rows

    def await_done(self):
        def probe():
            self.check_alive()
            status = self.ask("status") or {}
            return status.get("done") and status
        return await_event("the plan's end", probe)

    def check_alive(self):
        for member, process in self.workers.items():
            require(process.poll() is None, f"{member}'s worker ended with {process.returncode}: {self.tail(member)}")
        require(self.coordinator.poll() is None, f"the coordinator ended: {self.tail('coordinator')}")

    def end(self):
        for process in [*self.workers.values(), self.coordinator]:
            if process is not None and process.poll() is None:
                process.terminate()
        for process in [*self.workers.values(), self.coordinator]:
            if process is None:
                continue
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for handle in self.logs:
            handle.close()


def check_ledgers(rows_by_folder, what):
    """Each chunk once and whole: positions without a gap, repeats after a kill alike, chunks in order."""
    seen = {}
    order = []
    for rows in rows_by_folder:
        for chunk, epoch, position, step, samples in rows:
            key = (chunk, int(epoch), int(position))
            if key in seen:
                require(seen[key][1] == samples, f"{what}: {key} was repeated with other samples")
            seen[key] = (int(step), samples)
    for chunk in range(CHUNKS):
        mine = sorted(k for k in seen if k[0] == f"{chunk:02d}")
        require(mine, f"{what}: chunk {chunk:02d} was not trained")
        order += mine
        for epoch in sorted({k[1] for k in mine}):
            positions = [k[2] for k in mine if k[1] == epoch]
            require(positions == list(range(len(positions))), f"{what}: chunk {chunk:02d}, epoch {epoch}: {positions}")
        epochs = sorted({k[1] for k in mine})
        require(epochs == list(range(len(epochs))), f"{what}: chunk {chunk:02d} has epochs {epochs}")
    require(len(order) == len(seen), f"{what}: the ledger names other chunks")
    steps = [seen[k][0] for k in order]
    require(steps == list(range(steps[0], steps[0] + len(steps))), f"{what}: steps are not consecutive: {steps}")
    return len(steps)


def check_finished(cluster, status, members):
    for task in status["tasks"]:
        require(task.get("state") == "STATE_DONE", f"{task['task']}: {task}")
        require(task.get("chunks_finished") == CHUNKS, f"{task['task']} finished {task.get('chunks_finished')} chunks")
    for member, pair in members.items():
        for specialist in pair:
            def two_are_left(name=specialist):
                return len((cluster.ask("checkpoints", name) or {}).get("checkpoints", [])) == 2
            await_event(f"the removal of all but two checkpoints of {specialist}", two_are_left)
    for chunk in range(CHUNKS):
        stem = cluster.work("member-4") / "results" / f"round-{chunk:02d}"
        for ending in (".csv", ".json"):
            require(stem.with_suffix(ending).exists(), f"{stem}{ending} was not written")
        for ending in (".html", ".json"):
            report = stem.with_name(f"report-{chunk:02d}{ending}")
            require(report.exists(), f"{report} was not written")
        rows = list(csv.DictReader(open(stem.with_suffix(".csv"))))
        require(len(rows) == sum(len(p) for p in members.values()), f"{stem}: {len(rows)} lines")
