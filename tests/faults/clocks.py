"""Wall clocks that jump by days, forth and back, under every program of a plan: nothing that is decided changes."""
import os
import random
import shlex
import threading

import worker_kills
import zombies
from tools import (Cluster, Watcher, await_event, check_journal, check_no_temporaries, faketime, make_programs, move_aside,
                   require, script)

DAYS = 400
LONGEST_STILL = 0.5  # seconds between two jumps


class Jumps:
    """Sets the clock that programs see through libfaketime, again and again."""

    def __init__(self, folder, seed):
        self.file = folder / "clock"
        self.random = random.Random(seed)
        self.count = 0
        self.set(0)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def set(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        os.replace(new, self.file)

    def run(self):
        while not self.stopped.wait(self.random.uniform(0, LONGEST_STILL)):
            self.set(self.random.randint(-DAYS * 86400, DAYS * 86400))
            self.count += 1

    def show_to(self, program):
        real = shlex.quote(str(move_aside(program)))
        script(program, f"export LD_PRELOAD={faketime()} FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 "
                        f"FAKETIME_TIMESTAMP_FILE={shlex.quote(str(self.file))}\nexec {real} \"$@\"")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def leases_hold(context, folder, program):
    """A plan of real training to its end, its box killed once: no lease ends, though every jump is longer than a lease."""
    folder.mkdir(parents=True)
    programs = make_programs(context.bin, folder / "bin")
    cluster = Cluster(programs, context.clips, folder, worker_kills.MEMBERS)
    worker_kills.warm(cluster, context)
    jumps = Jumps(folder, program)
    jumps.show_to(programs / program)
    try:
        cluster.start_coordinator()
        with jumps, Watcher(cluster) as watcher:
            for member in ("member-1", "member-4"):
                cluster.start_worker(member)
            await_event("BG training chunk 00", cluster.trains("BG", 0))
            agent = cluster.workers["member-1"]
            agent.kill()
            agent.wait()
            worker_kills.check_run(cluster)
            kinds = [event["kind"] for event in watcher.check()]
            require("lease_expired" not in kinds, "a lease ended because a clock jumped")
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(cluster.work("member-1"))
    return f"{jumps.count} jumps"


def leases_end(context, folder):
    """The leases of a box that is gone do not live on, whatever the coordinator's clock says."""
    cluster = zombies.stand_in_cluster(context, folder, "paced", lease=2)
    jumps = Jumps(folder, "ends")
    jumps.show_to(cluster.bin / "interceptor-coordinator")
    try:
        cluster.start_coordinator()
        with jumps, Watcher(cluster) as watcher:
            cluster.start_worker("member-1")
            await_event("a lease", lambda: "task_granted" in watcher.kinds())
            agent = cluster.workers.pop("member-1")
            agent.kill()
            agent.wait()
            await_event("the end of a dead box's leases", lambda: "lease_expired" in watcher.kinds())
            watcher.check()
    finally:
        cluster.end()
    check_journal(cluster.state)


def cases(context):
    found = [(f"clock-jumps-{program}", lambda folder, program=program: leases_hold(context, folder, program))
             for program in ("interceptor-coordinator", "interceptor-worker")]
    return found + [("clock-jumps-box-gone", lambda folder: leases_end(context, folder))]
