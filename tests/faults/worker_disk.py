"""A disk that fails or fills up under a worker: the run says so and goes on by itself, and no step is lost or taken for done."""
import re

import worker_kills
from namespaces import SmallDisk, tell
from tools import (Cluster, Fault, await_event, check_journal, check_no_temporaries, make_programs, read_text, require,
                   seconds_until, local_cluster)
from worker_kills import ONLY, POINTS, PREPARE, TRAIN


def broken(context, folder, point, error):
    """The call of a point fails once: what was half made goes, it is tried again, and the plan ends as if nothing had happened."""
    folder.mkdir(parents=True)
    log = folder / "strace.log"
    inject = f"{point.call}:error={error}:when={point.nth}" + (";" + worker_kills.HOLD_STEPS if point.slow else "")
    programs = make_programs(context.bin, folder / "bin", wrapped={point.program: (Fault(inject), log, ONLY[point.program])})
    cluster = Cluster(programs, context.clips, folder, worker_kills.MEMBERS,
                      **(worker_kills.SLOW if point.slow else worker_kills.FAST))
    if point.program != PREPARE:
        worker_kills.warm(cluster, context)
    cluster.start_coordinator()
    try:
        for member in ("member-1", "member-4"):
            cluster.start_worker(member)
        worker_kills.check_run(cluster)
        hit = [line for line in read_text(log).splitlines() if error in line and "INJECTED" in line]
        require(any(re.search(rf"{point.call}\(.*{point.file}", line) for line in hit), f"{point.name} was not reached: {hit}")
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(folder)


class FullDisk:
    """A cluster whose member-1 has its store or its work folder on a small disk."""

    def __init__(self, context, folder, place, megabytes):
        folder.mkdir(parents=True)
        programs = make_programs(context.bin, folder / "bin")
        self.cluster = Cluster(programs, context.clips, folder, worker_kills.MEMBERS, epochs=40,
                               recovery=1)
        self.disk = SmallDisk(folder / place, megabytes)
        self.disk.enter(programs / "interceptor-worker")
        self.cluster.start_coordinator()

    def start(self):
        command = self.cluster.worker_command("member-1")
        self.cluster.workers["member-1"] = local_cluster.subprocess.Popen(command, stderr=self.cluster.log("member-1"))
        self.cluster.start_worker("member-4")

    def says(self):
        tasks = (self.cluster.ask("status") or {}).get("tasks", [])
        return re.search("no space left|MiB are free", " ".join(task.get("reason", "") for task in tasks), re.IGNORECASE)

    def end(self):
        self.cluster.end()
        self.disk.end()


def full_store(context, folder):
    """The store's disk is full before anything is prepared."""
    case = FullDisk(context, folder, "store", 64)
    try:
        case.disk.fill()
        case.start()
        said = seconds_until("the full disk in status", case.says)
        case.disk.free()
        healed = seconds_until("training", case.cluster.trains("BG", 0, steps=1))
        worker_kills.check_run(case.cluster)
    finally:
        case.end()
    check_journal(case.cluster.state)
    return tell(said, healed)


def full_work(context, folder):
    """The work folder's disk fills up in mid-training: ledger, snapshots and checkpoints find no room."""
    case = FullDisk(context, folder, "member-1", 64)
    cluster = case.cluster
    cluster.work = lambda member: case.disk.seen if member == "member-1" else cluster.folder / member
    cluster.worker_command = lambda member, plain=cluster.worker_command: plain(member, cluster.folder / member)
    try:
        case.start()
        await_event("BG training chunk 00", lambda: len(cluster.ledger("BG")) > 1)
        case.disk.fill()
        said = seconds_until("the full disk in status", case.says)
        before = len(cluster.ledger("BG"))
        case.disk.free()
        healed = seconds_until("training", lambda: len(cluster.ledger("BG")) > before)
        worker_kills.check_run(cluster)
    finally:
        case.end()
    check_journal(cluster.state)
    return tell(said, healed)


def cases(context):
    """After those of worker_kills, which make the clips."""
    found = []
    for point in POINTS:
        if point.program not in (TRAIN, PREPARE):
            continue
        for error in ("EIO", "ENOSPC") if point.call in ("pwrite64", "fsync") else ("EIO",):
            found.append((f"worker-disk-{point.name}-{error}",
                          lambda folder, point=point, error=error: broken(context, folder, point, error)))
    return found + [("worker-disk-full-store", lambda folder: full_store(context, folder)),
                    ("worker-disk-full-work", lambda folder: full_work(context, folder))]
