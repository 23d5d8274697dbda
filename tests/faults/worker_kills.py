"""kill -9 of agent, trainer and preparer at named points of the checkpoint and store paths, in a plan of real training.

Each point is (program, call, which one, a pattern of the file it is made on): strace ends the program on entering that call, so
release programs hold no switch, and its log must show that it was that file. Afterwards the plan must end as if nothing
had happened: each chunk trained once, repeats alike, no half file, every blob what its name says.
"""
import dataclasses
import os
import re
import shutil
import signal
import subprocess

from tools import (Cluster, Fault, await_event, check_journal, check_no_temporaries, check_one_effect_each,
                   check_vault, LONG, make_programs, read_text, require, local_cluster)

MEMBERS = {"member-1": ["BG", "AV"]}
# In a fast run no snapshot is due; in a slow one the traced trainer's steps, each of which writes a line of its ledger, are
# held up, so that several are. Checkpoints come at the chunks' ends alone: calls are counted.
FAST = {"epochs": 2, "period": LONG, "recovery": LONG}
SLOW = {"epochs": 5, "period": LONG, "recovery": 1}
HOLD_STEPS = "write:delay_enter=400000"


@dataclasses.dataclass(frozen=True)
class Point:
    name: str
    program: str
    call: str
    nth: int
    file: str  # pattern of the path in strace's line
    path: str = ""  # counts only calls on this path of the member's folder; else all of a thread's
    slow: bool = False


TRAIN, PREPARE, AGENT = "interceptor-train", "interceptor-prepare", "interceptor-worker"
INTEGRATE = "interceptor-integrate"
CHECKPOINT, SNAPSHOT = r"checkpoints/BG-step-\d+\.safetensors", r"BG/recovery-{}\.safetensors"
A, B = SNAPSHOT.format("a"), SNAPSHOT.format("b")

POINTS = (
    Point("checkpoint-write", TRAIN, "pwrite64", 20, CHECKPOINT + r"\.tmp-"),
    Point("checkpoint-sync", TRAIN, "fsync", 1, CHECKPOINT + r"\.tmp-"),
    Point("checkpoint-rename", TRAIN, "rename", 1, CHECKPOINT),
    Point("checkpoint-folder", TRAIN, "fsync", 2, "BG/checkpoints>"),
    Point("scores-rename", TRAIN, "rename", 2, r"scores/look_ahead-01\.csv"),
    Point("snapshot-a-write", TRAIN, "pwrite64", 20, A + r"\.tmp-", slow=True),
    Point("snapshot-a-sync", TRAIN, "fsync", 1, A + r"\.tmp-", slow=True),
    Point("snapshot-a-rename", TRAIN, "rename", 1, A, slow=True),
    Point("snapshot-a-folder", TRAIN, "fsync", 2, "runs/BG>", slow=True),
    Point("snapshot-b-sync", TRAIN, "fsync", 3, B + r"\.tmp-", slow=True),
    Point("snapshot-b-rename", TRAIN, "rename", 2, B, slow=True),
    Point("store-write", PREPARE, "pwrite64", 5, r"store/00/(train|keep)\.clips\.tmp-"),
    Point("store-train-sync", PREPARE, "fsync", 2, r"store/00/train\.clips\.tmp-"),
    Point("store-train-rename", PREPARE, "rename", 1, r"store/00/train\.clips"),
    Point("store-keep-rename", PREPARE, "rename", 2, r"store/00/keep\.clips"),
    Point("store-manifest-sync", PREPARE, "fsync", 6, r"store/00/manifest\.jsonl\.tmp-"),
    Point("store-manifest-rename", PREPARE, "rename", 3, r"store/00/manifest\.jsonl"),
    Point("store-stamp-rename", PREPARE, "rename", 4, r"store/00/prepared\.json"),
    Point("round-rename", INTEGRATE, "rename", 1, r"results/round-00\.csv"),
    Point("round-sync", INTEGRATE, "fsync", 3, r"results/round-00\.json\.tmp-"),
    Point("box-sync", AGENT, "fsync", 1, r"box\.id\.tmp-"),
    Point("box-rename", AGENT, "rename", 1, r"box\.id"),
    Point("coordinator-rename", AGENT, "rename", 3, r"coordinator\.txtpb"),
    Point("digests-rename", AGENT, "rename", 3, r"digests\.json"),
    Point("memory-sync", AGENT, "fsync", 9, r"runs/(BG|AV)/unpublished\.json\.tmp-"),
    Point("memory-rename", AGENT, "rename", 5, r"runs/(BG|AV)/unpublished\.json"),
    Point("memory-later-rename", AGENT, "rename", 9, r"runs/(BG|AV)/unpublished\.json"),
    Point("old-checkpoint-unlink", AGENT, "unlink", 1, r"checkpoints/BG-step-0+4\.",
          path="runs/BG/checkpoints/BG-step-0000000004.safetensors"),
)
ONLY = {TRAIN: "--specialist BG ", PREPARE: "--chunk 00 ", AGENT: "--member member-1 ", INTEGRATE: "--chunk 00 "}


def make_store(context):
    """Every chunk prepared once, with the settings that the agent writes; runs that do not test preparing share its files."""
    folder = context.folder / "warm"
    folder.mkdir()
    cluster = Cluster(context.programs, context.clips, folder, MEMBERS, epochs=2)
    cluster.start_coordinator()
    try:
        cluster.start_worker("member-1")
        settings = cluster.work("member-1") / "run.json"
        await_event("the agent's settings", settings.exists)
        await_event("the chunks' digests", lambda: read_text(cluster.work("member-1") / "digests.json").count("sha256") == 3)
    finally:
        cluster.end()
    for chunk in range(local_cluster.CHUNKS):
        subprocess.run([context.bin / PREPARE, context.clips / f"{chunk:02d}.zip", "--out", context.store, "--settings",
                        settings], check=True, capture_output=True)
    shutil.copy2(cluster.work("member-1") / "digests.json", context.clip_digests)
    shutil.copy2(settings, context.settings)


def warm(cluster, context):
    """Links to the prepared store: what a run evicts is its own link."""
    shutil.copytree(context.store, cluster.folder / "store", copy_function=os.link)
    cluster.work("member-1").mkdir()
    shutil.copy2(context.clip_digests, cluster.work("member-1") / "digests.json")


def keep_alive(cluster):
    """Starts workers again that were killed; any other end of one fails."""
    for member, process in cluster.workers.items():
        if process.poll() is not None:
            require(process.returncode == -signal.SIGKILL, f"{member}'s worker ended with {process.returncode}")
            cluster.start_worker(member)


def await_plan(cluster):
    def probe():
        keep_alive(cluster)
        status = cluster.ask("status") or {}
        return status.get("done") and status
    return await_event("the plan's end", probe)


def check_run(cluster):
    """What every run must be in the end, whatever was killed."""
    status = await_plan(cluster)
    local_cluster.check_finished(cluster, status, cluster.members)
    for member, pair in cluster.members.items():
        for specialist in pair:
            steps = local_cluster.check_ledgers([cluster.ledger(specialist)], specialist)
            newest = int(cluster.task(f"train/{specialist}")["newest_checkpoint"]["step"])
            require(newest == steps, f"{specialist}: {steps} steps in the ledger, {newest} in the newest checkpoint")
    events = cluster.events()
    check_one_effect_each(events)
    blobs = check_vault(cluster.state)
    for checkpoint in cluster.ask("checkpoints")["checkpoints"]:
        require(checkpoint["blob"]["sha256"] in blobs, f"{checkpoint['id']} is not in the vault")


def check_hit(log, point):
    """The last call before the end was the one the table names."""
    calls = [line for line in read_text(log).splitlines() if re.search(rf"\b{point.call}\(", line)]
    unanswered = [line for line in calls if re.search(r"= \?|unfinished", line)]
    require(unanswered, f"{point.name} was not reached: {calls[-2:]}")
    require(any(re.search(rf"{point.call}\(.*{point.file}", line) for line in unanswered),
            f"{point.name}: killed at {unanswered}")


def kill_at(context, folder, point):
    folder.mkdir(parents=True)
    setting = SLOW if point.slow else FAST
    log = folder / "strace.log"
    # The agent's children would be followed too; but for the digests, its files are written by its first thread.
    follow = point.program != AGENT or point.name == "digests-rename"
    inject = f"{point.call}:signal=SIGKILL:when={point.nth}" + (";" + HOLD_STEPS if point.slow else "")
    fault = Fault(inject, folder / "member-1" / point.path if point.path else None, follow)
    programs = make_programs(context.bin, folder / "bin", wrapped={point.program: (fault, log, ONLY[point.program])})
    cluster = Cluster(programs, context.clips, folder, MEMBERS, **setting)
    if point.program != PREPARE:
        warm(cluster, context)
    cluster.start_coordinator()
    if point.name == "digests-rename":
        work = cluster.work("member-1")
        (work / "digests.json").unlink()
        # The first thread then makes two renames before the scanner has made three.
        (work / "box.id").write_text("0123456789abcdef" * 2 + "\n")
        (work / "plan.digest").write_text(cluster.ask("status")["plan_digest"] + "\n")
    try:
        for member in ("member-1", "member-4"):
            cluster.start_worker(member)
        check_run(cluster)
        check_hit(log, point)
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(folder)


def cases(context):
    context.make_clips()
    make_store(context)
    return [(f"worker-{point.name}", lambda folder, point=point: kill_at(context, folder, point)) for point in POINTS]
