"""kill -9 of the real coordinator at every sync, truncation, rename and unlink: what was acknowledged is there afterwards.

Three scripts: its start on an empty folder, requests of a person, and a worker's whole plan (stand-in children, so that it
takes a second). A dry run counts the calls; then each is made the last one. strace counts the calls of each thread apart,
so `call:n` ends the program at the first thread's n-th.
"""
import json
import shutil
import signal

from tools import (CALLS, Cluster, DEADLINE, Failure, Fault, Watcher, attached, await_event, check_journal, check_no_temporaries,
                   check_one_effect_each, check_vault, count_calls, load_json, make_programs, require)

REQUESTS = 6
COUNT = Fault(",".join(CALLS) + ":delay_exit=0:when=1")  # an injection that changes nothing


def plain_cluster(context, folder):
    folder.mkdir(parents=True)
    return Cluster(context.programs, context.zips, folder)


def expect_killed(process):
    require(process.wait(DEADLINE) == -signal.SIGKILL, f"the coordinator ended with {process.returncode}, not by SIGKILL")


def ask_for_changes(cluster, count=REQUESTS):
    """Pauses and resumes in turn until one is not acknowledged. Returns what was asked for and how much of it was
    acknowledged: the intent is noted before the answer is known."""
    asked = []
    for number in range(count):
        pause = number % 2 == 0
        asked.append(("plan_paused", f"paused: p-{number}") if pause else ("plan_resumed", "by a person"))
        code, _ = cluster.request(*(["pause", "--reason", f"p-{number}"] if pause else ["resume"]))
        if code != 0:
            return asked, number
    return asked, count


def check_changes(cluster, asked, acknowledged):
    """Acknowledged is a part of recovered, which is a part of acknowledged and the one in flight."""
    events = await_event("the coordinator's events", cluster.events)
    there = [(event["kind"], event["text"]) for event in events if event["kind"] in ("plan_paused", "plan_resumed")]
    require(there[:acknowledged] == asked[:acknowledged], f"acknowledged {asked[:acknowledged]}, recovered {there}")
    require(there == asked[:len(there)] and len(there) <= acknowledged + 1, f"asked for {asked}, recovered {there}")
    numbers = [int(event["number"]) for event in events]
    require(numbers == list(range(1, len(numbers) + 1)), f"events are numbered {numbers}")
    require([e["kind"] for e in events].count("plan_adopted") == 1, "the plan was not adopted once")
    return events


def check_serves(cluster):
    """Requests are taken, and what they changed survives one more restart."""
    before = await_event("the coordinator's events", cluster.events)
    for words in (["pause", "--reason", "after"], ["resume"]):
        code, text = cluster.request(*words)
        require(code == 0, f"after the restart {words} is refused: {text}")
    cluster.kill_coordinator()
    cluster.start_coordinator()
    events = await_event("the coordinator's events", cluster.events)
    require(events[:len(before)] == before, "the events of a restart differ")
    require([e["kind"] for e in events[len(before):]] == ["plan_paused", "plan_resumed", "coordinator_started"],
            f"after the restart there is {events[len(before):]}")
    check_no_temporaries(cluster.state)


def count_start(context, folder):
    folder.mkdir(parents=True)
    log = folder / "calls.log"
    programs = make_programs(context.bin, folder / "bin", wrapped={"interceptor-coordinator": (COUNT, log)})
    cluster = Cluster(programs, context.zips, folder)
    cluster.start_coordinator()
    cluster.kill_coordinator()
    return count_calls(log, CALLS)


def kill_in_start(context, folder, fault):
    folder.mkdir(parents=True)
    wrapped = {"interceptor-coordinator": (fault, folder / "strace.log")}
    cluster = Cluster(make_programs(context.bin, folder / "bin", wrapped=wrapped), context.zips, folder)
    try:
        try:
            cluster.start_coordinator()
        except Failure:
            pass
        expect_killed(cluster.coordinator)
        cluster.start_coordinator()
        check_serves(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def count_requests(context, folder, fault=COUNT, calls=CALLS):
    cluster = plain_cluster(context, folder)
    cluster.start_coordinator()
    try:
        with attached(cluster.coordinator.pid, fault, folder / "calls.log"):
            asked, acknowledged = ask_for_changes(cluster)
        require(acknowledged == REQUESTS, "a request was refused without any fault")
        check_changes(cluster, asked, acknowledged)
    finally:
        cluster.end()
    return count_calls(folder / "calls.log", calls)


def kill_in_requests(context, folder, fault):
    cluster = plain_cluster(context, folder)
    cluster.start_coordinator()
    try:
        with attached(cluster.coordinator.pid, fault, folder / "strace.log"):
            asked, acknowledged = ask_for_changes(cluster)
            expect_killed(cluster.coordinator)
        cluster.start_coordinator()
        check_changes(cluster, asked, acknowledged)
        check_serves(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def plan_is_done(kinds, removed):
    """Both runs have finished three chunks, and of their checkpoints all but the latest two are gone. A worker out of touch
    keeps two, so that one may never have been committed."""
    gone = "blob_removed" if removed else "checkpoint_removed"
    return kinds.count("chunk_completed") == 6 and kinds.count(gone) == kinds.count("checkpoint_committed") - 4


def run_plan(cluster, watcher, removed=True):
    """True when the plan is done, False when the coordinator died before."""
    ended = lambda: cluster.coordinator.poll() is not None
    await_event("the plan's end", lambda: ended() or plan_is_done(watcher.kinds(), removed))
    return not ended()


def check_plan(cluster, watcher, pinned, vault=None):
    events = watcher.check()
    facts = check_one_effect_each(events)
    require(3 + 4 + 6 + 6 <= facts <= 3 + 6 + 6 + 6, f"{facts} facts of manifests, checkpoints, evaluations and chunks")
    blobs = check_vault(cluster.state, vault)
    # An upload whose checkpoint was given up while the coordinator was away is swept a day later: one a specialist at most.
    require(13 <= len(blobs) <= 15, f"the vault holds {len(blobs)} blobs, the journal names 13")
    for specialist in ("BG", "AV"):
        listed = cluster.ask("checkpoints", specialist)["checkpoints"]
        ids = [c["id"] for c in listed]
        require(len(ids) == 2 and ids[0] == f"{specialist}-000000000030" and ids[0] > ids[1], f"{specialist} has {ids}")
        for checkpoint in listed:
            require(checkpoint["blob"]["sha256"] in blobs, f"{checkpoint['id']} is not in the vault")
        require(not pinned or specialist != "BG" or listed[0]["pinned"], "the pin was acknowledged and is lost")


def plan_cluster(context, folder):
    """A cluster of stand-ins whose worker has hashed its chunks before, which saves two seconds a run."""
    folder.mkdir(parents=True)
    cluster = Cluster(context.stand_ins, context.zips, folder)
    cluster.work("member-1").mkdir()
    if context.digests.exists():
        shutil.copy2(context.digests, cluster.work("member-1"))
    return cluster


def kill_in_plan(context, folder, fault):
    """Returns whether the call was reached: how commits are grouped differs from run to run."""
    cluster = plan_cluster(context, folder)
    cluster.start_coordinator()
    pinned = False
    try:
        with Watcher(cluster) as watcher:
            with attached(cluster.coordinator.pid, fault, folder / "strace.log"):
                cluster.start_worker("member-1")
                alive = run_plan(cluster, watcher)
                if alive:
                    pinned = cluster.request("pin", "BG-000000000030")[0] == 0
                    alive = cluster.coordinator.poll() is None
            if not alive:
                expect_killed(cluster.coordinator)
                cluster.start_coordinator()
                require(run_plan(cluster, watcher), "the coordinator ended without a fault")
        check_plan(cluster, watcher, pinned)
        (folder / "blobs.json").write_text(json.dumps(
            {event["subject"]: event["text"].split()[-1] for event in cluster.events()
             if event["kind"] == "checkpoint_committed"}))
        require(cluster.workers["member-1"].poll() is None, "the worker ended")
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(folder)
    return not alive


def count_plan(context, folder):
    context.digests.unlink(missing_ok=True)
    reached = kill_in_plan(context, folder, COUNT)
    require(not reached, "the coordinator died without a fault")
    shutil.copy2(folder / "member-1" / "digests.json", context.digests)
    context.blobs = load_json(folder / "blobs.json")
    return count_calls(folder / "strace.log", CALLS)


SCRIPTS = {"start": (count_start, kill_in_start), "requests": (count_requests, kill_in_requests),
           "plan": (count_plan, kill_in_plan)}


def points(counts, stride=1):
    """(call, n) for every call; of the journal's, which the script of requests has one by one, each `stride`-th."""
    return [(call, n) for call, count in sorted(counts.items())
            for n in range(1, count + 1, stride if call in ("fdatasync", "ftruncate") else 1)]


def cases(context, stride):
    """(name, function) for every point of every script; the dry runs happen here."""
    found = []
    for script, (count, kill) in SCRIPTS.items():
        counts = count(context, context.folder / f"coordinator-{script}-count")
        require(counts, f"the dry run of '{script}' made no calls")
        for call, n in points(counts, stride if script == "plan" else 1):
            fault = Fault(f"{call}:signal=SIGKILL:when={n}")
            found.append((f"coordinator-{script}-{call}-{n}",
                          lambda folder, kill=kill, fault=fault: kill(context, folder, fault)))
    return found
