#!/usr/bin/python3
"""The null test: with labels shuffled inside each family nothing can be learned, so held-out AUC must be 0.5.

  tests/e2e/null_labels.py --bin build/release/bin [--shuffles 3] [--keep]

Makes clips once, as long as the demo's, then for each shuffle runs deploy/demo on a copy with other labels. The mean over
six specialists and all shuffles must lie in 0.45-0.55: a leak from held-out clips into training would lift it.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOW, HIGH = 0.45, 0.55


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the programs")
    parser.add_argument("--shuffles", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    arguments = parser.parse_args()
    synth = arguments.bin.resolve() / "interceptor-synth"
    top = pathlib.Path(tempfile.mkdtemp(prefix="interceptor-null-"))
    subprocess.run([synth, "make", "--out", top / "data", "--frames", "80"], check=True)
    aucs = []
    for seed in range(1, arguments.shuffles + 1):
        data, out = top / f"data-{seed}", top / f"out-{seed}"
        subprocess.run([synth, "shuffle-labels", "--data", top / "data", "--out", data, "--seed", str(seed)], check=True)
        subprocess.run([ROOT / "deploy" / "demo", "--no-install", "--data", data, "--out", out], check=True)
        specialists = json.loads((out / "summary.json").read_text())["specialists"]
        mine = [each["heldout"]["auc"] for each in specialists]
        print(f"shuffle {seed}: " + "  ".join(f"{e['name']} {auc:.3f}" for e, auc in zip(specialists, mine)), flush=True)
        aucs += mine
    mean = sum(aucs) / len(aucs)
    print(f"mean AUC over {len(aucs)} runs: {mean:.3f} (allowed {LOW} to {HIGH})")
    if not arguments.keep:
        shutil.rmtree(top)
    return 0 if len(aucs) == 6 * arguments.shuffles and LOW <= mean <= HIGH else 1


if __name__ == "__main__":
    sys.exit(main())
