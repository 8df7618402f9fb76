"""Learning curves of a board -> verdicts, the same as those of ``harness judge``."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.checks import (
    Answered,
    Curve,
    Fits,
    Named,
    Verdict,
    describe_verdict,
    diversity_elasticities,
    fit_all,
    judge,
    marginal_gain,
    medians,
    plain,
)
from harness.digest import canonical

Json = dict[str, Any]

REPLICATES = 200
"""Bootstrap replicates of the saturation points of a metric that is not the task's primary one."""
REPLICATES_OF_PRIMARY = 2000
SIZES_OF_A_LAW = 3
"""Trained sizes from which on laws can be told apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A curve that waits for its verdict.

    Attributes
    ----------
    model, metric
        Whose curve it is.
    primary
        Whether the metric is its task's primary one.
    curve
        Its runs; None, with ``unjudged`` saying why, where nothing can be judged.
    whole
        Cells of the corpus that a fit may see.
    by_unit
        Whether the runs have one score per unit of generalisation.
    names
        Of task, data set, model and metric, sampler, corpus and budget; empty where there is none.
    measured
        ``gpu_hours`` of the fit and ``diversity`` of the sample -> size -> one number per run, of the sizes
        all of whose runs have it.
    """

    model: Mapping[str, Any]
    metric: str
    primary: bool
    curve: Curve | None
    unjudged: str | None = None
    whole: int | None = None
    by_unit: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Mapping[int, Sequence[float]]] = field(default_factory=dict)

    @property
    def grid(self) -> str:
        """The curves that are corrected for each other: one model's, so that no one else's matter."""
        return canonical([self.model, None if self.primary else self.metric])


def fits_of(cases: Sequence[Case]) -> Generator[Fits, None, None]:
    """Return the fits of those curves that get any, which other processes begin to make at once."""
    return fit_all([case.curve for case in cases if case.primary and case.curve is not None])


def verdicts(cases: Sequence[Case], fitted: Iterator[Fits]) -> tuple[list[Json], list[Json]]:
    """Judge every curve; the curves of one model by their tasks' primary metrics are one grid.

    So are those by one of the other metrics, each. These get fewer bootstrap replicates, no fit (R5, the law
    of the curve) and no gain per cost.

    Parameters
    ----------
    fitted
        What `fits_of` returned for these cases.

    Returns
    -------
    of_cases, medians
        A verdict, or why there is none, per curve; median saturation points over tasks by primary metrics.
    """
    found: list[Json] = [{"verdict": None, "unjudged": case.unjudged} for case in cases]
    answered: list[Answered] = []
    # Those that wait for no fit come first.
    for primary in (False, True):
        places = [i for i, case in enumerate(cases) if case.curve is not None and case.primary == primary]
        replicates = REPLICATES_OF_PRIMARY if primary else REPLICATES
        of_these = _judged([cases[i] for i in places], replicates)
        if primary:
            answered = [_answered(cases[i], verdict) for i, verdict in zip(places, of_these, strict=True)]
        told = _told([cases[i] for i in places], of_these, fitted, replicates)
        for place, verdict in zip(places, told, strict=True):
            found[place]["verdict"] = verdict
    return found, [plain(median) for median in medians(answered)]


def _answered(case: Case, verdict: Verdict) -> Answered:
    return Answered(names=case.names, level=verdict.level, saturation=verdict.saturation)


def _judged(cases: Sequence[Case], replicates: int) -> list[Verdict]:
    curves = [case.curve for case in cases if case.curve is not None]
    return judge(curves, replicates=replicates, grids=[case.grid for case in cases])


def _told(
    cases: Sequence[Case], found: Sequence[Verdict], fitted: Iterator[Fits], replicates: int
) -> list[Json]:
    """Return verdicts as plain data."""
    return [
        {
            **_described(case, verdict, next(fitted) if case.primary else None),
            "replicates": replicates,
            "resampled": ["units", "seeds"] if case.by_unit else ["seeds"],
        }
        for case, verdict in zip(cases, found, strict=True)
    ]


def _described(case: Case, verdict: Verdict, fits: Fits | None) -> Json:
    """Return a verdict; of a primary metric also the law, where there are sizes enough, and the gain."""
    curve = case.curve
    if fits is None or curve is None:
        return {**describe_verdict(verdict, None, case.whole), "law": None, "marginal_gain": None}
    return {
        **describe_verdict(verdict, fits.saturation, case.whole),
        "law": plain(fits.law) if len(curve.sizes) >= SIZES_OF_A_LAW else None,
        "marginal_gain": plain(marginal_gain(curve, gpu_hours=case.measured.get("gpu_hours"))),
    }


def elasticities(cases: Sequence[Case]) -> Json:
    """Return how much normalised primary scores change per decade of cells and of diversity (Vendi)."""
    return dict(
        plain(
            diversity_elasticities(
                [
                    Named(names=case.names, curve=case.curve, whole=case.whole, measured=case.measured)
                    for case in cases
                    if case.primary and case.curve is not None
                ]
            )
        )
    )


def runs_by_unit(
    points: Mapping[int, Sequence[float]], units: Mapping[int, Sequence[NDArray[np.float64] | None]]
) -> dict[int, NDArray[np.float64]] | None:
    """Return size -> (seeds, units), or None where runs are not means of scores of the same units.

    Parameters
    ----------
    points
        Size -> one headline value per seed.
    units
        Size -> the scores per unit of the same seeds, in one order of units; None where a run has none.
    """
    every = [of_seed for of_size in units.values() for of_seed in of_size]
    present = [of_seed for of_seed in every if of_seed is not None]
    if len(present) < len(every) or len({len(of_seed) for of_seed in present}) != 1:
        return None
    runs = {size: np.array(of_size, dtype=float) for size, of_size in units.items()}
    alike = all(np.allclose(runs[size].mean(axis=1), values, atol=1e-9) for size, values in points.items())
    return runs if alike and len(present[0]) > 1 else None
