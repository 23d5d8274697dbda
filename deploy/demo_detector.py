#!/usr/bin/python3
"""Makes one detector of the six specialists and, for synthetic data, has it judge clips of a family that the plan never had.

usage: demo_detector.py --programs BIN --out OUT [--synthetic]
The address of the coordinator is taken from INTERCEPTOR_COORDINATOR. Score tables and checkpoints come from its vault; the
detector lies in OUT/detector/bundle.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile

from demo_summary import ask, newest_held_out, SPECIALISTS

UNSEEN_SEED = 424242
JUDGED = (0, 3)  # exit codes of interceptor-detect: all decided, some inconclusive


def blob(out, sha256):
    return os.path.join(out, "state", "vault", "blobs", sha256[:2], sha256)


def collect(programs, out):
    """Copies the score tables; returns the last chunk's name and the checkpoint that each specialist was scored with."""
    evaluations = ask(programs, "evaluations")["evaluations"]
    checkpoints = ask(programs, "checkpoints")["checkpoints"]
    tables = os.path.join(out, "detector", "tables")
    os.makedirs(tables, exist_ok=True)
    scored_with, last = {}, ""
    for name in SPECIALISTS:
        held_out = newest_held_out(evaluations, name)
        if held_out is None:
            continue
        last = f"{int(held_out['chunk']):02}"
        shutil.copyfile(blob(out, held_out["score_table"]["sha256"]), os.path.join(tables, f"{last}-{name}.csv"))
        for each in evaluations:
            if each["specialist"] == name and each["kind"] == "look_ahead":
                shutil.copyfile(blob(out, each["score_table"]["sha256"]), os.path.join(tables, f"look_ahead-{int(each['chunk']):02}-{name}.csv"))
        for checkpoint in checkpoints:
            if checkpoint["specialist"] == name and int(checkpoint["step"]) == int(held_out["step"]):
                scored_with[name] = blob(out, checkpoint["blob"]["sha256"])
    return last, scored_with


def make_bundle(programs, out, synthetic):
    chunk, checkpoints = collect(programs, out)
    bundle = os.path.join(out, "detector", "bundle")
    words = [os.path.join(programs, "interceptor-integrate"), os.path.join(out, "detector", "tables"), "--chunk", chunk,
             "--out", os.path.join(out, "detector"), "--bundle", bundle, "--settings", os.path.join(out, "work", "member-1", "run.json")]
    for name, path in checkpoints.items():
        words += ["--checkpoint", f"{name}={path}"]
    done = subprocess.run(words + (["--trained-on", "synthetic"] if synthetic else []), capture_output=True, text=True)
    print()
    print("One detector out of the six")
    if done.returncode != 0:
        print(f"  none was made: {done.stderr.strip().splitlines()[-1]}")
        return None
    # Its second line says what was fused and measured, the first who took part.
    print(f"  {done.stdout.splitlines()[1]}")
    return bundle


def judge_unseen(programs, out, bundle):
    folder = os.path.join(out, "detector", "unseen")
    subprocess.run([os.path.join(programs, "interceptor-synth"), "make", "--out", folder, "--chunks", "1", "--families", "1", "--mode", "pure",
                    "--frames", "80", "--seed", str(UNSEEN_SEED)], check=True, capture_output=True)
    with open(os.path.join(folder, "truth.jsonl"), encoding="utf-8") as lines:
        truth = {clip["clip"]: " ".join(["as", clip["label"], *clip.get("kinds", [])]) for clip in map(json.loads, lines)}
    with zipfile.ZipFile(os.path.join(folder, "00.zip")) as archive:
        archive.extractall(os.path.join(folder, "clips"))
    done = subprocess.run([os.path.join(programs, "interceptor-detect"), "--bundle", bundle, "--html", os.path.join(out, "detector", "pages"),
                           os.path.join(folder, "clips")], capture_output=True, text=True)
    if done.returncode not in JUDGED:
        print(f"  interceptor-detect ended with {done.returncode}: {done.stderr.strip()}")
        return
    print("  It judges clips of a family that it never saw:")
    for line in map(json.loads, done.stdout.splitlines()):
        made = truth[os.path.basename(line["file"])]
        probability = f"P(fake) {line['probability_fake']:.2f}" if line.get("figures_hold") else ""
        print(f"    made {made:<10} {line['verdict']:<12} {probability:<13} {line.get('reason', '')}".rstrip())
    print(f"  Pages that show why are in {os.path.join(out, 'detector', 'pages')}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--synthetic", action="store_true")
    arguments = parser.parse_args()
    bundle = make_bundle(arguments.programs, arguments.out, arguments.synthetic)
    if bundle is None:
        sys.exit(0)
    if arguments.synthetic:
        judge_unseen(arguments.programs, arguments.out, bundle)
    print(f"  Judge your own: {os.path.join(arguments.programs, 'interceptor-detect')} --bundle {bundle} VIDEO")


if __name__ == "__main__":
    main()
