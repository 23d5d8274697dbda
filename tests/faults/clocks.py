"""Wall clocks that jump by days, forth and back, under every program of a plan: nothing that is decided changes."""
import os
import random
import shlex
import threading

import worker_kills
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


def jumping(context, folder, program):
    """A plan of real training to its end; a lease neither ends early nor lives for ever."""
    folder.mkdir(parents=True)
    programs = make_programs(context.bin, folder / "bin")
    cluster = Cluster(programs, context.clips, folder, worker_kills.MEMBERS, epochs=20)
    worker_kills.warm(cluster, context)
    jumps = Jumps(folder, program)
    jumps.show_to(programs / program)
    try:
        cluster.start_coordinator()
        with jumps, Watcher(cluster) as watcher:
            for member in ("member-1", "member-4"):
                cluster.start_worker(member)
            await_event("BG training chunk 00", cluster.trains("BG", 0))
            require("lease_expired" not in watcher.kinds(), "a lease ended because a clock jumped")
            agent = cluster.workers["member-1"]
            agent.kill()
            agent.wait()
            await_event("the end of a dead box's leases", lambda: "lease_expired" in watcher.kinds())
            worker_kills.check_run(cluster)
            watcher.check()
    finally:
        cluster.end()
    check_journal(cluster.state)
    check_no_temporaries(cluster.work("member-1"))
    return f"{jumps.count} jumps"


def cases(context):
    return [(f"clock-jumps-{program}", lambda folder, program=program: jumping(context, folder, program))
            for program in ("interceptor-coordinator", "interceptor-worker")]
