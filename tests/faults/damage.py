"""Flipped and truncated bytes in journal, vault, clip store and recovery snapshots: never used silently, always named."""
import csv
import json
import shutil
import struct
import subprocess

import coordinator_kills
import worker_kills
import zombies
from tools import (DEADLINE, Failure, Fault, await_event, blobs_of, check_journal, check_vault, digest_of, load_json, require,
                   local_cluster)

FLIPS = 12


def flip(path, share):
    """One bit at `share` (0 to 1) of the file."""
    data = bytearray(path.read_bytes())
    at = min(len(data) - 1, int(len(data) * share))
    data[at] ^= 0x10
    rewrite(path, data)


def cut(path, share):
    data = path.read_bytes()
    rewrite(path, data[:int(len(data) * share)])


def rewrite(path, data):
    """As a new file: the old one may be linked elsewhere."""
    path.unlink()
    path.write_bytes(data)


def damaged_journal(context, folder, damage, share):
    """The journal is read whole at the start: it refuses and names the file, or the damage lay where nothing stands and
    every event is as it was."""
    cluster = coordinator_kills.plain_cluster(context, folder)
    journal = cluster.state / "journal.sqlite"
    cluster.start_coordinator()
    try:
        coordinator_kills.ask_for_changes(cluster)
        before = cluster.events()
        cluster.kill_coordinator()
        damage(journal, share)
        try:
            cluster.start_coordinator()
        except Failure:
            require(cluster.coordinator.wait(DEADLINE) == 1, f"it ended with {cluster.coordinator.returncode}")
            require(str(journal) in cluster.log_text("coordinator"), f"not named: {cluster.tail('coordinator')}")
            return
        require(cluster.events()[:len(before)] == before, "a damaged journal was used, and events differ")
    finally:
        cluster.end()


def damaged_blob(context, folder, damage, while_running):
    """The newest checkpoint in the vault is damaged and its box needs it: the run goes on from the one before, which is said,
    trains again what lay between and comes to its end with the same bytes."""
    cluster = zombies.stand_in_cluster(context, folder, "paced")
    cluster.start_coordinator()
    try:
        cluster.start_worker("member-1")
        # Else the quicker one of the pair waits in the third chunk and holds the turn.
        await_event("both trainers", lambda: all(f"{run}: trainer started" in cluster.log_text("member-1") for run in ("BG", "AV")))
        for chunk in (0, 1):
            zombies.let_go(cluster, chunk)
        await_event("two chunks", lambda: [e["kind"] for e in cluster.events()].count("chunk_completed") == 4)
        newest, older = cluster.ask("checkpoints", "BG")["checkpoints"]
        worker = cluster.workers.pop("member-1")
        worker.kill()
        worker.wait()
        shutil.rmtree(cluster.work("member-1") / "runs")  # as on a box that never had them
        damage(next(blob for blob in blobs_of(cluster.state / "vault") if blob.name == newest["blob"]["sha256"]), 0.5)
        if not while_running:
            cluster.kill_coordinator()
            cluster.start_coordinator()
        cluster.start_worker("member-1")
        zombies.let_go(cluster, 2)
        await_event("the run's end", lambda: cluster.task("train/BG").get("chunks_finished") == 3)
        events = cluster.events()
        said = [e["text"] for e in events if e["kind"] == "run_set_back" and e["subject"] == "train/BG"]
        require(len(said) == 1 and f"BG goes on from {older['id']}: {newest['id']} is damaged in the vault" in said[0], f"{said}")
        grant = next(e["text"] for e in reversed(events) if e["kind"] == "task_granted" and e["subject"] == "train/BG")
        require(older["id"] in grant, f"the last grant: {grant}")
        ended = [int(e["number"]) for e in events if e["kind"] == "chunk_completed" and e["subject"] == "train/BG"]
        require(len(ended) == 4, f"a chunk was skipped, or more than one trained again: {ended}")
        again = [c["blob"]["sha256"] for c in cluster.ask("checkpoints", "BG")["checkpoints"] if c["id"] == newest["id"]]
        require(again == [newest["blob"]["sha256"]], f"it was trained again to {again}")
        check_vault(cluster.state)
    finally:
        cluster.end()
    check_journal(cluster.state)


class LoneTrainer:
    """interceptor-train without an agent, as a person runs it: on a store and a run folder of its own."""

    def __init__(self, context, folder):
        folder.mkdir(parents=True)
        self.context = context
        self.store = folder / "store"
        self.run_folder = folder / "BG"
        self.settings = folder / "run.json"
        shutil.copytree(context.store, self.store)
        settings = load_json(context.settings)
        settings["checkpoints"]["recovery_period_seconds"] = 1
        settings["recipe"]["epochs_per_chunk"] = 5
        self.settings.write_text(json.dumps(settings))

    def run(self, *tracer):
        return subprocess.run([*tracer, self.context.bin / "interceptor-train", "--specialist", "BG", "--store", self.store,
                               "--run", self.run_folder, "--settings", self.settings], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)

    def die_with_two_snapshots(self):
        """Killed while it writes a third one."""
        fault = Fault("fsync:signal=SIGKILL:when=5;" + worker_kills.HOLD_STEPS)
        self.run(*fault.words(self.run_folder.with_name("strace.log")))
        slots = sorted(self.run_folder.glob("recovery-?.safetensors"))
        require(len(slots) == 2, f"the killed trainer left {slots}")
        return slots

    def ledger(self):
        return [row for row in csv.reader((self.run_folder / "ledger.csv").read_text().splitlines()) if len(row) == 5]


def damaged_snapshot(context, folder, damage, share, slots):
    """A damaged snapshot is deleted with a line that names it; training goes on from the other one, or from the beginning,
    and every chunk is trained once with the same samples."""
    trainer = LoneTrainer(context, folder)
    there = trainer.die_with_two_snapshots()
    steps = len(trainer.ledger())
    for slot in slots:
        damage(there[slot], share)
    done = trainer.run()
    require(done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-2000:]}")
    for slot in slots:
        require(f"{there[slot]} is deleted" in done.stderr, f"{there[slot].name} is not named: {done.stderr[-2000:]}")
    rows = trainer.ledger()
    require(steps > 0 and int(rows[steps][3]) < steps, f"it went on at step {rows[steps][3]}")
    require((int(rows[steps][3]) == 0) == (len(slots) == 2), f"with {slots} damaged it went on at step {rows[steps][3]}")
    local_cluster.check_ledgers([rows], "BG")


def damaged_store(context, folder, name, damage, share):
    """A damaged file of the clip store stops the trainer with a line that names it, before a single step."""
    trainer = LoneTrainer(context, folder)
    path = trainer.store / "00" / name
    damage(path, share)
    done = trainer.run()
    require(done.returncode != 0, "a damaged clip store was trained on")
    require(str(path) in done.stderr or "chunk 00" in done.stderr, f"not named: {done.stderr[-2000:]}")
    require(not trainer.ledger(), "steps were taken on a damaged clip store")


def flip_views(path, which):
    """One bit in each view of a clip of a clip store (worker/store/clip_store.h says where they stand)."""
    data = bytearray(path.read_bytes())
    offset, size = struct.unpack("<QQ", data[16:32])
    clip = json.loads(data[offset:offset + size])["clips"][which]
    for view in clip["views"]:
        data[view["offset"]] ^= 0x10
    rewrite(path, data)
    return clip["name"]


def damaged_view(context, folder, name, which):
    """A flipped bit of a clip's pictures stops the trainer when it comes to them, with a line that names the clip."""
    trainer = LoneTrainer(context, folder)
    clip = flip_views(trainer.store / "00" / name, which)
    done = trainer.run()
    require(done.returncode != 0, "a damaged view was trained on")
    require(f"clip {clip} has other bytes in the clip store" in done.stderr, f"not named: {done.stderr[-2000:]}")


def cut_store_is_made_again(context, folder, name):
    """A store whose file has lost its end is prepared again, to the same bytes."""
    trainer = LoneTrainer(context, folder)
    good = {path.name: digest_of(path) for path in (trainer.store / "00").iterdir() if path.name != "prepared.json"}
    cut(trainer.store / "00" / name, 0.9)
    subprocess.run([context.bin / "interceptor-prepare", context.clips / "00.zip", "--out", trainer.store, "--settings",
                    trainer.settings], check=True, capture_output=True)
    for file, digest in good.items():
        require(digest_of(trainer.store / "00" / file) == digest, f"{file} was prepared to other bytes")


def cases(context):
    found = []
    for n in range(FLIPS):
        share = (n + 0.5) / FLIPS
        found.append((f"damage-journal-flip-{n}",
                      lambda folder, share=share: damaged_journal(context, folder, flip, share)))
    for share in (0, 0.1, 0.5, 0.9):
        found.append((f"damage-journal-cut-{share}",
                      lambda folder, share=share: damaged_journal(context, folder, cut, share)))
    for name, damage in (("flip", flip), ("cut", cut)):
        for running in (True, False):
            found.append((f"damage-blob-{name}-{'running' if running else 'restarted'}",
                          lambda folder, damage=damage, running=running: damaged_blob(context, folder, damage, running)))
    for name, slots in (("a", (0,)), ("b", (1,)), ("both", (0, 1))):
        for kind, damage, share in (("flip", flip, 0.5), ("cut", cut, 0.5), ("head", flip, 0.0001)):
            found.append((f"damage-snapshot-{name}-{kind}", lambda folder, damage=damage, share=share, slots=slots:
                          damaged_snapshot(context, folder, damage, share, slots)))
    for name in ("train.clips", "keep.clips", "manifest.jsonl"):
        for kind, damage, share in (("flip", flip, 0.9999), ("head", flip, 0), ("cut", cut, 0.5), ("empty", cut, 0)):
            found.append((f"damage-store-{name}-{kind}", lambda folder, name=name, damage=damage, share=share:
                          damaged_store(context, folder, name, damage, share)))
        if name != "manifest.jsonl":
            for which in (0, -1):
                found.append((f"damage-store-{name}-view-{which}", lambda folder, name=name, which=which:
                              damaged_view(context, folder, name, which)))
        found.append((f"damage-store-{name}-again", lambda folder, name=name: cut_store_is_made_again(context, folder, name)))
    return found
