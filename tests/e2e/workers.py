#!/usr/bin/python3
"""Real programs, real processes, real signals: a coordinator, workers and their children train a tiny plan.

Every part is killed once in mid-chunk (agent, trainer, preparer, decoder, coordinator); afterwards the trainers' step
ledgers must show that each chunk was trained once, whole, and that what was repeated after a kill was the same. Also:
handover to another box, drain and SIGTERM, and the faults a person makes when starting a worker.

  tests/e2e/workers.py --bin build/release/bin [--keep] [CASE...]

Waits for events (interceptor status, files, exits) with generous deadlines. Exit code 0 when every case passed.
"""
import argparse
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

DEADLINE = 600  # seconds for any one event; a loaded two-core machine needs a fraction of it
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
checkpoints {{ period_seconds: 30 keep_latest: 2 recovery_period_seconds: 2 }}
scheduling {{ lease_ttl_seconds: 5 handover_seconds: {handover} stall_seconds: 120 }}
"""


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def await_event(what, probe):
    """Waits until probe() returns something true; returns it."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.1)
    raise Failure(f"waited {DEADLINE} s in vain for {what}")


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
    def __init__(self, bin_folder, data, folder, members, handover=30, epochs=6):
        self.bin = pathlib.Path(bin_folder).resolve()
        self.data = data
        self.folder = pathlib.Path(folder)
        self.plan = self.folder / "plan.txtpb"
        lines = [
            'members { name: "%s" %s }' % (name, " ".join('specialists: "%s"' % s for s in pair))
            for name, pair in members.items()
        ]
        self.plan.write_text(PLAN.format(members="\n".join(lines), handover=handover, epochs=epochs))
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

    def ask(self, *words):
        done = subprocess.run([self.bin / "interceptor", *words, "-o", "json"], capture_output=True,
                              env={**os.environ, "INTERCEPTOR_COORDINATOR": self.address}, check=False)
        if done.returncode not in (0, 3):
            return None
        return json.loads(done.stdout)

    def tell(self, *words):
        done = subprocess.run([self.bin / "interceptor", *words], capture_output=True,
                              env={**os.environ, "INTERCEPTOR_COORDINATOR": self.address}, check=False)
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
                process.wait(60)
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
        rows = list(csv.DictReader(open(stem.with_suffix(".csv"))))
        require(len(rows) == sum(len(p) for p in members.values()), f"{stem}: {len(rows)} lines")


def case_every_part_is_killed_once(cluster_of):
    """kill -9 of preparer, decoder, trainer, agent and coordinator, each in mid-chunk."""
    members = {"member-1": ["BG", "AV"]}
    cluster = cluster_of(members, epochs=60)  # long enough to be met in mid-chunk on a fast machine
    cluster.start_coordinator()
    for member in ("member-1", "member-4"):
        cluster.start_worker(member)

    preparer = await_event("a preparer with a decoder", lambda: [
        (p, d) for p in processes("interceptor-prepare", str(cluster.folder / "store"))
        for d in children_of(p, "interceptor-decode")])[0]
    require(kill_hard(preparer[1]), "the decoder was gone already")
    await_event("the preparer's next decoder",
                lambda: set(children_of(preparer[0], "interceptor-decode")) - {preparer[1]} or
                not processes("interceptor-prepare", str(cluster.folder / "store")))
    if kill_hard(preparer[0]):
        await_event("the preparer's death in the log", lambda: "SIGKILL" in cluster.log_text("member-1"))

    trainer = await_event("BG training chunk 00", cluster.trains("BG", 0))[0]
    kill_hard(trainer)
    await_event("the trainer's death in status, with its reason",
                lambda: "interceptor-train was killed by signal 9 (SIGKILL)" in cluster.task("train/BG").get("reason", ""))
    await_event("BG's next trainer", lambda: set(cluster.trainer("BG")) - {trainer})

    await_event("AV training chunk 00", cluster.trains("AV", 0))
    agent = cluster.workers["member-1"]
    agent.kill()
    agent.wait()
    await_event("the end of the dead agent's children",
                lambda: not cluster.trainer("AV") and not cluster.trainer("BG"))
    cluster.start_worker("member-1")

    await_event("BG training chunk 01", cluster.trains("BG", 1))
    cluster.coordinator.kill()
    cluster.coordinator.wait()
    before = len(cluster.ledger("BG")) + len(cluster.ledger("AV"))
    await_event("steps without a coordinator",
                lambda: len(cluster.ledger("BG")) + len(cluster.ledger("AV")) > before + 3)
    cluster.start_coordinator()

    status = cluster.await_done()
    check_finished(cluster, status, members)
    for specialist in members["member-1"]:
        steps = check_ledgers([cluster.ledger(specialist)], specialist)
        task = cluster.task(f"train/{specialist}")
        newest = int(task.get("newest_checkpoint", {}).get("step", 0))
        require(newest == steps, f"{specialist}: {steps} steps in the ledger, {newest} in the newest checkpoint")


def case_a_stopped_trainer_is_named(cluster_of):
    """SIGSTOP shows in status with its reason, for as long as it lasts; nothing is lost by it."""
    members = {"member-1": ["BG", "AV"]}
    cluster = cluster_of(members, epochs=3)
    cluster.start_coordinator()
    for member in ("member-1", "member-4"):
        cluster.start_worker(member)
    trainer = await_event("BG training chunk 00", cluster.trains("BG", 0))[0]
    os.kill(trainer, signal.SIGSTOP)
    await_event("the stopped trainer in status",
                lambda: "is stopped by signal 19 (SIGSTOP)" in cluster.task("train/BG").get("reason", ""))
    os.kill(trainer, signal.SIGCONT)
    await_event("BG going on", lambda: "SIGSTOP" not in cluster.task("train/BG").get("reason", "SIGSTOP"))
    status = cluster.await_done()
    check_finished(cluster, status, members)
    for specialist in members["member-1"]:
        check_ledgers([cluster.ledger(specialist)], specialist)


def case_another_box_takes_over(cluster_of):
    """A member that is gone past the handover time is stood in for, from the last published checkpoint."""
    members = {"member-1": ["BG", "AV"], "member-2": ["CM", "RR"]}
    cluster = cluster_of(members, handover=5, epochs=3)
    cluster.start_coordinator()
    for member in ("member-1", "member-2", "member-4"):
        cluster.start_worker(member)
    await_event("BG training chunk 01", cluster.trains("BG", 1))
    gone = cluster.workers.pop("member-1")
    gone.kill()
    gone.wait()
    box = (cluster.work("member-2") / "box.id").read_text().strip()
    await_event("BG on member-2's box", lambda: cluster.task("train/BG").get("holder_box") == box)
    status = cluster.await_done()
    check_finished(cluster, status, members)
    for specialist in ("BG", "AV"):
        ledgers = [cluster.ledger(specialist), cluster.ledger(specialist, "member-2")]
        require(ledgers[1], f"{specialist} was not trained on member-2's box")
        check_ledgers(ledgers, specialist)
    for specialist in ("CM", "RR"):
        check_ledgers([cluster.ledger(specialist)], specialist)


def case_leaving_in_order(cluster_of):
    """SIGTERM and drain save a snapshot, say goodbye and exit 0; training goes on from there, losing a step at most."""
    members = {"member-1": ["BG", "AV"]}
    cluster = cluster_of(members)
    cluster.start_coordinator()
    cluster.start_worker("member-1")
    await_event("BG training chunk 00", cluster.trains("BG", 0))
    worker = cluster.workers.pop("member-1")
    worker.terminate()
    require(worker.wait(DEADLINE) == 0, f"after SIGTERM the worker ended with {worker.returncode}")
    require(not cluster.trainer("BG") and not cluster.trainer("AV"), "a trainer outlived its worker")
    rows = len(cluster.ledger("BG"))
    await_event("the release of BG", lambda: not cluster.task("train/BG").get("holder_box"))

    cluster.start_worker("member-1")
    await_event("BG training on", lambda: len(cluster.ledger("BG")) > rows + 1)
    positions = [row[:3] for row in cluster.ledger("BG")]
    require(len(positions) - len({tuple(p) for p in positions}) <= 1, "more than one step was repeated after SIGTERM")

    worker = cluster.workers.pop("member-1")
    cluster.tell("drain", "member-1")
    require(worker.wait(DEADLINE) == 0, f"after drain the worker ended with {worker.returncode}")
    require("leaving" in cluster.log_text("member-1"), "the worker's log does not say that it left")


def refusal(command, code, *words):
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)
    text = done.stderr.decode()
    require(done.returncode == code, f"{command[-6:]}: exit code {done.returncode}, not {code}: {text}")
    line = [each for each in text.splitlines() if each.startswith("interceptor-worker: ") or code == 2]
    require(line, f"no line of the program's own: {text}")
    for word in words:
        require(word in text, f"'{word}' is not in: {text}")


def case_a_worker_that_cannot_start_says_why(cluster_of):
    cluster = cluster_of({"member-1": ["BG", "AV"]})
    cluster.start_coordinator()
    cluster.start_worker("member-1")
    await_event("member-1", lambda: any(w.get("connected") for w in (cluster.ask("status") or {}).get("workers", [])))
    other = cluster.folder / "other"
    refusal(cluster.worker_command("member-9", other), 1, "member-9", "member-1")
    refusal(cluster.worker_command("member-1", other), 1, "member-1", "stop that worker")
    refusal(cluster.worker_command("member-1"), 1, "in use", "--work")
    refusal([*cluster.worker_command("member-1", other), "--no-such-flag"], 2)
    refusal([*cluster.worker_command("member 1", other)], 2, "member 1")
    missing = cluster.worker_command("member-1", other)
    missing[missing.index("--data") + 1] = str(cluster.folder / "nowhere")
    refusal(missing, 1, "nowhere", "--data")
    (other / "plan.digest").write_text("0" * 64 + "\n")
    refusal(cluster.worker_command("member-4", other), 1, "plan", "--work")
    require(cluster.workers["member-1"].poll() is None, "the first worker did not survive the others")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--data", help="folder with 00.zip, 01.zip, 02.zip (default: made by interceptor-synth)")
    parser.add_argument("--keep", action="store_true", help="keep the folders of cases that passed")
    parser.add_argument("cases", nargs="*", help="names or parts of names; default: all")
    arguments = parser.parse_args()
    top = pathlib.Path(tempfile.mkdtemp(prefix="interceptor-e2e-"))
    data = pathlib.Path(arguments.data or top / "data")
    if not arguments.data:
        subprocess.run([pathlib.Path(arguments.bin) / "interceptor-synth", "make", "--out", data, "--chunks",
                        str(CHUNKS), "--families", "8", "--frames", "24", "--threads", "2"], check=True)
    cases = {name[5:]: value for name, value in globals().items() if name.startswith("case_")}
    failed = 0
    for name, case in cases.items():
        if arguments.cases and not any(part in name for part in arguments.cases):
            continue
        folder = top / name
        folder.mkdir()
        clusters = []

        def cluster_of(*args, **options):
            clusters.append(Cluster(arguments.bin, data.resolve(), folder, *args, **options))
            return clusters[-1]

        begin = time.monotonic()
        try:
            case(cluster_of)
            print(f"passed  {name}  {time.monotonic() - begin:.0f} s", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAILED  {name}: {failure}\n  logs in {folder}", flush=True)
        finally:
            for cluster in clusters:
                cluster.end()
    if failed == 0 and not arguments.keep:
        shutil.rmtree(top)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
