#!/usr/bin/python3
"""Real programs, real processes, real signals: a coordinator, workers and their children train a tiny plan.

Every part is killed once in mid-chunk (agent, trainer, preparer, decoder, coordinator); afterwards the trainers' step
ledgers must show that each chunk was trained once, whole, and that what was repeated after a kill was the same. Also:
handover to another box, drain and SIGTERM, zips that are not taken, and the faults a person makes when starting a worker.

  tests/e2e/workers.py --bin build/release/bin [--keep] [CASE...]

Waits for events (interceptor status, files, exits) with generous deadlines. Exit code 0 when every case passed.
"""
import argparse
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from local_cluster import (
    await_event, check_finished, check_ledgers, children_of, CHUNKS, Cluster, DEADLINE, Failure, kill_hard, processes, require)
from zip_writer import end_record, end_record64


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
    require(cluster.log_text("member-1").count("Haar cascade") == 1,
            "the worker's log does not say once that a cascade looks for the faces")
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
    cluster = cluster_of(members, lease=10, handover=10, epochs=3)
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
    for specialist in ("BG", "AV", "CM", "RR"):  # a box that gets no processor for long enough counts as gone too
        ledgers = [cluster.ledger(specialist, member) for member in members]
        require(ledgers[1], f"{specialist} was not trained on member-2's box")
        check_ledgers(ledgers, specialist)


def case_leaving_in_order(cluster_of):
    """SIGTERM, a closed terminal and drain save a snapshot, say goodbye and exit 0; training goes on from there, losing a
    step at most."""
    members = {"member-1": ["BG", "AV"]}
    cluster = cluster_of(members, epochs=60)
    cluster.start_coordinator()
    cluster.start_worker("member-1")
    await_event("BG training chunk 00", cluster.trains("BG", 0))
    # Shell and kernel each send SIGHUP when a terminal closes.
    for signals in ([signal.SIGTERM], [signal.SIGHUP, signal.SIGHUP]):
        name = signals[0].name
        worker = cluster.workers.pop("member-1")
        for each in signals:
            worker.send_signal(each)
        require(worker.wait(DEADLINE) == 0, f"after {name} the worker ended with {worker.returncode}")
        require(not cluster.trainer("BG") and not cluster.trainer("AV"), "a trainer outlived its worker")
        rows = len(cluster.ledger("BG"))
        await_event("the release of BG", lambda: not cluster.task("train/BG").get("holder_box"))

        cluster.start_worker("member-1")
        await_event("BG training on", lambda: len(cluster.ledger("BG")) > rows + 1)
        positions = [tuple(row[:3]) for row in cluster.ledger("BG")[rows - 1:]]
        require(len(positions) == len(set(positions)), f"more than one step was repeated after {name}")

    worker = cluster.workers.pop("member-1")
    cluster.tell("drain", "member-1")
    require(worker.wait(DEADLINE) == 0, f"after drain the worker ended with {worker.returncode}")
    require("leaving" in cluster.log_text("member-1"), "the worker's log does not say that it left")


SETTINGS = {
    "version": 1, "seed": 7, "chunks": ["00"],
    "model": {"architecture": "efficientnet_b4", "input_pixels": 64, "width_scale": 0.1, "depth_scale": 0.1, "classes": 2},
    "recipe": {"batch_size": 4, "epochs_per_chunk": 500},
    "preparation": {"view_pixels": 64, "frames_per_fake": 4, "frames_per_real": 4, "unmatched_share_max": 0.2},
    "evaluation": {"folds": 2, "frames_per_clip": 2},
}


def case_a_trainer_whose_terminal_closes_saves(cluster_of):
    """A person trains by hand; the terminal's window is closed. The next start goes on behind the last step taken."""
    cluster = cluster_of({"member-1": ["BG"]})
    settings, store, run = cluster.folder / "run.json", cluster.folder / "store", cluster.run_folder("BG")
    settings.write_text(json.dumps(SETTINGS))
    subprocess.run([cluster.bin / "interceptor-prepare", cluster.data / "00.zip", "--out", store, "--settings", settings],
                   check=True, stdout=subprocess.DEVNULL, stderr=cluster.log("prepare"))
    command = [cluster.bin / "interceptor-train", "--specialist", "BG", "--store", store, "--run", run, "--settings", settings]

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    os.set_blocking(terminal, False)

    def steps():
        try:
            os.read(terminal, 1 << 16)
        except BlockingIOError:
            pass
        return len(cluster.ledger("BG")) >= 5
    await_event("a few steps", steps)
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    require(code == 0, f"the trainer ended with {code}")
    taken = len(cluster.ledger("BG"))

    again = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = next((line for line in again.stderr if " parameters on " in line), "nothing")
    finally:
        again.kill()
        again.wait()
    require(f"from snapshot at step {taken}" in line, f"{taken} steps were taken, then: {line}")


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


def with_zip64_record(data):
    """Of a zip without comment; its end record keeps its true numbers, as where an entry was packed from a pipe."""
    record = data[-22:]
    require(record.startswith(b"PK\5\6"), "the zip ends with a comment")
    number = {name: int.from_bytes(record[at:at + width], "little")
              for name, at, width in (("count", 10, 2), ("size", 12, 4), ("start", 16, 4))}
    return data[:-22] + end_record64(**number) + end_record({}, **number)


def case_a_zip_that_is_not_taken_says_why(cluster_of):
    """Cut short, and a folder; then whole, one with a zip64 record that nobody needs."""
    cluster = cluster_of({"member-1": ["BG", "AV"]})
    whole, cluster.data = cluster.data, cluster.folder / "zips"
    cluster.data.mkdir()
    first = (whole / "00.zip").read_bytes()
    (cluster.data / "00.zip").write_bytes(first[:-100])
    (cluster.data / "01.zip").mkdir()
    cluster.start_coordinator()
    cluster.start_worker("member-1")

    def reason(chunk, words):
        listed = (cluster.ask("chunks") or {}).get("chunks", [])
        return any(words in problem["text"] for entry in listed if entry["chunk"] == chunk for problem in entry["problems"])

    await_event("the reason for 00", lambda: reason("00", "cut short or still being copied; copy it again"))
    await_event("the reason for 01", lambda: reason("01", "Is a directory"))
    await_event("the reason of BG", lambda: "copy it again" in cluster.task("train/BG").get("reason", ""))
    shown = cluster.ask("describe", "member-1")["worker"]["chunks"]
    require(any("copy it again" in chunk["problem"] for chunk in shown), f"describe gives no reason: {shown}")

    (cluster.data / "00.zip").write_bytes(with_zip64_record(first))
    (cluster.data / "01.zip").rmdir()
    for name in ("01.zip", "02.zip"):
        shutil.copy(whole / name, cluster.data)
    await_event("every chunk on the box", lambda: all(
        chunk["members"] and not chunk["problems"] for chunk in (cluster.ask("chunks") or {"chunks": [{"members": []}]})["chunks"]))
    await_event("chunk 00 prepared", (cluster.folder / "store/00/manifest.jsonl").exists)


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
