#!/usr/bin/python3
"""Writes OUT/summary.json from what the coordinator and its vault hold, and prints the final table.

usage: demo_summary.py --programs BIN --out OUT --wall SECONDS --logs FOLDER [--truth truth.jsonl]
The address of the coordinator is taken from INTERCEPTOR_COORDINATOR. Score tables are copied to OUT/scores.
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


def ask(programs, *words):
    out = subprocess.run([os.path.join(programs, "interceptor"), *words, "-o", "json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def newest_held_out(evaluations, specialist):
    mine = [e for e in evaluations if e["specialist"] == specialist and e["kind"] == "held_out"]
    return max(mine, key=lambda e: int(e["step"]), default=None)


def copy_score_table(out, specialist, evaluation):
    sha256 = evaluation["score_table"]["sha256"]
    source = os.path.join(out, "state", "vault", "blobs", sha256[:2], sha256)
    os.makedirs(os.path.join(out, "scores"), exist_ok=True)
    target = os.path.join(out, "scores", specialist + ".csv")
    shutil.copyfile(source, target)
    return target


def auc_by_kind(programs, truth, tables):
    out = subprocess.run([os.path.join(programs, "interceptor-synth"), "summary", "--truth", truth, "--scores", *tables],
                         check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def specialist_row(task, checkpoints, evaluation, kinds):
    row = {
        "name": task["task"].split("/")[1],
        "member": task["home_member"],
        "chunks_done": task["chunks_finished"],
        "steps": int(task["step"]),
        "checkpoints": [{"step": int(c["step"]), "bytes": int(c["blob"]["size_bytes"]), "digest": c["blob"]["sha256"]} for c in checkpoints],
        "heldout": None,
    }
    if evaluation:
        row["heldout"] = {
            "auc": evaluation["auc"], "auc_ci": [evaluation["auc_low"], evaluation["auc_high"]],
            "log_loss": evaluation["log_loss"], "real_acc": evaluation["real_accuracy"],
            "fake_acc": evaluation["fake_accuracy"], "reals": evaluation["reals"], "fakes": evaluation["fakes"],
        }
        if kinds is not None:
            row["heldout"]["auc_by_kind"] = kinds
    return row


def data_wait_shares(logs):
    """Of the training time of every run and chunk but the first, as the trainers log it: percent."""
    line = re.compile(r" (\w+) chunk (\d+): trained [\d.e+-]+ s, ([\d.e+-]+) % of it waiting for data")
    found = [match.groups() for log in glob.glob(os.path.join(logs, "member-*.log"))
             for match in line.finditer(open(log, encoding="utf-8").read())]
    return [float(share) for _, chunk, share in found if int(chunk) > 0]


def print_table(rows):
    kinds = [k for k in SPECIALISTS if any(k in (r["heldout"] or {}).get("auc_by_kind", {}) for r in rows)]
    print()
    print("Held-out results (AUC with its 95 % interval over families; accuracies at logit 0)")
    print("      member    chunks  steps  AUC    interval        real  fake  log loss" + "".join(f"  on {k}" for k in kinds))
    for row in rows:
        held = row["heldout"]
        line = f"  {row['name']}  {row['member']:<9} {row['chunks_done']:>6} {row['steps']:>6}  "
        if held:
            low, high = held["auc_ci"]
            line += f"{held['auc']:.3f}  [{low:.3f}, {high:.3f}]  {held['real_acc']:.2f}  {held['fake_acc']:.2f}  {held['log_loss']:>8.3f}"
            line += "".join(f"  {held['auc_by_kind'][k]:.3f}" if k in held.get("auc_by_kind", {}) else "      -" for k in kinds)
        else:
            line += "not measured"
        print(line)
    held = next((r["heldout"] for r in rows if r["heldout"]), None)
    if held:
        print(f"  measured on {held['reals']} real and {held['fakes']} fake clips that no model was trained on")


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

    newest = {name: newest_held_out(evaluations, name) for name in SPECIALISTS}
    tables = [copy_score_table(arguments.out, n, e) for n, e in newest.items() if e]
    kinds = auc_by_kind(arguments.programs, arguments.truth, tables) if arguments.truth and tables else {}
    tasks = {t["task"]: t for t in status["tasks"]}
    rows = []
    for name in SPECIALISTS:
        mine = sorted((c for c in checkpoints if c["specialist"] == name), key=lambda c: int(c["step"]))
        by_kind = kinds.get(name, {}).get("auc_by_kind") if arguments.truth else None
        rows.append(specialist_row(tasks[f"train/{name}"], mine, newest[name], by_kind))
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
    print(f"  vault {summary['totals']['vault_bytes'] / 1e6:.1f} MB, {summary['totals']['quarantined']} clips quarantined, "
          f"{arguments.wall:.0f} s")
    if waits:
        print(f"  waiting for data from the second chunk on: {sum(waits) / len(waits):.1f} % of the training time, at most {max(waits):.1f} %")
    if not status.get("done"):
        print("demo: the plan is not done; see `interceptor status`", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
