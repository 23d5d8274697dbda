"""Workers that wake after their term has moved, a second coordinator, storms of SIGTERM, children that spin, balloon, hang or garble."""
import os
import pathlib
import re
import signal
import subprocess

import coordinator_kills
import worker_kills
from tools import (Cluster, DEADLINE, await_event, check_journal, check_no_temporaries, check_one_effect_each, check_vault,
                   make_programs, require, script, local_cluster)

STORM = 30
STALL = 15  # seconds; a healthy child on a busy machine must start and speak within
# When a box that answers no more is stood in for: soon, but not as soon as a healthy one may be silent on a busy machine.
GONE_SOON = {"lease": 15, "handover": 15}
TWO_PAIRS = {"member-1": ["BG", "AV"], "member-2": ["CM", "RR"]}


def family(pid):
    """The process and all its descendants."""
    found = [pid]
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found += family(int(entry.name))
        except OSError:
            continue
    return found


def signal_all(pids, number):
    """Some may be gone: an agent that wakes kills the children of runs it lost."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stand_in_cluster(context, folder, trainer, members=None, **timing):
    folder.mkdir(parents=True)
    programs = make_programs(context.bin, folder / "bin",
                             stand_ins={"interceptor-prepare": "prepare", "interceptor-train": trainer})
    return Cluster(programs, context.zips, folder, members, **timing)


def let_go(cluster, chunk):
    (cluster.folder / f"go-{chunk}").touch()


def zombie(context, folder):
    """A worker is stopped with an unpublished checkpoint, its runs move to another box, it wakes: it changes nothing,
    and its checkpoint goes."""
    cluster = stand_in_cluster(context, folder, "paced", TWO_PAIRS, **GONE_SOON)
    cluster.start_coordinator()
    stopped = []
    try:
        for member in TWO_PAIRS:
            cluster.start_worker(member)
        let_go(cluster, 0)
        agent = cluster.workers["member-1"].pid
        turn = await_event("a trainer before the second chunk",
                           lambda: re.search(r"(BG|AV): chunk 01", cluster.log_text("member-1")))[1]
        await_event("its first chunk", lambda: cluster.task(f"train/{turn}").get("chunks_finished") == 1)
        os.kill(agent, signal.SIGSTOP)
        stopped = [agent]
        let_go(cluster, 1)
        unpublished = cluster.run_folder(turn) / "checkpoints" / f"{turn}-step-0000000020.safetensors"
        await_event("a checkpoint that the stopped agent does not know", unpublished.exists)
        stopped = family(agent)
        signal_all(stopped, signal.SIGSTOP)
        let_go(cluster, 2)  # nobody but the stopped ones waits any more
        await_event("the plan's runs on member-2's box",
                    lambda: [e["kind"] for e in cluster.events()].count("chunk_completed") == 12)
        moved = len(cluster.events())

        signal_all(stopped, signal.SIGCONT)
        stopped = []
        await_event("the zombie's news of its loss", lambda: f"dropping train/{turn}, term 1" in cluster.log_text("member-1"))
        await_event("the end of its checkpoint", lambda: not unpublished.exists())
        for event in cluster.events()[moved:]:
            old = event["subject"].startswith(("BG", "AV", "train/BG", "train/AV")) and "term 1:" in event["text"]
            require(not old, f"the old term changed something: {event}")
        check_one_effect_each(cluster.events())
        check_vault(cluster.state)
        require(cluster.workers["member-1"].poll() is None, "the zombie's agent ended")
    finally:
        signal_all(stopped, signal.SIGCONT)
        cluster.end()
    check_journal(cluster.state)


def second_coordinator(context, folder):
    """Another coordinator on the same state folder is refused and disturbs nothing; it serves once the first is gone."""
    cluster = coordinator_kills.plain_cluster(context, folder)
    cluster.start_coordinator()
    command = [cluster.bin / "interceptor-coordinator", "--plan", cluster.plan, "--state", cluster.state, "--listen",
               "127.0.0.1:0"]
    try:
        require(cluster.request("pause", "--reason", "one")[0] == 0, "a pause was refused")
        for _ in range(5):
            done = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)
            text = done.stderr.decode()
            require(done.returncode == 1 and str(cluster.state) in text, f"code {done.returncode}: {text}")
            require(cluster.request("resume")[0] == 0, "the first coordinator was disturbed")
        before = cluster.events()
        cluster.kill_coordinator()
        cluster.start_coordinator()
        require(cluster.events()[:len(before)] == before, "events are gone")
    finally:
        cluster.end()
    check_journal(cluster.state)


def storm(context, folder):
    """Thirty SIGTERMs to agent and coordinator at once, in mid-chunk: both end, children too, and the plan goes on after it."""
    folder.mkdir(parents=True)
    cluster = Cluster(context.programs, context.clips, folder, worker_kills.MEMBERS, epochs=4)
    worker_kills.warm(cluster, context)
    cluster.start_coordinator()
    try:
        for member in ("member-1", "member-4"):
            cluster.start_worker(member)
        await_event("BG training chunk 00", cluster.trains("BG", 0))
        agent, coordinator = cluster.workers["member-1"], cluster.coordinator
        children = family(agent.pid)[1:]
        for _ in range(STORM):
            agent.send_signal(signal.SIGTERM)
            coordinator.send_signal(signal.SIGTERM)
        require(agent.wait(DEADLINE) in (0, 1), f"the agent ended with {agent.returncode}")
        require(coordinator.wait(DEADLINE) in (0, 1), f"the coordinator ended with {coordinator.returncode}")
        await_event("the children's end", lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in children))
        cluster.start_coordinator()
        cluster.start_worker("member-1")
        worker_kills.check_run(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(folder)


def bad_trainer(context, folder, how, *reasons):
    """A trainer that hangs, spins, garbles or balloons: status gives the reason, the run is released, the child is gone."""
    cluster = stand_in_cluster(context, folder, how, **({"stall": STALL} if how in ("hang", "spin") else {}))
    if how == "balloon":
        wrapper = cluster.bin / "interceptor-train"
        script(wrapper, "ulimit -v 400000\n" + wrapper.read_text().split("\n", 1)[1])
    cluster.start_coordinator()
    try:
        cluster.start_worker("member-1")
        await_event("the reason in status",
                    lambda: any(reason in cluster.task("train/BG").get("reason", "") for reason in reasons))
        if how != "balloon":
            await_event("the failure in events", lambda: any(
                event["kind"] in ("task_failed", "run_paused") and event["subject"].startswith("train/") for event in cluster.events()))
            await_event("the end of the child", lambda: "SIGKILL" in cluster.log_text("member-1"))
        require(cluster.workers["member-1"].poll() is None, "the agent ended")
    finally:
        cluster.workers["member-1"].kill()  # such a child would be waited for in vain
        cluster.end()


def stopped_preparer(context, folder):
    """A preparer that hangs is ended after the plan's stall, with its reason in status, and the chunk is prepared by another."""
    folder.mkdir(parents=True)
    cluster = Cluster(context.programs, context.clips, folder, worker_kills.MEMBERS, epochs=1, stall=STALL)
    cluster.start_coordinator()
    try:
        cluster.start_worker("member-1")
        hung = await_event("a preparer", lambda: local_cluster.children_of(cluster.workers["member-1"].pid, "interceptor-prepare"))[0]
        os.kill(hung, signal.SIGSTOP)
        await_event("the reason in the worker's log",
                    lambda: f"interceptor-prepare showed no progress for {STALL}s" in cluster.log_text("member-1"))
        await_event("the end of the one that hung", lambda: not pathlib.Path(f"/proc/{hung}").exists())
        await_event("training", cluster.trains("BG", 0, steps=1))
    finally:
        cluster.end()


def cases(context):
    def case(name, function, *args):
        return f"zombie-{name}", lambda folder: function(context, folder, *args)

    return [
        case("wakes-after-its-term", zombie),
        case("second-coordinator", second_coordinator),
        case("storm-of-sigterm", storm),
        case("preparer-hangs", stopped_preparer),
        case("child-hangs", bad_trainer, "hang", f"no progress for {STALL}s"),
        case("child-spins", bad_trainer, "spin", f"no progress for {STALL}s"),
        case("child-garbles", bad_trainer, "garble", "an event of a child process has the key"),
        case("child-balloons", bad_trainer, "balloon", "interceptor-train left with exit code 1"),
    ]
