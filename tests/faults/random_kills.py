"""Random kill -9 of the coordinator, the agents and their children, with other options at every restart.

What readers have seen and what requests were acknowledged is kept outside and compared after every restart. A seed gives
the same draws again; the moments at which they fall are the machine's.
"""
import random
import signal

import worker_kills
from tools import (Cluster, Failure, Watcher, await_event, check_journal, check_no_temporaries, LONG, now, require, local_cluster, works_in)

KILLS_A_ROUND = 25
PROGRAMS = ("interceptor-train", "interceptor-prepare", "interceptor-decode")


class Round:
    """One plan from start to end under kills."""

    def __init__(self, context, folder, seed, kills):
        folder.mkdir(parents=True)
        self.random = random.Random(seed)
        self.kills = kills
        self.done = []
        self.cluster = Cluster(context.programs, context.clips, folder, worker_kills.MEMBERS,
                               recovery=self.random.choice((1, 2, LONG)), epochs=self.random.choice((4, 8, 12)),
                               period=self.random.choice((2, 30)), lease=self.random.choice((5, LONG)))
        if self.random.random() < 0.5:
            worker_kills.warm(self.cluster, context)

    def start_worker(self, member):
        """With other options than before."""
        command = self.cluster.worker_command(member)
        if self.random.random() < 0.3:
            command = ["nice", "-n", "15", *command]
        self.cluster.workers[member] = local_cluster.subprocess.Popen(command, stderr=self.cluster.log(member))

    def kill_once(self):
        victim = self.random.choices(("coordinator", "agent", "child", "both"), (3, 3, 4, 1))[0]
        if victim in ("coordinator", "both"):
            self.cluster.kill_coordinator()
        member = self.random.choice(sorted(self.cluster.workers))
        if victim in ("agent", "both"):
            self.cluster.workers[member].kill()
            self.cluster.workers[member].wait()
        if victim == "child":
            there = [pid for program in PROGRAMS for pid in local_cluster.processes(program) if works_in(pid, self.cluster.folder)]
            if not there or not local_cluster.kill_hard(self.random.choice(there)):
                return False
        if victim in ("agent", "both"):
            self.start_worker(member)
        if victim in ("coordinator", "both"):
            self.cluster.start_coordinator()
        self.done.append(victim)
        return True

    def run(self):
        self.cluster.start_coordinator()
        try:
            for member in ("member-1", "member-4"):
                self.start_worker(member)
            with Watcher(self.cluster) as watcher:
                while len(self.done) < self.kills and not (self.cluster.ask("status") or {}).get("done"):
                    pause = now() + self.random.uniform(0.05, 2.0)
                    await_event("the moment of a kill", lambda: now() >= pause)
                    self.kill_once()
                    watcher.check()
                worker_kills.check_run(self.cluster)
                watcher.check()
            for process in self.cluster.workers.values():
                require(process.poll() is None or process.returncode == -signal.SIGKILL, "a worker gave up")
        finally:
            self.cluster.end()
        check_journal(self.cluster.state)
        check_no_temporaries(self.cluster.folder)


def rounds(context, kills, seed):
    """(name, function) for rounds that make `kills` kills together. A plan that ends early leaves its rest undone, so the
    last rounds are drawn until the number is reached."""
    context.make_clips()
    worker_kills.make_store(context)
    count = (kills + KILLS_A_ROUND - 1) // KILLS_A_ROUND

    def make(number):
        def case(folder):
            left = min(KILLS_A_ROUND, kills - number * KILLS_A_ROUND)
            for again in range(20):
                round_ = Round(context, folder / str(again), f"{seed}-{number}-{again}", left)
                try:
                    round_.run()
                except Exception as error:
                    raise Failure(f"seed {seed}, round {number}-{again}, kills {round_.done}: {error}") from error
                left -= len(round_.done)
                if left <= 0:
                    return
            require(False, f"{left} kills were not made")
        return f"random-{number}", case
    return [make(number) for number in range(count)]
