"""Data, trainings and score tables of the proof. What is done already in the work folder is not done again; a training whose
settings are others is."""
import contextlib
import csv
import json
import pathlib
import shutil
import subprocess
import sys

import figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ["BG", "AV", "CM", "RR", "LL", "TM"]
FRONT_ENDS = {"full": "specialist", "plain": "views_only"}
WEAK = 1 / 3
NULL_SEED = 1000000  # added to the seed for clips in which nothing is planted
# What a specialist's score is made of: the network's, and two that its evidence gives alone.
PARTS = ("logit", "evidence_logit", "self_made_logit")


def add_options(parser):
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--specialist", nargs="+", choices=KINDS, default=KINDS, metavar="NAME")
    parser.add_argument("--families", type=int, default=200)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--steps", type=int, default=300, help="of each training")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--depth", type=float, default=0.25)
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--self-made", type=float, default=0.5, help="recipe.self_made_share of the specialists")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "proof", help="folder of data and runs")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin", help="folder of the programs")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def work_folder(options):
    return options.work / f"{options.size}-{options.families}-{options.frames}-{options.seed}"


def settings_of(fold, front_end, options, chunks=("00",), seed=None):
    # A plain network gets neither evidence nor self-made positives.
    self_made = {"self_made_share": options.self_made} if front_end == "specialist" else {}
    return {
        "version": 1, "seed": options.seed if seed is None else seed, "chunks": list(chunks),
        "model": {"width_scale": options.width, "depth_scale": options.depth, "input_pixels": options.pixels,
                  "front_end": front_end},
        "recipe": {"epochs_per_chunk": 100, "steps_per_chunk_max": options.steps, "batch_size": 32, "warmup_steps": 50, "learning_rate": 4e-3,
                   "dropout": 0.5, "stochastic_depth": 0.0,
                   # The evidence learns before the backbone, which knows each of so few families by heart.
                   "stages": [{"until_progress": until, "input_pixels": options.pixels, "trainable_stages": stages,
                               "augmentation_strength": 1.0, "pace": 1.0} for until, stages in ((0.5, 0), (1.0, 9))],
                   **self_made},
        "preparation": {"view_pixels": 112, "frames_per_fake": 16, "frames_per_real": 32},
        "evaluation": {"folds": 2, "held_out_fold": fold, "frames_per_clip": 8},
        "checkpoints": {"recovery_period_seconds": 60},
    }


def once(done, command, log):
    """Runs the command unless `done` says that it has ended well before."""
    if done.exists():
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        ended = subprocess.run([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT)
    if ended.returncode != 0:
        sys.exit(f"{sys.argv[0]}: {command[0]} ended with {ended.returncode}; see {log}")
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def write_settings(path, settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1) + "\n")
    return path


def make_data(work, options):
    """The zip of synthetic clips and its store."""
    once(work / "done" / "data",
         [options.bin / "interceptor-synth", "make", "--out", work / "data", "--chunks", 1, "--families", options.families,
          "--mode", "pure", "--strength", "ranged", "--frames", options.frames, "--size", options.size, "--seed", options.seed,
          "--threads", 2], work / "logs" / "data.log")
    if not (work / "shortcuts.json").exists():
        audit = subprocess.run([options.bin / "interceptor-synth", "audit", "--data", work / "data", "--limit", "0.5", "--json"],
                               stdout=subprocess.PIPE, check=True)
        (work / "shortcuts.json").write_bytes(audit.stdout)
    settings = write_settings(work / "prepare.json", settings_of(0, "face_crop", options))
    once(work / "done" / "store",
         [options.bin / "interceptor-prepare", work / "data" / "00.zip", "--out", work / "store", "--settings", settings],
         work / "logs" / "store.log")


def run_folder(work, name, wanted):
    """The folder of a training with these settings; one of others is removed."""
    run = work / "runs" / name
    settings = run / "settings.json"
    if settings.exists() and json.loads(settings.read_text()) != wanted:
        shutil.rmtree(run)
    write_settings(settings, wanted)
    return run


def trainer(work, specialist, run, options):
    return [options.bin / "interceptor-train", "--specialist", specialist, "--store", work / "store", "--run", run,
            "--settings", run / "settings.json"]


def run_name(specialist, variant, fold, seed):
    return f"{specialist}-{variant}-{fold}" + ("" if seed is None else f"-seed-{seed}")


def train(work, specialist, variant, fold, options, seed=None):
    """`seed`: of the training; None: the data's."""
    run = run_folder(work, run_name(specialist, variant, fold, seed), settings_of(fold, FRONT_ENDS[variant], options, seed=seed))
    once(run / "done", trainer(work, specialist, run, options), work / "logs" / f"{run.name}.log")


def make_null_data(work, options):
    """A chunk whose fakes carry nothing, in the same store."""
    folder, zipped = work / "null", work / "null" / "null.zip"
    once(work / "done" / "null-data",
         [options.bin / "interceptor-synth", "make", "--out", folder, "--chunks", 1, "--families", options.families // 2,
          "--mode", "none", "--frames", options.frames, "--size", options.size, "--seed", options.seed + NULL_SEED, "--threads", 2],
         work / "logs" / "null-data.log")
    if not zipped.exists():
        (folder / "00.zip").rename(zipped)
    once(work / "done" / "null-store",
         [options.bin / "interceptor-prepare", zipped, "--out", work / "store", "--settings", work / "prepare.json"],
         work / "logs" / "null-store.log")


def train_self_made(work, specialist, options):
    """Held-out scores as read_scores gives them: trains on the null chunk and lets the trainer look ahead at the planted one, from which it must not learn: it is
    stopped as soon as its scores are there, which it writes before its first step."""
    run = run_folder(work, f"{specialist}-self-made", settings_of(0, "specialist", options, chunks=("null", "00")))
    table = run / "scores" / "look_ahead-00.csv"
    log = work / "logs" / f"{run.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if not table.exists():
        with log.open("a") as out:
            process = subprocess.Popen(trainer(work, specialist, run, options), stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None and not table.exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
        process.terminate()
        process.wait()
    if not table.exists():
        sys.exit(f"{sys.argv[0]}: {run.name} ended without {table.name}; see {log}")
    return {0: read_table(table, ("self_made_logit",))}


def read_truth(work):
    """Kind, strength and light of each clip, by name."""
    truth = {}
    for line in (work / "data" / "truth.jsonl").read_text().splitlines():
        clip = json.loads(line)
        planted = [operation for operation in clip["operations"] if "strength" in operation]
        truth[clip["clip"]] = {"kind": clip["kinds"][0] if clip.get("kinds") else "", "dark": clip["dark"],
                               "strength": planted[0]["strength"] if planted else 0.0}
    return truth


def read_table(path, columns):
    with path.open() as lines:
        return [figures.Score(row["clip"], row["family"], row["label"] == "FAKE", row["half"], float(row[columns[0]]),
                              row.get("abstained") == "1", tuple(float(row[column]) for column in columns))
                for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


def read_scores(work, specialist, variant, columns=("logit",), seed=None):
    """Held-out scores of both runs, by run."""
    return {fold: read_table(work / "runs" / run_name(specialist, variant, fold, seed) / "scores" / "held_out-00.csv", columns)
            for fold in (0, 1)}


def slice_of(pooled, truth, kind, wanted=lambda clip: True):
    """All reals against the fakes that carry `kind` alone, as log likelihood ratios of both runs."""
    scores = []
    for run in pooled.values():
        chosen = [s for s in run if not s.fake or (truth[s.clip]["kind"] == kind and wanted(truth[s.clip]))]
        scores += figures.calibrate_crosswise(chosen)
    return scores
