#!/usr/bin/python3
"""Process faults on the real programs.

  faults.py --bin build/release/bin --cut               a case of each kind of fault
  faults.py --bin build/release/bin --pass              one pass over every kill point and every fault
  faults.py --bin build/release/bin --random 500        so many random kills of either side
  faults.py --bin build/release/bin --list

Waits for events with generous deadlines, measures nothing. Ends with "N passed, N failed"; the folder with the logs of each
failure is kept and printed. Exit code 0 when nothing failed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback

import clocks
import controls
import coordinator_disk
import coordinator_kills
import copies
import damage
import network
import random_kills
import tools
import worker_disk
import worker_kills
import zombies
from tools import require


# A case of each kind, those that wait for long first. `disk-vault-low` and `worker-disk-full-work` also stand for full disks
# elsewhere; every other point of a kind differs from its case here in the call or the file alone.
CUT = (
    "clock-jumps-interceptor-coordinator", "zombie-wakes-after-its-term", "network-cut-taken-over",
    "worker-snapshot-b-rename", "worker-disk-full-work", "disk-vault-low", "zombie-preparer-hangs", "zombie-child-spins",
    "zombie-child-garbles", "network-flapping", "clock-jumps-box-gone", "zombie-storm-of-sigterm",
    "worker-checkpoint-rename", "worker-store-train-rename", "worker-memory-rename", "worker-disk-store-train-sync-ENOSPC",
    "damage-blob-flip-running", "damage-snapshot-b-flip", "damage-store-train.clips-view-0", "damage-store-keep.clips-cut",
    "damage-store-train.clips-again", "damage-journal-flip-3", "damage-journal-cut-0.5", "zombie-second-coordinator",
    "zombie-child-balloons", "copy-old-journal", "copy-both", "coordinator-start-fdatasync-1",
    "coordinator-requests-fdatasync-1", "coordinator-plan-rename-1", "disk-journal-full", "disk-journal-fdatasync-1",
    "disk-start-fsync-1", "disk-vault-rename-EIO", "controls",
)


class Context:
    """What all cases share: programs, data made once, the folder below which each has its own."""

    def __init__(self, bin_folder, folder):
        self.bin = pathlib.Path(bin_folder).resolve()
        self.folder = folder
        self.programs = tools.make_programs(self.bin, folder / "programs")
        self.stand_ins = tools.make_programs(self.bin, folder / "stand-ins", stand_ins={
            "interceptor-prepare": "prepare", "interceptor-train": "train"})
        self.zips = tools.make_small_zips(folder / "zips")
        self.digests = folder / "digests.json"  # a worker's cache of the zips' digests
        self.blobs = {}  # digest of each stand-in checkpoint by its id; the same in every run
        self.clips = folder / "clips"
        self.clip_digests = folder / "clip-digests.json"
        self.settings = folder / "run.json"
        self.store = folder / "store"  # the chunks of clips, prepared

    def make_clips(self):
        """Chunks of real clips, for cases with real children."""
        subprocess.run([self.bin / "interceptor-synth", "make", "--out", self.clips, "--chunks", str(tools.local_cluster.CHUNKS),
                        "--families", "8", "--frames", "16", "--threads", "2"], check=True, capture_output=True)


class Results:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed = 0
        self.failed = 0

    def run(self, name, case, folder):
        begin = tools.now()
        try:
            said = case(folder)  # what it saw, for the reader; None: nothing beside that all is well
            text = ""
        except Exception as error:  # a case must not end the others
            said = None
            text = str(error) if isinstance(error, tools.Failure) else traceback.format_exc()
        with self.lock:
            if text:
                self.failed += 1
                print(f"FAILED  {name}: {text}\n  logs in {folder}", flush=True)
                return
            self.passed += 1
            print(f"passed  {name}  {tools.now() - begin:.1f} s{f'  ({said})' if said else ''}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)


def make_cases(context, arguments):
    if arguments.random:
        print(f"seed {arguments.seed}", flush=True)
        return random_kills.rounds(context, arguments.random, arguments.seed)
    cases = coordinator_kills.cases(context, arguments.stride) + coordinator_disk.cases(context)
    if arguments.names and all(name.startswith(("coordinator", "disk")) for name in arguments.names):
        return cases
    cases = (controls.cases(context) + worker_kills.cases(context) + worker_disk.cases(context) + clocks.cases(context) +
             network.cases(context) + zombies.cases(context) + damage.cases(context) + copies.cases(context) + cases)
    if arguments.cut:
        by_name = dict(cases)
        missing = [name for name in CUT if name not in by_name]
        require(not missing, f"no such cases: {missing}")
        return [(name, by_name[name]) for name in CUT]
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--cut", action="store_true", help="a case of each kind of fault")
    what.add_argument("--pass", dest="one_pass", action="store_true", help="every kill point and every fault once")
    what.add_argument("--random", type=int, metavar="N", help="N random kills")
    what.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"), help="of --random; printed")
    parser.add_argument("--stride", type=int, default=4, help="of the journal's syncs in a whole plan each so-manieth")
    parser.add_argument("--jobs", type=int, default=6, help="cases side by side; most of them wait")
    parser.add_argument("names", nargs="*", help="parts of names; default: all")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="interceptor-faults-"))
    results = Results()
    try:
        tools.check_machine()
        context = Context(arguments.bin, folder)
        cases = make_cases(context, arguments)
    except tools.Failure as failure:
        print(f"FAILED  preparations: {failure}\n  logs in {folder}\n0 passed, 1 failed")
        return 1
    chosen = [(n, c) for n, c in cases if not arguments.names or any(part in n for part in arguments.names)]
    if arguments.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for name, case in chosen:
            pool.submit(results.run, name, case, folder / name)
    print(f"{results.passed} passed, {results.failed} failed")
    if results.failed == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
