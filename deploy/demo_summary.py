#!/usr/bin/python3
"""Writes OUT/summary.json from what the coordinator and its vault hold, and prints the final table.

usage: demo_summary.py --programs BIN --out OUT --wall SECONDS --logs FOLDER [--truth truth.jsonl]
The address of the coordinator is taken from INTERCEPTOR_COORDINATOR. Score tables are copied to OUT/scores: the newest
held-out one of each specialist, and the newest look-ahead ones, which show what it sees in clips that it was trained on
only afterwards. With --truth, which says what was planted, these give a table by kind.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys

SPECIALISTS = ["BG", "AV", "CM", "RR", "LL", "TM"]
LOOK_AHEAD_CHUNKS = 5  # the newest: as many as give each kind thirty fakes


def ask(programs, *words):
    out = subprocess.run([os.path.join(programs, "interceptor"), *words, "-o", "json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def newest_held_out(evaluations, specialist):
    mine = [e for e in evaluations if e["specialist"] == specialist and e["kind"] == "held_out"]
    return max(mine, key=lambda e: int(e["step"]), default=None)


def newest_look_ahead(evaluations, specialist):
    mine = [e for e in evaluations if e["specialist"] == specialist and e["kind"] == "look_ahead"]
    return sorted(mine, key=lambda e: int(e["chunk"]))[-LOOK_AHEAD_CHUNKS:]


def copy_score_table(out, name, evaluation):
    sha256 = evaluation["score_table"]["sha256"]
    source = os.path.join(out, "state", "vault", "blobs", sha256[:2], sha256)
    target = os.path.join(out, "scores", name + ".csv")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    return target


def accuracy_gaps(programs, out, evaluations):
    """Of each specialist accuracy on reals - accuracy on fakes over all it looked ahead at, before and after calibration."""
    tables = [copy_score_table(out, f"{e['specialist']}-{int(e['chunk']):02}", e)
              for e in evaluations if e["kind"] == "look_ahead" and e["specialist"] in SPECIALISTS]
    if not tables:
        return {}
    summary = subprocess.run([os.path.join(programs, "interceptor-synth"), "summary", "--scores", *tables],
                             check=True, capture_output=True, text=True)
    return {name: figures["gap"] for name, figures in json.loads(summary.stdout).items()}


def look_ahead_by_kind(programs, out, truth, evaluations):
    """Of each specialist that has look-ahead tables: their chunks, and what its scores say of each kind."""
    chunks, tables = {}, []
    for name in SPECIALISTS:
        for evaluation in newest_look_ahead(evaluations, name):
            chunk = f"{int(evaluation['chunk']):02}"
            chunks.setdefault(name, []).append(chunk)
            tables.append(copy_score_table(out, f"{name}-{chunk}", evaluation))
    if not tables:
        return {}
    summary = subprocess.run([os.path.join(programs, "interceptor-synth"), "summary", "--truth", truth, "--scores", *tables],
                             check=True, capture_output=True, text=True)
    return {name: {"chunks": chunks[name], **figures} for name, figures in json.loads(summary.stdout).items()}


def specialist_row(task, checkpoints, evaluation, look_ahead, gap):
    row = {
        "name": task["task"].split("/")[1],
        "member": task["home_member"],
        "chunks_done": task["chunks_finished"],
        "steps": int(task["step"]),
        "checkpoints": [{"step": int(c["step"]), "bytes": int(c["blob"]["size_bytes"]), "digest": c["blob"]["sha256"]} for c in checkpoints],
        "heldout": None,
        "look_ahead": look_ahead,
        "gap": gap,
    }
    if evaluation:
        row["heldout"] = {
            "auc": evaluation["auc"], "auc_ci": [evaluation["auc_low"], evaluation["auc_high"]],
            "log_loss": evaluation["log_loss"], "real_acc": evaluation["real_accuracy"],
            "fake_acc": evaluation["fake_accuracy"], "reals": evaluation["reals"], "fakes": evaluation["fakes"],
        }
    return row


def data_wait_shares(logs):
    """Of the training time of every run and chunk but the first, as the trainers log it: percent."""
    line = re.compile(r" (\w+) chunk (\d+): trained [\d.e+-]+ s, ([\d.e+-]+) % of it waiting for data")
    found = [match.groups() for log in glob.glob(os.path.join(logs, "member-*.log"))
             for match in line.finditer(open(log, encoding="utf-8").read())]
    return [float(share) for _, chunk, share in found if int(chunk) > 0]


def print_table(rows):
    print()
    print("Held-out results over all fakes (AUC with its 95 % interval over families; accuracies at logit 0)")
    print("      member    chunks  steps  AUC    interval        real  fake  log loss")
    for row in rows:
        held = row["heldout"]
        line = f"  {row['name']}  {row['member']:<9} {row['chunks_done']:>6} {row['steps']:>6}  "
        if held:
            low, high = held["auc_ci"]
            line += f"{held['auc']:.3f}  [{low:.3f}, {high:.3f}]  {held['real_acc']:.2f}  {held['fake_acc']:.2f}  {held['log_loss']:>8.3f}"
        else:
            line += "not measured"
        print(line)
    held = next((r["heldout"] for r in rows if r["heldout"]), None)
    if held:
        print(f"  measured on {held['reals']} real and {held['fakes']} fake clips that no model was trained on")


def print_gaps(rows):
    rows = [row for row in rows if row["gap"]]
    if not rows:
        return
    print()
    print("Accuracy on reals - accuracy on fakes, over all chunks that were scored before a step was trained on them")
    for row in rows:
        after = row["gap"]["calibrated"]
        after = "not calibrated, too few families" if after is None else f"{after:+.2f} calibrated (each half of the families by the other)"
        print(f"  {row['name']}  {row['gap']['uncalibrated']:+.2f} as trained, {after}")


def print_table_by_kind(rows):
    rows = [row for row in rows if row["look_ahead"]]
    if not rows:
        return
    seen = rows[0]["look_ahead"]
    print()
    print("What each specialist (row) sees: AUC and 95 % interval of the fakes that carry one kind (column) alone")
    print("      " + "".join(f"{kind:<17}" for kind in SPECIALISTS).rstrip())
    for row in rows:
        line = f"  {row['name']} "
        for kind in SPECIALISTS:
            cell = row["look_ahead"]["auc_by_kind"].get(kind)
            text = f"{cell['auc']:.2f} [{cell['low']:.2f} {cell['high']:.2f}]" if cell else "-"
            line += ("*" if kind == row["name"] else " ") + f"{text:<16}"
        print(line.rstrip())
    kinds = seen["auc_by_kind"]
    counts = ", ".join(f"{kinds[kind]['fakes']} {kind}" for kind in SPECIALISTS if kind in kinds)
    print(f"  * its own kind; {seen['reals']} reals against {counts}, of chunks {', '.join(seen['chunks'])},")
    print("  each chunk scored whole before a step was trained on it, by the specialist as it was then")
    few = [kind for kind in SPECIALISTS if kinds.get(kind, {}).get("too_few")]
    if few:
        print(f"  {', '.join(few)}: such fakes in under 30 families, read the intervals with care")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--wall", type=float, required=True)
    parser.add_argument("--truth")
    parser.add_argument("--logs", required=True)
    arguments = parser.parse_args()
    status = ask(arguments.programs, "status")
    checkpoints = ask(arguments.programs, "checkpoints")["checkpoints"]
    evaluations = ask(arguments.programs, "evaluations")["evaluations"]

    look_ahead = look_ahead_by_kind(arguments.programs, arguments.out, arguments.truth, evaluations) if arguments.truth else {}
    gaps = accuracy_gaps(arguments.programs, arguments.out, evaluations)
    tasks = {t["task"]: t for t in status["tasks"]}
    rows = []
    for name in SPECIALISTS:
        mine = sorted((c for c in checkpoints if c["specialist"] == name), key=lambda c: int(c["step"]))
        held_out = newest_held_out(evaluations, name)
        if held_out:
            copy_score_table(arguments.out, name, held_out)
        rows.append(specialist_row(tasks[f"train/{name}"], mine, held_out, look_ahead.get(name), gaps.get(name)))
    waits = data_wait_shares(arguments.logs)
    summary = {
        "specialists": rows,
        "totals": {"wall_s": arguments.wall, "vault_bytes": int(status["vault_bytes"]), "quarantined": status["quarantined"],
                   "data_wait_percent": sum(waits) / len(waits) if waits else None},
    }
    with open(os.path.join(arguments.out, "summary.json"), "w", encoding="utf-8") as f:
        json.dump(summary, f, indent=2)
        f.write("\n")
    print_table(rows)
    print_table_by_kind(rows)
    print_gaps(rows)
    print()
    print(f"  vault {summary['totals']['vault_bytes'] / 1e6:.1f} MB, {summary['totals']['quarantined']} clips quarantined, "
          f"{arguments.wall:.0f} s")
    if waits:
        print(f"  waiting for data from the second chunk on: {sum(waits) / len(waits):.1f} % of the training time, at most {max(waits):.1f} %")
    if not status.get("done"):
        print("demo: the plan is not done; see `interceptor status`", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
