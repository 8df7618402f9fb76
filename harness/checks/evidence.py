"""The numbers behind a verdict, for all curves of one shape at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.checks.curve import Block
from harness.statistics import (
    RULES,
    dunnett_p,
    equivalence_p,
    intraclass_correlation,
    jonckheere,
    mean_difference_p,
    one_way,
    paired_resolution,
    permutation_p,
    pooled_spread,
    resolution,
    seeds_needed,
    summarise,
)

FloatArray = NDArray[np.float64]
Columns = dict[str, Any]
"""Name of a number -> its values (curves,) or (sizes, curves); None where it does not exist for the block."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The numbers behind a verdict; None where they do not exist.

    Scores are as they came; differences are positive where the model is better, for losses too.

    Attributes
    ----------
    pooled_sd, df
        Seed standard deviation pooled over trained sizes, and its degrees of freedom.
    f, f_p, permutation_p
        One-way F over trained sizes, its parametric and its permutation p-value.
    jonckheere_z, jonckheere_up_p, jonckheere_down_p
        Jonckheere-Terpstra over trained sizes, normal approximation, one-sided.
    gate_f_p, gate_jonckheere_p
        Permutation p of F and two-sided p of Jonckheere, each after Benjamini-Hochberg over all curves judged
        together; a size effect is either of them below 0.05.
    margin
        Largest difference that counts as none: 5 % of ceiling - floor (untrained, else trivial).
    resolution
        Smallest difference between two sizes that these seeds can show.
    seeds_needed
        Seeds per size that show a difference of ``margin`` with 80 % power.
    largest_contrast, equivalence_p
        Best minus worst mean of a trained size; TOST p-value of all pairs of sizes lying within ``margin``.
    fall_p, rise_p
        For every trained size, the one-sided p-value (t test with the pooled sd, Bonferroni over all pairs)
        of being worse than the smaller size that it falls furthest behind, and of being better than the one
        that it is furthest ahead of; 1 for the smallest.
    last_step, last_step_low
        Mean of the largest size minus that of the one before, and its lower 95 % limit.
    saturates_at, saturates_within
        R4's size, and the sizes between which 95 % of its bootstrap lie; None unless the trend is
        ``saturates``.
    best, best_size
        Best mean of a trained size, and that size.
    untrained, gain, gain_low, gain_high, gain_equivalence_p
        Mean of the untrained control, best mean minus it with its 95 % interval, TOST p-value of that gain
        lying within ``margin``.
    dunnett_p, harm_p
        For every trained size, Dunnett's one-sided p-value for being better, and for being worse, than the
        untrained control.
    baseline, baseline_name
        Mean of the best declared baseline.
    baseline_low, baseline_high, baseline_p
        95 % interval of best mean minus baseline (Welch); smallest one-sided Dunnett p-value of a trained
        size being better.
    ceiling, ceiling_measured
        Best possible score; False where it is the metric's bound.
    headroom, headroom_high
        (ceiling - best mean) / (ceiling - trivial), and its upper limit, allowing for the choice of the best
        of several means.
    intraclass_correlation, signal_to_noise
        Share of the variance between sizes; range of the means in pooled standard deviations.
    """

    pooled_sd: float | None
    df: int
    f: float | None
    f_p: float | None
    permutation_p: float | None
    jonckheere_z: float | None
    jonckheere_up_p: float | None
    jonckheere_down_p: float | None
    gate_f_p: float | None
    gate_jonckheere_p: float | None
    margin: float | None
    resolution: float | None
    seeds_needed: int | None
    largest_contrast: float | None
    equivalence_p: float | None
    fall_p: tuple[float | None, ...]
    rise_p: tuple[float | None, ...]
    last_step: float | None
    last_step_low: float | None
    saturates_at: int | None
    saturates_within: tuple[int, int] | None
    best: float
    best_size: int
    untrained: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    gain_equivalence_p: float | None
    dunnett_p: tuple[float | None, ...] | None
    harm_p: tuple[float | None, ...] | None
    baseline: float | None
    baseline_name: str | None
    baseline_low: float | None
    baseline_high: float | None
    baseline_p: float | None
    ceiling: float | None
    ceiling_measured: bool
    headroom: float | None
    headroom_high: float | None
    intraclass_correlation: float | None
    signal_to_noise: float | None


NAMES = frozenset(field.name for field in fields(Evidence))
"""All numbers of `Evidence`."""


def measure(block: Block, permutations: int, seed: int) -> Columns:
    """Return the numbers of a block's curves, all but those that depend on other blocks."""
    return {**_of_trend(block, permutations, seed), **_of_level(block)}


def _of_trend(block: Block, permutations: int, seed: int) -> Columns:
    f, ordered = one_way(block.runs), jonckheere(block.runs)
    return {
        "pooled_sd": block.spread.sd,
        "df": np.full(len(block.margin), block.spread.df),
        "f": f.f,
        "f_p": f.p,
        "permutation_p": permutation_p(block.runs, permutations, seed),
        "jonckheere_z": ordered.z,
        "jonckheere_up_p": ordered.p_up,
        "jonckheere_down_p": ordered.p_down,
        "margin": block.margin,
        "resolution": _resolution(block),
        "seeds_needed": seeds_needed(block.spread.sd, block.margin),
        "intraclass_correlation": intraclass_correlation(block.runs),
        "right_censored": RULES["R4"](summarise(block.scores)) == len(block.runs) - 1,
        "fall_p": _steps(block, down=True),
        "rise_p": _steps(block, down=False),
        **_contrasts(block),
    }


def _resolution(block: Block) -> FloatArray:
    if block.scores.paired:
        return paired_resolution(block.runs)
    seeds = len(block.counts) / (1 / block.counts).sum()
    return resolution(block.spread.sd, seeds, block.spread.df)


def _contrasts(block: Block) -> Columns:
    """Return the range of the means, whether all pairs are equivalent, and the last step."""
    pairs = [_difference(block, a, b) for a in range(len(block.runs)) for b in range(a)]
    if not pairs:
        names = ("largest_contrast", "equivalence_p", "last_step", "last_step_low", "signal_to_noise")
        return dict.fromkeys(names, np.full(len(block.curves), np.nan))
    tests = [equivalence_p(difference, error, block.spread.df, block.margin) for difference, error in pairs]
    step, error = pairs[-1]
    width = np.ptp(block.means, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        signal_to_noise = width / block.spread.sd
    return {
        "largest_contrast": width,
        "equivalence_p": np.max(tests, axis=0),
        "last_step": step,
        "last_step_low": step - _t(0.975, block.spread.df) * error,
        "signal_to_noise": signal_to_noise,
    }


def _steps(block: Block, *, down: bool) -> FloatArray:
    """Return for every size the corrected p-value of a fall, or rise, from a smaller one (sizes, curves)."""
    n_pairs = len(block.runs) * (len(block.runs) - 1) / 2
    p = np.ones(block.means.shape)
    for large in range(1, len(p)):
        pairs = [_difference(block, *((small, large) if down else (large, small))) for small in range(large)]
        tests = [mean_difference_p(difference, error, block.spread.df) for difference, error in pairs]
        p[large] = np.minimum(n_pairs * np.min(tests, axis=0), 1.0)
    return p


def _difference(block: Block, a: int, b: int) -> tuple[FloatArray, FloatArray]:
    """Return mean of size ``a`` minus mean of size ``b``, and its standard error."""
    error = block.spread.sd * np.sqrt(1 / block.counts[a] + 1 / block.counts[b])
    return block.means[a] - block.means[b], error


def _of_level(block: Block) -> Columns:
    at = block.means.argmax(axis=0)
    best, error = block.means.max(axis=0), block.spread.sd / np.sqrt(block.counts[at])
    return {
        "best": best,
        "best_place": at,
        "ceiling": block.ceiling,
        **_against_untrained(block, best, block.counts[at]),
        **_against_baseline(block, best, error),
        **_headroom(block, best, error),
    }


def _against_untrained(block: Block, best: FloatArray, seeds: NDArray[np.int_]) -> Columns:
    if block.untrained is None:
        names = ("untrained", "gain", "gain_low", "gain_high", "gain_equivalence_p", "dunnett_p", "harm_p")
        return dict.fromkeys(names, None)
    floor = block.untrained.mean(axis=-1)
    spread = pooled_spread([*block.runs, block.untrained])
    error = spread.sd * np.sqrt(1 / seeds + 1 / block.untrained.shape[-1])
    half = _t(0.975, spread.df) * error
    return {
        "untrained": floor,
        "gain": best - floor,
        "gain_low": best - floor - half,
        "gain_high": best - floor + half,
        "gain_equivalence_p": equivalence_p(best - floor, error, spread.df, block.margin),
        "dunnett_p": dunnett_p(block.runs, block.untrained),
        "harm_p": dunnett_p(block.runs, block.untrained, less=True),
    }


def _against_baseline(block: Block, best: FloatArray, error: FloatArray) -> Columns:
    if block.baseline is None:
        return dict.fromkeys(("baseline", "baseline_low", "baseline_high", "baseline_p"), None)
    known, runs = block.baseline.mean(axis=-1), block.baseline.shape[-1]
    own = block.baseline.std(axis=-1, ddof=1) / np.sqrt(runs) if runs > 1 else np.zeros(len(known))
    half = _welch(error, block.spread.df, own, runs - 1)
    return {
        "baseline": known,
        "baseline_low": best - known - half,
        "baseline_high": best - known + half,
        "baseline_p": dunnett_p(block.runs, block.baseline, constant=runs == 1).min(axis=0),
    }


def _welch(a: FloatArray, df_a: int, b: FloatArray, df_b: int) -> FloatArray:
    """Return half the 95 % interval of a difference of two means with standard errors ``a`` and ``b``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (a**2 + b**2) ** 2 / (a**4 / df_a + b**4 / max(df_b, 1))
    half = stats.t.ppf(0.975, df) * np.hypot(a, b)
    return np.where(np.hypot(a, b) == 0, 0.0, half)


def _headroom(block: Block, best: FloatArray, error: FloatArray) -> Columns:
    """Return H and its upper limit, at 1 - .025 / J since the best of J means is a chosen one."""
    room = np.where(block.ceiling > block.trivial, block.ceiling - block.trivial, np.nan)
    half = _t(1 - 0.025 / len(block.runs), block.spread.df) * error
    return {"headroom": (block.ceiling - best) / room, "headroom_high": (block.ceiling - best + half) / room}


def _t(level: float, df: int) -> float:
    return float(stats.t.ppf(level, df)) if df else math.nan


def correct(measured: Sequence[Columns], grids: Sequence[NDArray[np.intp]]) -> None:
    """Add the gate's p-values to all columns: F and two-sided Jonckheere, each corrected within its grid.

    Parameters
    ----------
    grids
        For each block the number of every curve's grid (curves,).
    """
    together = np.concatenate([*grids, np.empty(0, dtype=np.intp)])
    ends = np.cumsum([len(each) for each in grids])
    for each in measured:
        up, down = each["jonckheere_up_p"], each["jonckheere_down_p"]
        each["gate_f_p"] = each["permutation_p"]
        each["gate_jonckheere_p"] = np.minimum(2 * np.minimum(up, down), 1.0)
    for name in ("gate_f_p", "gate_jonckheere_p"):
        corrected = _benjamini_hochberg(np.concatenate([each[name] for each in measured] or [[]]), together)
        for each, part in zip(measured, np.split(corrected, ends), strict=False):
            each[name] = part


def _benjamini_hochberg(p: FloatArray, grids: NDArray[np.intp]) -> FloatArray:
    """Return p-values adjusted within each grid; NaN is no test and stays.

    Benjamini and Hochberg 1995, doi 10.1111/j.2517-6161.1995.tb02031.x.
    """
    known = np.flatnonzero(np.isfinite(p))
    adjusted = p.copy()
    for members in _groups(grids[known]):
        adjusted[known[members]] = stats.false_discovery_control(p[known[members]])
    return adjusted


def _groups(labels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the places of every label."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, starts) if len(order) else []


def numbers_of(block: Block, columns: Columns) -> list[dict[str, Any]]:
    """Return the numbers of every curve as plain Python, scores in their own direction."""
    curves, scores = block.curves, ("best", "untrained", "baseline", "ceiling")
    turned = {name: curves[0].sign * columns[name] for name in scores if columns[name] is not None}
    of = {name: _plain(column, len(curves)) for name, column in (columns | turned).items()}
    numbers = {name: of[name] for name in of if name in NAMES} | {
        "seeds_needed": [None if seeds is None else int(seeds) for seeds in of["seeds_needed"]],
        "best_size": [curve.sizes[at] for curve, at in zip(curves, of["best_place"], strict=True)],
        "baseline_name": [None if curve.baseline is None else curve.baseline[0] for curve in curves],
        "ceiling_measured": [curve.ceiling is not None for curve in curves],
    }
    return [dict(zip(numbers, row, strict=True)) for row in zip(*numbers.values(), strict=True)]


def _plain(column: Any, n_curves: int) -> list[Any]:
    """Return of every curve its number, or tuple of numbers over sizes; None for NaN and infinity."""
    if column is None:
        return [None] * n_curves
    numbers = column.astype(object)
    numbers[~np.isfinite(column)] = None
    return list(zip(*numbers, strict=True) if column.ndim == 2 else numbers)
