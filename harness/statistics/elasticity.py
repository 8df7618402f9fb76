"""How much a score changes per decade of cells and per decade of diversity, across models and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.statistics.estimates import Estimate, Floats, percentile

TOGETHER = 0.95
"""Correlation of log size and log diversity, within model and task, from which they are not told apart."""
MIN_SPREAD = 0.05
"""Standard deviation within model and task, in decades, below which something did not vary: 12 %."""
FEW_CLUSTERS = 6
"""Below this many independent tasks a resampling interval is far too narrow to be shown."""


@dataclass(frozen=True, kw_only=True)
class Elasticities:
    """Change of a normalised score per decade.

    Attributes
    ----------
    size, diversity
        Per tenfold of the cells at equal diversity; per tenfold of the diversity at equal cells. None, with a
        reason, for what did not vary, and for both where they moved together.
    correlation
        Of log size and log diversity within model and task; None where one of them does not vary there.
    n, n_clusters
        Scores that entered, and independent clusters of them.
    n_excluded
        Scores left out since a number is missing.
    """

    size: Estimate
    diversity: Estimate
    correlation: float | None
    n: int
    n_clusters: int
    n_excluded: int


def elasticities(
    scores: ArrayLike,
    cells: ArrayLike,
    diversity: ArrayLike,
    models: Sequence[str],
    tasks: Sequence[str],
    *,
    clusters: Sequence[str] | None = None,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Elasticities:
    """Regress scores on log10 cells and log10 diversity, with crossed effects of model and task.

    Least squares with an indicator for every model and every task, and a bootstrap of whole clusters of
    tasks (Cameron, Gelbach and Miller 2008, doi 10.1162/rest.90.3.414). Random draws of cells change the size
    and leave the diversity as it is: they say nothing of diversity. Where both move together neither is told:
    only samplers that change the diversity at equal size tell them apart.

    Parameters
    ----------
    scores
        Normalised, larger is better (n_scores,). A row with a missing number, size 0 or diversity 0 is left
        out and counted.
    cells, diversity
        Size, and Vendi score or number of types, donors or studies, of the sample (n_scores,).
    models, tasks
        Names (n_scores,).
    clusters
        What is independent (n_scores,): the task where not given.
    n
        Resamples.

    Raises
    ------
    ValueError
        The lists differ in length.
    """
    z, size, kinds = (np.asarray(each, dtype=float) for each in (scores, cells, diversity))
    names = [np.asarray(each) for each in (models, tasks, tasks if clusters is None else clusters)]
    if len({len(each) for each in (z, size, kinds, *names)}) > 1:
        raise ValueError("scores, cells, diversity, models, tasks and clusters must be equally long")
    kept = np.isfinite(z) & np.isfinite(size) & np.isfinite(kinds) & (size > 0) & (kinds > 0)
    codes = [np.unique(each[kept], return_inverse=True)[1] for each in names]
    x = np.log10(np.stack([size[kept], kinds[kept]], axis=1))
    dummies = np.hstack([np.eye(int(code.max()) + 1)[code] for code in codes[:2]]) if kept.any() else x[:, :0]
    correlation, reasons = _identified(x, dummies)
    found = [Estimate(value=None, level=level, reason=reason) for reason in reasons]
    varied = [i for i in range(2) if reasons[i] is None]
    if varied:
        slopes = _slopes(np.hstack([x[:, varied], dummies]), z[kept], len(varied), codes[2], n, level, seed)
        for i, slope in zip(varied, slopes, strict=True):
            found[i] = slope
    return Elasticities(
        size=found[0],
        diversity=found[1],
        correlation=correlation,
        n=int(kept.sum()),
        n_clusters=len(np.unique(names[2][kept])),
        n_excluded=int((~kept).sum()),
    )


def _identified(x: Floats, dummies: Floats) -> tuple[float | None, list[str | None]]:
    """Return the correlation of the two within model and task, and why each is not told, if it is not."""
    if not len(x):
        return None, ["no score has a size and a diversity"] * 2
    within = x - dummies @ np.linalg.lstsq(dummies, x, rcond=None)[0]
    spread = within.std(axis=0)
    reasons = [
        f"{name} does not vary within model and task (sd {sd:.3f} decades)" if sd < MIN_SPREAD else None
        for name, sd in zip(("size", "diversity"), spread, strict=True)
    ]
    if any(reasons):
        return None, reasons
    correlation = float(np.mean(within[:, 0] * within[:, 1]) / spread.prod())
    if abs(correlation) < TOGETHER:
        return correlation, [None, None]
    reason = (
        f"size and diversity move together (correlation {correlation:.3f} within model and task): "
        "only samplers that change the diversity at equal size tell them apart"
    )
    return correlation, [reason] * 2


def _slopes(
    design: Floats, z: Floats, wanted: int, clusters: NDArray[np.intp], n: int, level: float, seed: int
) -> list[Estimate]:
    """Return the first slopes with intervals; each cluster enters by its cross-products."""
    k = int(clusters.max()) + 1
    squares = np.array([design[clusters == c].T @ design[clusters == c] for c in range(k)])
    products = np.array([design[clusters == c].T @ z[clusters == c] for c in range(k)])
    here = np.linalg.pinv(squares.sum(axis=0), hermitian=True) @ products.sum(axis=0)
    if k < FEW_CLUSTERS:
        reason = f"only {k} independent tasks: no interval"
        return [Estimate(value=float(here[i]), level=level, reason=reason) for i in range(wanted)]
    counts = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=n).astype(float)
    inverse = np.linalg.pinv(np.einsum("nk,kij->nij", counts, squares), hermitian=True)
    drawn = np.einsum("nij,nj->ni", inverse, counts @ products)
    return [percentile(float(here[i]), drawn[:, i], level) for i in range(wanted)]
