#!/usr/bin/python3
"""Training steps of EfficientNet-B4 on the CPU beside those of eager Python torchvision.

  tests/bench/training.py [--bin build/release/bin] [--pairs 5] [--json]

Each pair runs torchvision's step and the engine's in turn, as processes of their own with the same batch, threads,
memory format and precision: the engine on face crops alone, then each specialist as the master plan trains it, on
clips of a store of its own. A ratio is of one pair; printed are the medians. torchvision is spared loading, normalising
and augmenting: its batch lies there as floats.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIALISTS = ("BG", "AV", "CM", "RR", "LL", "TM")
BATCH = 8
THREADS = 2
ROUNDS = 5  # as interceptor-bench train


def torchvision_step():
    """Median milliseconds of a step; runs in a process of its own, which has torch."""
    import torch
    sys.path.insert(0, str(ROOT / "tests" / "gpu"))
    import eager_torchvision
    torch.set_num_threads(THREADS)
    step = eager_torchvision.make_step(eager_torchvision.build_model(), "cpu", BATCH)
    seconds = []
    for _ in range(ROUNDS + 1):
        begin = time.monotonic()
        step()
        seconds.append(time.monotonic() - begin)
    return {"ms_per_step": 1000 * statistics.median(seconds[1:])}


def run(*words):
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def peer():
    return run("/usr/bin/python3", __file__, "--peer")


def engine(bin_folder, *words):
    return run(bin_folder / "interceptor-bench", "train", "--device", "cpu", "--batch", str(BATCH), "--threads", str(THREADS),
               "--steps", "1", "--json", *words)


def make_store(bin_folder, folder):
    """Clips with every view: long enough for mouths and bursts."""
    subprocess.run([bin_folder / "interceptor-synth", "make", "--out", folder, "--chunks", "1", "--families", "8",
                    "--frames", "120"], check=True, capture_output=True)
    subprocess.run([bin_folder / "interceptor-prepare", folder / "00.zip", "--out", folder / "store"],
                   check=True, capture_output=True)
    return next(folder.rglob("train.clips"))


def one_pair(bin_folder, store):
    """Milliseconds of a step by name, and of each specialist's what it waits for data."""
    steps, waits, loads = {"torchvision": peer()["ms_per_step"]}, {}, {}
    steps["face crops"] = engine(bin_folder)["ms_per_step"]
    for name in SPECIALISTS:
        figures = engine(bin_folder, "--specialist", name, "--store", store)
        steps[name] = figures["ms_per_step"]
        waits[name] = figures["data_wait_share"]
        loads[name] = figures["load_ms_per_step"] / figures["ms_per_step"]
    return {"steps": steps, "waits": waits, "loads": loads}


def summary(pairs):
    """Medians over the pairs; a step is of BATCH pictures of the backbone, whoever takes it."""
    median = lambda figure: statistics.median(figure(pair) for pair in pairs)  # noqa: E731
    return {
        "ms_per_step": {name: median(lambda p, n=name: p["steps"][n]) for name in pairs[0]["steps"]},
        "rate_ratio": median(lambda p: p["steps"]["torchvision"] / p["steps"]["face crops"]),
        "front_end_ratio": median(lambda p: p["steps"]["BG"] / p["steps"]["face crops"]),
        "specialist_ratio": {name: median(lambda p, n=name: p["steps"][n] / p["steps"]["BG"]) for name in SPECIALISTS[1:]},
        "data_wait_share": {name: median(lambda p, n=name: p["waits"][n]) for name in SPECIALISTS},
        "load_share": {name: median(lambda p, n=name: p["loads"][n]) for name in SPECIALISTS},
    }


def measure(bin_folder, count=5, keep=lambda pair: None):
    """`keep` gets each pair as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="interceptor-bench-") as top:
        store = make_store(bin_folder, pathlib.Path(top))
        pairs = []
        for _ in range(count):
            pairs.append(one_pair(bin_folder, store))
            keep(pairs[-1])
        return summary(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--pairs", type=int, default=5, help="how many")
    parser.add_argument("--json", action="store_true", help="the medians as JSON")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        print(json.dumps(torchvision_step()))
        return
    figures = measure(arguments.bin.resolve(), arguments.pairs, lambda pair: print(json.dumps(pair), file=sys.stderr, flush=True))
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print("| step of 8 | ms | beside | waits for data | loading alone |\n|---|---|---|---|---|")
    ratios = {"face crops": figures["rate_ratio"], "BG": figures["front_end_ratio"], **figures["specialist_ratio"]}
    for name, milliseconds in figures["ms_per_step"].items():
        shares = [f"{100 * figures[key][name]:.2g} %" if name in figures[key] else "" for key in ("data_wait_share", "load_share")]
        print(f"| {name} | {milliseconds:.0f} | {ratios.get(name, 1):.3f} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
