"""A disk that fails or fills up under the coordinator: it says so, deletes nothing good, never acknowledges what it could
not keep, and goes on by itself where that can be known to be right."""
import coordinator_kills
from namespaces import SmallDisk, tell
from tools import (Cluster, DEADLINE, Failure, Fault, Watcher, attached, await_event, blobs_of, check_journal, check_vault,
                   make_programs, require, seconds_until)

SYNCS = ("fdatasync", "ftruncate", "pwrite64")
# Low is half of this, so that a small disk does; 64 MiB of the vault's disk stay reserved besides.
SMALL_VAULT = {r"keep_latest: 2": "keep_latest: 2 vault_bytes_max: 100000000"}


def broken_sync(context, folder, fault):
    """EIO at a write, sync or truncation of the journal: no acknowledgement, exit, and recovery by the next start."""
    cluster = coordinator_kills.plain_cluster(context, folder)
    cluster.start_coordinator()
    try:
        with attached(cluster.coordinator.pid, fault, folder / "strace.log"):
            asked, acknowledged = coordinator_kills.ask_for_changes(cluster)
            if acknowledged < len(asked):
                require(cluster.coordinator.wait(DEADLINE) == 1, f"it ended with {cluster.coordinator.returncode}")
                require("unknown outcome" in cluster.log_text("coordinator"), "the log does not say why it ended")
        if cluster.coordinator.poll() is None:
            cluster.kill_coordinator()
        require("INJECTED" in (folder / "strace.log").read_text(), "the call was not reached")
        cluster.start_coordinator()
        coordinator_kills.check_changes(cluster, asked, acknowledged)
        coordinator_kills.check_serves(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def broken_start(context, folder, fault):
    """EIO while starting: a line that says why and exit code 1, or it serves; the next start serves in any case."""
    folder.mkdir(parents=True)
    wrapped = {"interceptor-coordinator": (fault, folder / "strace.log")}
    cluster = Cluster(make_programs(context.bin, folder / "bin", wrapped=wrapped), context.zips, folder)
    try:
        try:
            cluster.start_coordinator()
            cluster.kill_coordinator()
        except Failure:
            require(cluster.coordinator.wait(DEADLINE) == 1, f"it ended with {cluster.coordinator.returncode}")
            require("interceptor-coordinator: " in cluster.log_text("coordinator"), "it does not say why it ended")
        require("INJECTED" in (folder / "strace.log").read_text(), "the call was not reached")
        cluster.start_coordinator()
        coordinator_kills.check_serves(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def broken_vault(context, folder, inject, place, checkpoint):
    """A call on one checkpoint's blob fails: it is tried again, the plan ends, every blob is whole."""
    cluster = coordinator_kills.plan_cluster(context, folder)
    blob = context.blobs[checkpoint]
    path = cluster.state / "vault" / place.format(blob=blob, front=blob[:2])
    cluster.start_coordinator()
    try:
        with Watcher(cluster) as watcher, attached(cluster.coordinator.pid, Fault(inject, path), folder / "strace.log"):
            cluster.start_worker("member-1")
            done = coordinator_kills.run_plan(cluster, watcher, removed=not inject.startswith("unlink"))
            require(done, f"the coordinator ended: {cluster.tail('coordinator')}")
        require("INJECTED" in (folder / "strace.log").read_text(), "the call was not reached")
        check_vault(cluster.state)
    finally:
        cluster.end()


def full_journal(context, folder):
    """A full disk under the journal: read-only, also over a restart; what was acknowledged stays; heals by itself."""
    folder.mkdir(parents=True)
    programs = make_programs(context.bin, folder / "bin")
    cluster = Cluster(programs, context.zips, folder)
    disk = SmallDisk(cluster.state, 16, outside="vault")
    disk.enter(programs / "interceptor-coordinator")
    try:
        cluster.start_coordinator()
        for _ in range(3):
            disk.fill()
            cluster.request("resume")  # the ballast goes with the first one that finds no room
        before = cluster.events()
        disk.fill()
        code, text = cluster.request("pause", "--reason", "full")
        require(code == 1 and "read-only" in text, f"code {code}: {text}")
        said = seconds_until("the full disk in status", lambda: "read-only" in cluster.problems())
        require(cluster.events() == before, "a refused request is in the journal, or an acknowledged one is gone")
        cluster.kill_coordinator()
        cluster.start_coordinator()
        require(cluster.events()[:len(before)] == before, "events are gone after a restart with a full disk")
        await_event("the full disk in status after a restart", lambda: "read-only" in cluster.problems())
        disk.free()
        healed = seconds_until("the end of read-only", lambda: "read-only" not in cluster.problems())
        require(cluster.request("pause", "--reason", "room")[0] == 0, "there is room and a pause is refused")
        require(cluster.events()[:len(before)] == before, "events are gone")
    finally:
        cluster.end()
        disk.end()
    return tell(said, healed)


def full_vault(context, folder, leave):
    """A full disk under the vault: status says so, uploads wait, no checkpoint goes, and the plan ends once there is room."""
    folder.mkdir(parents=True)
    programs = make_programs(context.bin, folder / "bin", stand_ins={"interceptor-prepare": "prepare",
                                                                      "interceptor-train": "train"})
    cluster = Cluster(programs, context.zips, folder, plan=SMALL_VAULT)
    disk = SmallDisk(cluster.state / "vault", 160)
    disk.enter(programs / "interceptor-coordinator")
    try:
        cluster.start_coordinator()
        with Watcher(cluster) as watcher:
            cluster.start_worker("member-1")
            await_event("a checkpoint", lambda: "checkpoint_committed" in watcher.kinds())
            disk.fill(leave)
            said = seconds_until("the full disk in status", lambda: "disk is low" in cluster.problems())
            committed = {c["blob"]["sha256"] for c in cluster.ask("checkpoints")["checkpoints"]}
            there = {blob.name for blob in blobs_of(disk.seen)}
            require(committed <= there, f"checkpoints are gone from a full vault: {committed - there}")
            disk.free()
            healed = seconds_until("the end of the full disk", lambda: "disk is low" not in cluster.problems())
            require(coordinator_kills.run_plan(cluster, watcher), "the coordinator ended")
        coordinator_kills.check_plan(cluster, watcher, False, vault=disk.seen)
    finally:
        cluster.end()
        disk.end()
    return tell(said, healed)


def cases(context):
    found = []

    def add(name, case, *args):
        found.append((f"disk-{name}", lambda folder: case(context, folder, *args)))

    count = Fault(",".join(SYNCS) + ":delay_exit=0:when=1")
    dry = coordinator_kills.count_requests(context, context.folder / "disk-count", count, SYNCS)
    for call, most in sorted(dry.items()):
        for n in range(1, most // coordinator_kills.REQUESTS + 1):  # every call of one commit
            add(f"journal-{call}-{n}", broken_sync, Fault(f"{call}:error=EIO:when={n}"))
    add("journal-stays-broken", broken_sync, Fault("fdatasync:error=EIO:when=3+"))
    for n in (1, 2, 4, 6, 9, 12):
        add(f"start-fdatasync-{n}", broken_start, Fault(f"fdatasync:error=EIO:when={n}"))
    for n in (1, 3, 4, 6):
        add(f"start-fsync-{n}", broken_start, Fault(f"fsync:error=EIO:when={n}"))
    for call, error in (("ftruncate", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO")):
        add(f"vault-{call}-{error}", broken_vault, f"{call}:error={error}:when=1", "incoming/{blob}.part", "BG-000000000030")
    add("vault-folder-EIO", broken_vault, "fsync:error=EIO:when=1", "blobs/{front}", "BG-000000000030")
    add("vault-unlink-EIO", broken_vault, "unlink:error=EIO:when=1", "blobs/{front}/{blob}", "BG-000000000010")
    add("journal-full", full_journal)
    add("vault-low", full_vault, 40 << 20)
    add("vault-full", full_vault, 0)
    return found
