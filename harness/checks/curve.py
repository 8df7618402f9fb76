"""A learning curve as it is judged, and curves of one shape put together into arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.statistics import TOLERATED, Direction, Pooled, Scores, pooled_spread

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """All scores of one curve and what they are measured against.

    Attributes
    ----------
    runs
        Size -> one score per seed; size 0 is the untrained control. Or size -> (seeds, units): scores per
        unit of generalisation, equally many for all, whose mean is the run's score; units are then resampled
        in the outer level of the bootstrap.
    direction
        ``"down"`` for losses.
    baselines
        Declared baseline -> one score per run, a single one being taken as exact. Answers that need no
        pretraining, *other than* the untrained control.
    trivial
        Score of the trivial answer (majority class, no change, no structure), where headroom begins; the
        untrained control stands in for it.
    ceiling
        Measured best possible score (replicates, label noise, a supervised reference).
    bound
        The best value that the metric can take; stands in for a ceiling that nobody measured.
    paired
        Seed i of all sizes belongs together, as in nested samples: seeds are then resampled as blocks.

    Raises
    ------
    ValueError
        No trained size, a size without runs, a score that is not finite, or paired seeds that differ in
        number.
    """

    runs: Mapping[int, Sequence[float] | FloatArray]
    direction: Direction = "up"
    baselines: Mapping[str, Sequence[float]] = field(default_factory=dict)
    trivial: float | None = None
    ceiling: float | None = None
    bound: float | None = None
    paired: bool = False

    def __post_init__(self) -> None:
        if not any(size > 0 for size in self.runs):
            raise ValueError("a curve needs a trained size; its sizes are " + str(sorted(self.runs)))
        for size, scores in self.runs.items():
            if not (len(scores) and np.isfinite(scores).all()):
                raise ValueError(f"the scores at size {size} must be finite numbers; leave missing runs out")
        if self.paired and len({len(self.runs[size]) for size in self.sizes}) > 1:
            raise ValueError("paired seeds need the same number of seeds at every size")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Trained sizes in ascending order."""
        return tuple(sorted(size for size in self.runs if size > 0))

    def scores(self, size: int) -> FloatArray:
        """Return one score per run of a size (runs,), the mean over its units."""
        scores = np.asarray(self.runs[size], dtype=float)
        return np.asarray(scores.mean(axis=1)) if scores.ndim == 2 else scores

    @property
    def sign(self) -> int:
        """1 where larger is better, else -1."""
        return 1 if self.direction == "up" else -1

    @cached_property
    def baseline(self) -> tuple[str, FloatArray] | None:
        """The best declared baseline with its runs; a single score where all runs are equal."""
        if not self.baselines:
            return None
        every = {name: np.asarray(runs, dtype=float) for name, runs in self.baselines.items()}
        name, runs = max(every.items(), key=lambda named: self.sign * float(named[1].mean()))
        return name, runs[:1] if (runs == runs[0]).all() else runs

    @property
    def best_possible(self) -> float:
        """The measured ceiling, else the metric's bound, else NaN."""
        known = (value for value in (self.ceiling, self.bound) if value is not None)
        return next(known, math.nan)

    @property
    def shape(self) -> Hashable:
        """What curves must share to be computed together."""
        shapes = [np.shape(self.runs[size]) for size in (0, *self.sizes) if size in self.runs]
        baseline = None if self.baseline is None else len(self.baseline[1])
        return 0 in self.runs, tuple(shapes), baseline, self.direction, self.paired


@dataclass(frozen=True, kw_only=True)
class Block:
    """Curves of one shape, turned so that larger is better.

    Attributes
    ----------
    members
        Where each curve stands in the list it came from.
    curves
        The curves.
    scores
        Their runs.
    baseline
        Runs of each curve's best baseline (curves, runs), or None.
    trivial
        Trivial score, else that of the untrained control (curves,); NaN where neither exists.
    """

    members: tuple[int, ...]
    curves: tuple[Curve, ...]
    scores: Scores
    baseline: FloatArray | None
    trivial: FloatArray

    @cached_property
    def runs(self) -> tuple[FloatArray, ...]:
        """One score per run (curves, seeds) of every trained size."""
        return self.scores.runs

    @cached_property
    def counts(self) -> NDArray[np.int_]:
        """Runs of every trained size (sizes,)."""
        return np.array([run.shape[-1] for run in self.runs])

    @cached_property
    def means(self) -> FloatArray:
        """Mean of every trained size (sizes, curves)."""
        return np.stack([run.mean(axis=-1) for run in self.runs])

    @cached_property
    def spread(self) -> Pooled:
        """Spread of the seeds, pooled over trained sizes."""
        return pooled_spread(self.runs)

    @cached_property
    def untrained(self) -> FloatArray | None:
        """One score per run (curves, seeds) of the untrained control."""
        return self.scores.untrained

    @cached_property
    def ceiling(self) -> FloatArray:
        """Best possible score (curves,), NaN where unknown."""
        assert self.scores.ceiling is not None
        return self.scores.ceiling

    @cached_property
    def margin(self) -> FloatArray:
        """5 % of the room between ceiling and floor (untrained, else trivial); NaN where there is none."""
        floor = self.trivial if self.untrained is None else self.untrained.mean(axis=-1)
        room = self.ceiling - floor
        return np.where(room > 0, TOLERATED * room, np.nan)


def blocks(curves: Sequence[Curve]) -> list[Block]:
    """Put curves of one shape together."""
    together: dict[Hashable, list[int]] = defaultdict(list)
    for position, curve in enumerate(curves):
        together[curve.shape].append(position)
    return [_block(members, [curves[member] for member in members]) for members in together.values()]


def _block(members: Sequence[int], curves: Sequence[Curve]) -> Block:
    sign, first = curves[0].sign, curves[0]
    groups = [
        sign * np.array([curve.runs[curve.sizes[place]] for curve in curves], dtype=float)
        for place in range(len(first.sizes))
    ]
    control = sign * np.array([curve.runs[0] for curve in curves], dtype=float) if 0 in first.runs else None
    scores = Scores(
        groups=tuple(groups),
        control=control,
        ceiling=sign * np.array([curve.best_possible for curve in curves]),
        loss=first.direction == "down",
        paired=first.paired,
    )
    known = [curve.baseline[1] for curve in curves if curve.baseline is not None]
    trivial = sign * np.array([math.nan if curve.trivial is None else curve.trivial for curve in curves])
    if scores.untrained is not None:
        trivial = np.where(np.isnan(trivial), scores.untrained.mean(axis=-1), trivial)
    return Block(
        members=tuple(members),
        curves=tuple(curves),
        scores=scores,
        baseline=sign * np.array(known) if known else None,
        trivial=trivial,
    )
