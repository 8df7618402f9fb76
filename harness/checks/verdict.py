"""LEVEL x TREND: what a learning curve shows, with the numbers that show it.

Level: is there a benefit over doing nothing? Trend: does more data change it? One curve and a grid of many
are judged the same way; only the correction for the number of curves differs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.checks.curve import Block, Curve, blocks
from harness.checks.evidence import Columns, Evidence, correct, measure, numbers_of
from harness.checks.saturation import SaturationPoint, points_of
from harness.statistics import PERMUTATIONS, REPLICATES, TOLERATED, saturation_points, summarise

Level = Literal["below-baseline", "no-benefit", "beats-baseline", "at-ceiling", "not-assessed"]
Trend = Literal["flat", "saturates", "still-improving", "inverse", "non-monotone", "inconclusive"]
Reading = Literal[
    "task-saturated",
    "model-saturated",
    "pretraining-irrelevant",
    "more-data-may-pay",
    "learning-saturation-point",
]

ALPHA = 0.05
AMPLE = 0.10
"""Share of headroom from which on it is not the task that is saturated."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a curve shows.

    Attributes
    ----------
    level
        ``"below-baseline"``: even the best trained mean is below the best baseline, by its 95 % interval.
        ``"at-ceiling"``: the headroom left is below 5 %, and the ceiling is none that was exceeded, since
        that one is wrong. ``"no-benefit"``: not shown to be better than the
        untrained control (Dunnett), or better by less than the margin, or not shown to be better than the
        baseline. ``"beats-baseline"``: better than all of them that exist. ``"not-assessed"``: neither
        exists, or no size has two seeds. The first that applies.
    trend
        No size effect: ``"flat"`` if all means are shown to lie within the margin, else ``"inconclusive"``. A
        size effect: ``"inverse"`` if it goes down, ``"non-monotone"`` if neither way, ``"still-improving"``
        if R4 answers the largest size or the last step is a gain, else ``"saturates"``. The way is
        Jonckheere's; where that shows none, as with a step between two sizes, it is that of the rises or
        falls between sizes, if these are shown in one direction only.
    flags
        ``harm@n``: at n cells the model is worse than untrained. ``fall@n``: it is worse than at some smaller
        size. ``above-ceiling@n``: the mean is above the ceiling, which then is wrong. ``underpowered``: the
        level is ``no-benefit`` for want of seeds; a benefit beyond the margin is not excluded. Flags replace
        no label.
    evidence
        The numbers.
    saturation
        Rule -> saturation point.
    """

    level: Level
    trend: Trend
    flags: tuple[str, ...]
    evidence: Evidence
    saturation: Mapping[str, SaturationPoint]

    @property
    def quotable(self) -> bool:
        """Whether ``evidence.saturates_at`` may be quoted as a learning saturation point: not with a fall."""
        falls = any(flag.startswith("fall@") for flag in self.flags)
        return self.reading == "learning-saturation-point" and not falls

    @property
    def reading(self) -> Reading | None:
        """What level and trend say together, where they say one thing."""
        if self.trend == "flat" and self.level == "beats-baseline":
            ample = self.evidence.headroom is not None and self.evidence.headroom >= AMPLE
            return "model-saturated" if ample else None
        return READINGS.get((self.level, self.trend))


READINGS: Mapping[tuple[Level, Trend], Reading] = {
    ("at-ceiling", "flat"): "task-saturated",
    ("no-benefit", "flat"): "pretraining-irrelevant",
    ("below-baseline", "still-improving"): "more-data-may-pay",
    ("beats-baseline", "saturates"): "learning-saturation-point",
}


def judge(
    curves: Sequence[Curve],
    *,
    replicates: int = REPLICATES,
    permutations: int = PERMUTATIONS,
    grids: Sequence[Hashable] | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> list[Verdict]:
    """Judge curves, as one grid or as several.

    A verdict depends on the other curves of its grid through the Benjamini-Hochberg correction of the gate
    alone; a single curve is its own grid.

    Parameters
    ----------
    replicates
        Bootstrap replicates of the saturation points.
    permutations
        Shuffles of the permutation F: no p-value is below 1 / (permutations + 1), which must be small beside
        0.05 over the number of curves if only a few of many are expected to change with size.
    grids
        One label per curve: the gate is corrected for the number of curves that share it. All are one grid
        where None.
    seed
        Seed of shuffles and bootstrap.
    progress
        Called with the number of curves finished since the last call.
    """
    together = blocks(curves)
    measured = [measure(block, permutations, seed) for block in together]
    labels = [None] * len(curves) if grids is None else list(grids)
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    correct(measured, [np.array([number[labels[m]] for m in block.members]) for block in together])
    verdicts: dict[int, Verdict] = {}
    for block, columns in zip(together, measured, strict=True):
        answers = saturation_points(block.scores, n=replicates, seed=seed, progress=progress)
        sizes = [curve.sizes for curve in block.curves]
        points = points_of(sizes, answers, summarise(block.scores))
        judged = _levels(columns, block), _trends(columns), numbers_of(block, columns), points
        found = map(_verdict, block.curves, *judged)
        verdicts.update(zip(block.members, found, strict=True))
    return [verdicts[member] for member in range(len(curves))]


def _verdict(
    curve: Curve, level: Level, trend: Trend, evidence: dict[str, Any], points: Mapping[str, SaturationPoint]
) -> Verdict:
    saturates = points["R4"] if trend == "saturates" else None
    evidence["saturates_at"] = saturates.size if saturates else None
    evidence["saturates_within"] = saturates.set_95 if saturates else None
    return Verdict(
        level=level,
        trend=trend,
        flags=_flags(curve, level, evidence),
        evidence=Evidence(**evidence),
        saturation=points,
    )


def _flags(curve: Curve, level: Level, evidence: Mapping[str, Any]) -> tuple[str, ...]:
    def shown(p_values: Sequence[float | None] | None) -> list[int]:
        return [
            size for size, p in zip(curve.sizes, p_values or (), strict=False) if p is not None and p <= ALPHA
        ]

    named = {
        "harm": shown(evidence["harm_p"]),
        "fall": shown(evidence["fall_p"]),
        "above-ceiling": _above(curve),
    }
    flags = [f"{name}@{size}" for name, sizes in named.items() for size in sizes]
    unshown = level == "no-benefit" and not _benefit_excluded(evidence)
    return (*flags, "underpowered") if unshown else tuple(flags)


def _benefit_excluded(evidence: Mapping[str, Any]) -> bool:
    """Whether a gain beyond the margin over either reference is shown not to be there."""
    margin = evidence["margin"] or 0.0
    highs = [evidence[name] for name in ("gain_high", "baseline_high") if evidence[name] is not None]
    equivalent = evidence["gain_equivalence_p"]
    return any(high < margin for high in highs) or (equivalent is not None and equivalent < ALPHA)


def _above(curve: Curve) -> list[int]:
    if curve.ceiling is None:
        return []
    over = {size: curve.sign * (float(np.mean(curve.runs[size])) - curve.ceiling) for size in curve.sizes}
    return [size for size, excess in over.items() if excess > 0]


def _trends(of: Columns) -> list[Trend]:
    """Return the first label that applies; comparisons with NaN are false: the unknown shows nothing."""
    effect = (of["gate_f_p"] < ALPHA) | (of["gate_jonckheere_p"] < ALPHA)
    within = (of["equivalence_p"] < ALPHA) & (of["resolution"] <= of["margin"])
    up, down = of["jonckheere_up_p"] < ALPHA, of["jonckheere_down_p"] < ALPHA
    rises, falls = ((of[name] <= ALPHA).any(axis=0) for name in ("rise_p", "fall_p"))
    return _first_label(
        {
            "flat": ~effect & within,
            "inconclusive": ~effect,
            "inverse": down | (~up & falls & ~rises),
            "non-monotone": ~up & ~(rises & ~falls),
            "still-improving": of["right_censored"] | (of["last_step_low"] > 0),
        },
        otherwise="saturates",
    )


def _levels(of: Columns, block: Block) -> list[Level]:
    unshown = below = unknown = np.zeros(len(block.curves), dtype=bool)
    if of["dunnett_p"] is not None:
        smallest = of["dunnett_p"].min(axis=0)
        unknown = np.isnan(smallest)
        unshown = (smallest > ALPHA) | (of["gain_equivalence_p"] < ALPHA)
    if of["baseline"] is not None:
        unknown = unknown | np.isnan(of["baseline_p"])
        unshown = unshown | (of["baseline_p"] > ALPHA)
        below = of["baseline_high"] < 0
    nothing_to_beat = of["dunnett_p"] is None and of["baseline"] is None
    return _first_label(
        {
            "not-assessed": unknown | nothing_to_beat,
            "below-baseline": below,
            "at-ceiling": (of["headroom_high"] < TOLERATED) & ~(of["best"] > of["ceiling"]),
            "no-benefit": unshown,
        },
        otherwise="beats-baseline",
    )


def _first_label(labels: Mapping[str, NDArray[np.bool_]], otherwise: str) -> list[Any]:
    return list(np.select(list(labels.values()), list(labels), default=otherwise).tolist())
