"""Figures of the proof: AUC with family intervals, crosswise calibration, accuracies. Pure, the standard library alone."""
import bisect
import dataclasses
import math
import random

DRAWS = 2000


@dataclasses.dataclass
class Score:
    clip: str
    family: str
    fake: bool
    half: str  # "calibrate" or "report": a hash of the family
    logit: float
    abstained: bool = False


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


def fit_platt(scores):
    """Slope >= 0 and bias of a class-balanced logistic fit with Platt's smoothed targets (Platt 1999), by Newton's method."""
    reals = sum(not s.fake for s in scores)
    fakes = len(scores) - reals
    targets = {True: (fakes + 1) / (fakes + 2), False: 1 / (reals + 2)}
    weights = {True: 0.5 / fakes, False: 0.5 / reals}
    scale = max(1e-9, math.sqrt(sum(s.logit**2 for s in scores) / len(scores)))
    slope, bias = 1.0, 0.0
    for _ in range(100):
        g0 = g1 = h00 = h01 = h11 = 0.0
        for s in scores:
            x = s.logit / scale
            p = 1 / (1 + math.exp(-max(-50.0, min(50.0, slope * x + bias))))
            w = weights[s.fake]
            g0 += w * (p - targets[s.fake]) * x
            g1 += w * (p - targets[s.fake])
            curve = w * max(p * (1 - p), 1e-6)
            h00, h01, h11 = h00 + curve * x * x, h01 + curve * x, h11 + curve
        h00, h11 = h00 + 1e-6, h11 + 1e-9
        determinant = h00 * h11 - h01 * h01
        step = ((g0 * h11 - g1 * h01) / determinant, (g1 * h00 - g0 * h01) / determinant)
        slope, bias = slope - max(-2.0, min(2.0, step[0])), bias - max(-2.0, min(2.0, step[1]))
        if abs(step[0]) + abs(step[1]) < 1e-9:
            break
    return (slope / scale, bias) if slope > 0 else (0.0, 0.0)


def calibrate_crosswise(scores):
    """Log likelihood ratios: each half by what the other half teaches; 0 for what was abstained from."""
    calibrated = []
    for half, other in (("calibrate", "report"), ("report", "calibrate")):
        teachers = [s for s in scores if s.half == other and not s.abstained]
        slope, bias = fit_platt(teachers)
        calibrated += [dataclasses.replace(s, logit=0.0 if s.abstained else slope * s.logit + bias)
                       for s in scores if s.half == half]
    return calibrated


def accuracies(calibrated):
    """Share of reals below and of fakes at or above even odds; what was abstained from counts half."""
    def share(fake):
        own = [s for s in calibrated if s.fake == fake]
        return sum(0.5 if s.logit == 0 else (s.logit > 0) == fake for s in own) / len(own)
    return share(False), share(True)
