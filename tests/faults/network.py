"""A worker's network is cut: packets vanish and neither end is told. Its work goes on, or moves, and counts once."""
import re

import zombies
from namespaces import TwoNetworks
from tools import (Cluster, await_event, check_journal, check_one_effect_each, check_vault, make_programs, require)

FLAPS = 5


class CutOff:
    """A cluster with member-1's worker behind a cable of its own."""

    def __init__(self, context, folder, members=None, **timing):
        folder.mkdir(parents=True)
        self.network = TwoNetworks()
        programs = make_programs(context.bin, folder / "bin",
                                 stand_ins={"interceptor-prepare": "prepare", "interceptor-train": "paced"})
        self.network.enter(programs, "member-1")
        self.cluster = Cluster(programs, context.zips, folder, members, **timing)
        self.cluster.address = TwoNetworks.ADDRESS

    def __enter__(self):
        self.cluster.start_coordinator("--insecure-listen")  # nobody else is in these namespaces
        for member in self.cluster.members:
            self.cluster.start_worker(member)
        return self

    def __exit__(self, *_):
        self.network.reconnect()
        self.cluster.end()
        self.network.end()

    def finished(self, runs=("BG", "AV", "CM", "RR")):
        return [e["kind"] == "chunk_completed" and e["subject"].endswith(runs) for e in self.cluster.events()].count(True)

    def await_expiry(self):
        """Of a lease of the box that is cut off, which cannot be reclaimed."""
        def probe():
            newest = {event["subject"]: event["kind"] for event in self.cluster.events()
                      if event["kind"] in ("task_granted", "lease_expired", "lease_reclaimed")}
            return "lease_expired" in newest.values()
        await_event("the end of its leases", probe)

    def saved(self, chunk):
        """Checkpoints of the chunk's end on the box, published or not."""
        return list(self.cluster.work("member-1").glob(f"runs/*/checkpoints/*-step-{(chunk + 1) * 10:010d}.safetensors"))


def own_work(context, folder):
    """Its leases end, nobody takes over, it trains on; back again it reclaims its runs and publishes what it made, once."""
    with CutOff(context, folder, lease=5) as case:
        zombies.let_go(case.cluster, 0)
        await_event("a chunk", case.finished)
        case.network.cut()
        zombies.let_go(case.cluster, 1)
        await_event("a checkpoint made while cut off", lambda: case.saved(1))
        case.await_expiry()
        later = [e["text"] for e in case.cluster.events() if e["kind"] == "chunk_completed" and "chunk index 1" in e["text"]]
        require(not later, f"a chunk was finished over a cable that is cut: {later}")
        case.network.reconnect()
        zombies.let_go(case.cluster, 2)
        await_event("the end of the plan's runs", lambda: case.finished() == 6)
        events = case.cluster.events()
        require(any(event["kind"] == "lease_reclaimed" for event in events), "its own work was not reclaimed")
        grants = [event["text"] for event in events if event["kind"] == "task_granted" and event["subject"].startswith("train/")]
        require(len(grants) == 2, f"its own work was granted anew: {grants}")
        check_one_effect_each(events)
        check_vault(case.cluster.state)
    check_journal(case.cluster.state)


def taken_over(context, folder):
    """Its runs move to another box while it trains on; back again it drops them, and what it made under the old term goes."""
    with CutOff(context, folder, zombies.TWO_PAIRS, **zombies.GONE_SOON) as case:
        zombies.let_go(case.cluster, 0)
        await_event("a chunk", lambda: case.finished(("BG", "AV")))
        case.network.cut()
        zombies.let_go(case.cluster, 1)
        unpublished = await_event("a checkpoint made while cut off", lambda: case.saved(1))[0]
        turn = re.match("[A-Z]+", unpublished.name)[0]
        zombies.let_go(case.cluster, 2)
        await_event("the plan's runs on member-2's box", lambda: case.finished() == 12)
        moved = len(case.cluster.events())
        case.network.reconnect()
        await_event("the news of its loss", lambda: f"dropping train/{turn}, term 1" in case.cluster.log_text("member-1"))
        await_event("the end of its checkpoint", lambda: not unpublished.exists())
        for event in case.cluster.events()[moved:]:
            require("term 1:" not in event["text"], f"the old term changed something: {event}")
        check_one_effect_each(case.cluster.events())
        check_vault(case.cluster.state)
    check_journal(case.cluster.state)


def flapping(context, folder):
    """The cable is cut and reconnected again and again within a plan: every fact stands once."""
    with CutOff(context, folder) as case:
        for chunk in range(3):
            before = case.finished()
            zombies.let_go(case.cluster, chunk)
            for _ in range(FLAPS):
                case.network.cut()
                case.network.reconnect()
            await_event("one chunk more", lambda before=before: case.finished() > before)
        await_event("the end of the plan's runs", lambda: case.finished() == 6)
        check_one_effect_each(case.cluster.events())
        check_vault(case.cluster.state)
    check_journal(case.cluster.state)


def cases(context):
    return [
        ("network-cut-own-work", lambda folder: own_work(context, folder)),
        ("network-cut-taken-over", lambda folder: taken_over(context, folder)),
        ("network-flapping", lambda folder: flapping(context, folder)),
    ]
