"""What a perturbation screen measured: expression of every condition, whole and in disjoint halves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.measures.response import halves

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
Labels = NDArray[np.object_]

CONTROL = "control"
MIN_CELLS = 10
"""A condition with fewer cells, or beside fewer controls, is neither taught nor asked."""
SIGNIFICANT = 0.05
"""False discovery rate below which a gene counts as differentially expressed."""
ROUNDING = 1e-12
"""A variance below this share of the squared mean is rounding, not variation."""


class Condition(NamedTuple):
    """A perturbation, at a dose (empty where doses are not told apart), in a context."""

    perturbation: str
    dose: str
    context: str

    @property
    def treatment(self) -> tuple[str, str]:
        """The perturbation and its dose."""
        return self.perturbation, self.dose

    @property
    def name(self) -> str:
        """``perturbation|context``, or ``perturbation@dose|context``."""
        at = f"@{self.dose}" if self.dose else ""
        return f"{self.perturbation}{at}|{self.context}"

    @property
    def control(self) -> Condition:
        """Untreated cells of the same context."""
        return Condition(CONTROL, "", self.context)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Cells, sums and sums of squares of groups of cells, from which means and variances follow.

    Attributes
    ----------
    n
        Cells (groups,).
    total, squared
        Sums over them of log-normalised expression and of its square (groups x genes).
    """

    n: NDArray[np.int64]
    total: Floats
    squared: Floats

    @cached_property
    def mean(self) -> Floats:
        """Mean expression (groups x genes); NaN of no cells."""
        return np.asarray(self.total / np.where(self.n > 0, self.n, np.nan)[:, None])

    @cached_property
    def variance(self) -> Floats:
        """Unbiased variance (groups x genes); NaN of fewer than two cells."""
        mean = self.mean
        spread = self.squared - self.n[:, None] * mean**2
        found = spread / np.where(self.n > 1, self.n - 1, np.nan)[:, None]
        return np.asarray(np.where(found > ROUNDING * mean**2, found, 0 * found))

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            n=self.n + other.n, total=self.total + other.total, squared=self.squared + other.squared
        )

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            n=self.n - other.n, total=self.total - other.total, squared=self.squared - other.squared
        )

    def __getitem__(self, rows: Any) -> Moments:
        return Moments(n=self.n[rows], total=self.total[rows], squared=self.squared[rows])

    def pooled(self, groups: Rows) -> Moments:
        """Return for each row the moments of all rows of its group."""
        belongs = (groups[:, None] == groups).astype(float)
        return Moments(
            n=(belongs @ self.n).astype(np.int64),
            total=belongs @ self.total,
            squared=belongs @ self.squared,
        )


def welch_t(first: Moments, second: Moments) -> Floats:
    """Return Welch's t (groups x genes), group by group (Welch 1947, doi:10.1093/biomet/34.1-2.28).

    A gene that varies in neither group has 0: nothing can be said of it.
    """
    squared_error = first.variance / first.n[:, None] + second.variance / second.n[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (first.mean - second.mean) / np.sqrt(squared_error)
    return np.asarray(np.where(np.isfinite(t), t, 0.0))


def welch_p(first: Moments, second: Moments) -> Floats:
    """Return the two-sided p-value of Welch's t (groups x genes); 1 where a gene varies in neither group."""
    from scipy.stats import ttest_ind_from_stats

    sides = [(m.mean, np.sqrt(m.variance), m.n[:, None]) for m in (first, second)]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = ttest_ind_from_stats(*sides[0], *sides[1], equal_var=False)
    return np.asarray(np.where(np.isfinite(found.statistic), found.pvalue, 1.0))


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Every condition of a screen.

    Attributes
    ----------
    conditions
        Sorted; controls are among them, one for each context.
    of_cell
        Number of the condition of each cell (n_cells,).
    halves
        Moments of the first and the second half of the cells of every condition.
    """

    conditions: tuple[Condition, ...]
    of_cell: Rows
    halves: tuple[Moments, Moments]

    @cached_property
    def whole(self) -> Moments:
        """Moments of all cells of every condition."""
        return self.halves[0] + self.halves[1]

    @cached_property
    def controls(self) -> Rows:
        """Number of each condition's control (conditions,); -1 where its context has none."""
        place = {condition: number for number, condition in enumerate(self.conditions)}
        return np.array([place.get(condition.control, -1) for condition in self.conditions])

    @cached_property
    def usable(self) -> Bools:
        """Which conditions are treated, with at least :data:`MIN_CELLS` cells beside as many controls."""
        enough, controls = self.whole.n >= MIN_CELLS, self.controls
        treated = np.array([condition.perturbation != CONTROL for condition in self.conditions])
        return np.asarray(treated & enough & (controls >= 0) & enough[controls])

    @cached_property
    def significant(self) -> Bools:
        """Which genes all cells of a condition and the controls tell apart (conditions x genes)."""
        return self.against_control(self.whole) < SIGNIFICANT

    @cached_property
    def effect_size(self) -> Floats:
        """E-distance of each condition to the control of its context (conditions,); NaN where not usable.

        With squared Euclidean distances, as published for cells (Peidli et al. 2024,
        doi:10.1038/s41592-023-02144-y), over log-normalised expression of all genes. Of two clouds with means
        a and b it is then 2 |a - b|^2, and moments give it without bias: what the variances add to the
        distance between measured means is taken off. Where nothing changed it is about 0, on either side.
        """
        rows = np.flatnonzero(self.usable)
        treated, control = self.whole[rows], self.whole[self.controls[rows]]
        noise = [(m.variance.sum(axis=1) / m.n) for m in (treated, control)]
        found = np.full(len(self.conditions), np.nan)
        found[rows] = 2 * (((treated.mean - control.mean) ** 2).sum(axis=1) - sum(noise))
        return found

    def all_of(self, cells: Bools) -> Rows:
        """Return the usable conditions all of whose cells are among the given ones (n_cells,)."""
        count = np.bincount(self.of_cell, weights=cells, minlength=len(self.conditions))
        return np.flatnonzero(self.usable & (count == self.whole.n))

    def against_control(self, moments: Moments) -> Floats:
        """Return p-values of Welch's test against the context's controls, all of them, adjusted
        (conditions x genes) by Benjamini and Hochberg over genes; 1 for conditions that are not usable.
        """
        from scipy.stats import false_discovery_control

        rows = np.flatnonzero(self.usable)
        found = np.ones(moments.total.shape)
        if len(rows):
            p = welch_p(moments[rows], self.whole[self.controls[rows]])
            found[rows] = false_discovery_control(p, axis=1)
        return found

    def against_rest(self, moments: Moments) -> Floats:
        """Return Welch's t of every condition against all other cells of its context, controls included."""
        contexts = np.array([condition.context for condition in self.conditions])
        groups = np.unique(contexts, return_inverse=True)[1]
        return welch_t(moments, moments.pooled(groups) - moments)


def measure_screen(
    batches: Iterable[csr_matrix],
    perturbation: Labels,
    context: Labels,
    dose: Labels | None = None,
    seed: int = 0,
) -> Screen:
    """Take the moments of every condition and of its halves, in one pass.

    Parameters
    ----------
    batches
        Log-normalised expression in the order of the labels.
    perturbation, context, dose
        One label per cell. Doses of controls do not count: a context's controls are all alike.
    seed
        Of the halves.
    """
    from scipy.sparse import csr_matrix

    doses = [""] * len(perturbation) if dose is None else dose.astype(str).tolist()
    columns = perturbation.astype(str).tolist(), doses, context.astype(str).tolist()
    of_cells = [Condition(p, "" if p == CONTROL else d, c) for p, d, c in zip(*columns, strict=True)]
    conditions = tuple(sorted(set(of_cells)))
    place = {condition: number for number, condition in enumerate(conditions)}
    codes = np.array([place[condition] for condition in of_cells], dtype=np.int64)
    split = 2 * codes + halves(seed, codes)
    total: Any = 0.0
    squared: Any = 0.0
    start = 0
    for batch in batches:
        rows = split[start : start + batch.shape[0]]
        values = batch.astype(np.float64)
        belongs = csr_matrix(
            (np.ones(len(rows)), (rows, np.arange(len(rows)))), (2 * len(conditions), len(rows))
        )
        total = total + (belongs @ values).toarray()
        squared = squared + (belongs @ values.power(2)).toarray()
        start += batch.shape[0]
    n = np.bincount(split, minlength=2 * len(conditions))
    first, second = (Moments(n=n[h::2], total=total[h::2], squared=squared[h::2]) for h in (0, 1))
    return Screen(conditions=conditions, of_cell=codes, halves=(first, second))
