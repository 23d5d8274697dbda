"""Figures of the proof: AUC with family intervals, crosswise calibration, accuracies. Pure, the standard library alone."""
import bisect
import dataclasses
import math
import random

DRAWS = 2000
PULL = 1e-3  # towards equal weights of a score's parts


@dataclasses.dataclass
class Score:
    clip: str
    family: str
    fake: bool
    half: str  # "calibrate" or "report": a hash of the family
    logit: float
    abstained: bool = False
    parts: tuple = ()  # logits of what the score is made of, where a specialist has more than one


def weighted_auc(reals, fakes):
    """Chance that a fake scores above a real, ties halved; lists of (score, weight)."""
    reals = sorted((score, weight) for score, weight in reals if weight)
    below, scores, total = [0.0], [], 0.0
    for score, weight in reals:
        total += weight
        scores.append(score)
        below.append(total)
    wins = mass = 0.0
    for score, weight in fakes:
        low, high = bisect.bisect_left(scores, score), bisect.bisect_right(scores, score)
        wins += weight * (below[low] + below[high]) / 2
        mass += weight
    return wins / (mass * total) if mass and total else float("nan")


def auc(scores, weight_of=None):
    weight = weight_of or (lambda family: 1)
    return weighted_auc([(s.logit, weight(s.family)) for s in scores if not s.fake],
                        [(s.logit, weight(s.family)) for s in scores if s.fake])


def family_draws(families, seed):
    """How often each family stands in each bootstrap sample."""
    families = sorted(families)
    for draw in range(DRAWS):
        generator = random.Random(f"{seed}/{draw}")
        counts = dict.fromkeys(families, 0)
        for family in generator.choices(families, k=len(families)):
            counts[family] += 1
        yield counts


def interval(values, share=0.95):
    ordered = sorted(value for value in values if not math.isnan(value))
    at = lambda quantile: ordered[min(len(ordered) - 1, max(0, round(quantile * (len(ordered) - 1))))]  # noqa: E731
    return [at((1 - share) / 2), at((1 + share) / 2)]


def auc_interval(scores, seed=1):
    return interval([auc(scores, counts.get) for counts in family_draws({s.family for s in scores}, seed)])


def gain_interval(scores, others, seed=1):
    """Of auc(scores) - auc(others), the same families drawn for both."""
    families = {s.family for s in scores} | {s.family for s in others}
    at = lambda counts: lambda family: counts[family]  # noqa: E731
    return interval([auc(scores, at(counts)) - auc(others, at(counts)) for counts in family_draws(families, seed)])


def fit_parts(rows):
    """Weights >= 0 of a score's parts and a bias, of rows (parts, fake): a class-balanced logistic fit with Platt's smoothed
    targets (Platt 1999) that is drawn a little towards equal weights, by projected Newton steps of one coordinate each."""
    width = len(rows[0][0])
    fakes = sum(fake for _, fake in rows)
    reals = len(rows) - fakes
    target = {True: (fakes + 1) / (fakes + 2), False: 1 / (reals + 2)}
    share = {True: 0.5 / fakes, False: 0.5 / reals}
    scale = [max(1e-9, math.sqrt(sum(parts[i] ** 2 for parts, _ in rows) / len(rows))) for i in range(width)]
    columns = [[parts[i] / scale[i] for parts, _ in rows] for i in range(width)] + [[1.0] * len(rows)]
    start = [1 / width] * width + [0.0]
    pull = [PULL] * width + [0.0]
    weights = list(start)
    logits = [sum(w * column[r] for w, column in zip(weights, columns)) for r in range(len(rows))]
    for _ in range(200):
        moved = 0.0
        for i, column in enumerate(columns):
            slope, curve = pull[i] * (weights[i] - start[i]), pull[i] + 1e-9
            for (_, fake), x, z in zip(rows, column, logits):
                p = 1 / (1 + math.exp(-max(-50.0, min(50.0, z))))
                slope += share[fake] * (p - target[fake]) * x
                curve += share[fake] * max(p * (1 - p), 1e-6) * x * x
            step = max(-2.0, min(2.0, -slope / curve))
            if i < width:
                step = max(step, -weights[i])
            weights[i] += step
            logits = [z + step * x for x, z in zip(column, logits)]
            moved += abs(step)
        if moved < 1e-7:
            break
    return [w / s for w, s in zip(weights, scale)], weights[width]


def both_sides(logit):
    """What beta calibration gives a weight each: how far a logit speaks for FAKE, and how far for REAL."""
    tail = math.log1p(math.exp(-abs(logit)))
    return max(logit, 0.0) + tail, min(logit, 0.0) - tail


def fit_calibration(scores):
    """A function from a score to its log likelihood ratio: its parts joined by fit_parts, then beta calibration (Kull, Silva Filho,
    Flach, "Beta calibration", 2017), which lets strong fakes lie far away without drawing the slope near even odds down."""
    parts_of = lambda s: s.parts or (s.logit,)  # noqa: E731
    weights, bias = fit_parts([(parts_of(s), s.fake) for s in scores])
    join = lambda s: both_sides(sum(w * part for w, part in zip(weights, parts_of(s))) + bias)  # noqa: E731
    sides, offset = fit_parts([(join(s), s.fake) for s in scores])
    return lambda s: sum(w * side for w, side in zip(sides, join(s))) + offset


def calibrate_crosswise(scores):
    """Log likelihood ratios: each half by what the other half teaches; 0 for what was abstained from."""
    calibrated = []
    for half, other in (("calibrate", "report"), ("report", "calibrate")):
        ratio = fit_calibration([s for s in scores if s.half == other and not s.abstained])
        calibrated += [dataclasses.replace(s, logit=0.0 if s.abstained else ratio(s)) for s in scores if s.half == half]
    return calibrated


def accuracies(calibrated):
    """Share of reals below and of fakes at or above even odds; what was abstained from counts half."""
    def share(fake):
        own = [s for s in calibrated if s.fake == fake]
        return sum(0.5 if s.logit == 0 else (s.logit > 0) == fake for s in own) / len(own)
    return share(False), share(True)
