"""Scaling laws of losses, L = E + sum of A_i X_i^-a_i, in one axis or more.

For scores hand in ``bound - score``: E is then how far below the bound the score stays. Other shapes in one
axis, scores as they are, and the choice between them are in ``families``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize
from scipy.special import fdtrc, fdtri, logsumexp

from harness.statistics.estimates import (
    Estimate,
    Floats,
    group_means,
    percentile,
    resampled_runs,
    too_few_runs,
)
from harness.statistics.families import too_short

HUBER = 1e-3
"""Log residual from which the loss grows linearly only (Hoffmann et al. 2022, arXiv 2203.15556)."""
STARTS = 150
"""Starts that are followed, those of smallest objective: all there are in one axis, of 4,500 in two."""
START_E = (-1.0, -0.5, 0.0, 0.5, 1.0)
START_A = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
START_EXPONENT = (0.0, 0.5, 1.0, 1.5, 2.0)
MOST_STARTS = 20_000
"""Of more starts (three axes and more) this many are drawn."""
STEEPEST = 1e-8
"""Curvature, relative to the largest, below which a direction counts as flat at the start of a search."""
TOGETHER = 0.98
"""Correlation of two axes (logs) from which their exponents cannot be told apart."""


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """L = E + sum of A_i X_i^-a_i.

    Attributes
    ----------
    limit
        E, the loss that no size removes.
    log_amplitudes, exponents
        ln A_i and a_i, one per axis.
    objective
        Sum over runs of the Huber loss of the log residuals (half their squares for least squares).
    """

    limit: float
    log_amplitudes: tuple[float, ...]
    exponents: tuple[float, ...]
    objective: float = 0.0

    @property
    def amplitudes(self) -> tuple[float, ...]:
        """A_i, one per axis; infinite where the fit ran away along an axis that tells nothing."""
        with np.errstate(over="ignore"):
            return tuple(np.exp(self.log_amplitudes).tolist())

    def __call__(self, axes: ArrayLike) -> Floats:
        """Return the loss (n,) at axes (n, n_axes), or (n,) for one axis."""
        terms = np.array(self.log_amplitudes) - np.array(self.exponents) * np.log(_axes(axes))
        return np.asarray(self.limit + np.exp(terms).sum(axis=1))


@dataclass(frozen=True, kw_only=True)
class LackOfFit:
    """Does a curve miss the means of the sizes by more than the runs of a size differ?

    F = [(SS about the curve - SS about the means) / df_curve] / [SS about the means / df_runs] (Draper and
    Smith 1998, Applied Regression Analysis, section 2.1). F and p are None, with a reason, where a df is 0.
    """

    f: float | None
    p: float | None
    df_curve: int
    df_runs: int
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScalingLaw:
    """A fitted power law and how far it can be trusted.

    Attributes
    ----------
    law
        The fit; its exponents are for computing.
    limit
        E with its bootstrap interval.
    exponents
        Those that may be quoted, by axis; the value is None, with a reason, where an axis spans fewer than
        1.5 decades or moves together with another.
    lack_of_fit
        On log losses.
    """

    law: PowerLaw
    limit: Estimate
    exponents: dict[str, Estimate]
    lack_of_fit: LackOfFit


def fit_power_law(
    axes: ArrayLike,
    loss: ArrayLike,
    *,
    delta: float = HUBER,
    starts: int = STARTS,
    start: PowerLaw | None = None,
) -> PowerLaw:
    """Fit an additive power law by approach 3 of Hoffmann et al. (2022, arXiv 2203.15556).

    Minimises sum Huber_delta(LSE(e, a_i - alpha_i ln X_i) - ln L) over e = ln E, a_i = ln A_i and alpha_i by
    L-BFGS from a grid of starts: the sum, not the mean, whose small gradients end the search too early
    (Besiroglu et al. 2024, arXiv 2404.10102).

    Parameters
    ----------
    axes
        One row per run (n_runs, n_axes), or (n_runs,) for one axis; positive.
    loss
        One per run (n_runs,), positive.
    delta
        Huber threshold on log residuals; infinite for least squares on ln L.
    starts
        How many points of the grid to begin at, those of smallest objective.
    start
        Begin here alone instead of on the grid.

    Raises
    ------
    ValueError
        Lengths differ, a number is not positive and finite, an axis does not vary, or there are fewer runs
        than parameters.
    """
    x, y = _checked(axes, loss)
    problem = _Problem(np.log(x), np.log(y), delta)
    begin = problem.starts(starts) if start is None else [_packed(start)]
    return problem.law(problem.minimum(begin))


def scaling_law(
    axes: ArrayLike,
    loss: ArrayLike,
    names: Sequence[str] = ("cells",),
    *,
    delta: float = HUBER,
    starts: int = STARTS,
    pooled: bool = False,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> ScalingLaw:
    """Fit a power law with bootstrap intervals: runs (their logs) are resampled within equal axes.

    Over 60 synthetic worlds of six sizes the nominal 95 % intervals of least squares were measured to hold E
    and a in 88 % with three seeds drawn within sizes, and with ``pooled`` scatter in 92 % (five seeds: 93 %).

    Parameters
    ----------
    names
        One per axis.
    delta, starts
        As `fit_power_law`.
    pooled
        Whether the log losses of all sizes scatter alike, so that what scatters is drawn among all runs.
    n
        Resamples; each is fitted beginning at the fit of all runs.

    Raises
    ------
    ValueError
        As `fit_power_law`.
    """
    x, y = _checked(axes, loss)
    if x.shape[1] != len(names):
        raise ValueError(f"one name per axis is needed: {x.shape[1]} axes, {len(names)} names")
    law = fit_power_law(x, y, delta=delta, starts=starts)
    groups = _groups(x)
    drawn = _resampled_laws(law, x, y, groups, delta, n, seed, pooled)
    limit = _estimate(law.limit, [each.limit for each in drawn], level, groups)
    return ScalingLaw(
        law=law,
        limit=limit,
        exponents={name: _exponent(axis, x, law, drawn, level, groups) for axis, name in enumerate(names)},
        lack_of_fit=lack_of_fit(np.log(y), np.log(law(x)), groups, 1 + 2 * x.shape[1]),
    )


def profile_limit(axes: ArrayLike, loss: ArrayLike, *, level: float = 0.95, starts: int = STARTS) -> Estimate:
    """Return E of the least-squares fit to ln L with its profile-likelihood interval.

    E belongs to the interval where the best fit with that E has RSS(E) <= RSS_min (1 + F_{1, n - p} /
    (n - p)) (Bates and Watts 1988, Nonlinear Regression Analysis, section 6.1). ``low`` is 0 where a law
    without any limit belongs to it too.

    Raises
    ------
    ValueError
        As `fit_power_law`; or there are no more runs than parameters.
    """
    x, y = _checked(axes, loss)
    df = len(y) - 1 - 2 * x.shape[1]
    if df < 1:
        raise ValueError(f"{len(y)} runs leave no degree of freedom for {1 + 2 * x.shape[1]} parameters")
    best = fit_power_law(x, y, delta=np.inf, starts=starts)
    allowed = max(best.objective, 1e-24) * (1 + float(fdtri(1, df, level)) / df)
    problem = _Problem(np.log(x), np.log(y), np.inf)

    def excess(limit: float) -> float:
        held = problem.minimum([_packed(best)], at=float(np.log(limit)))
        return float(problem.value(held) - allowed)

    return Estimate(
        value=best.limit,
        low=_crossing(excess, best.limit, best.limit * 1e-6),
        high=_crossing(excess, best.limit, float(y.min()) * 2),
        level=level,
    )


@dataclass(frozen=True, kw_only=True)
class GridFit:
    """The founding paper's fit L = a P^-alpha + c, with c from a grid.

    Attributes
    ----------
    c, a, alpha
        Chosen by the largest R2 of ln(L - c) on ln P.
    r2
        That R2: of another response for every c, so no measure of how well the losses are fitted.
    at_edge
        Whether the largest c of the grid won: c is then the grid's end, and not an estimate.
    """

    c: float
    a: float
    alpha: float
    r2: float
    at_edge: bool

    @property
    def caveat(self) -> str | None:
        """What to say beside the numbers."""
        if not self.at_edge:
            return None
        return (
            f"c = {self.c:.4f} is the edge of the grid, .99 of the smallest loss, and not an estimate; "
            f"alpha = {self.alpha:.3f} follows from it"
        )


def published_grid_fit(parameters: ArrayLike, loss: ArrayLike, *, points: int = 200) -> GridFit:
    """Fit as arXiv 2602.15253 did: c on a grid in [0, .99 min L], least squares of ln(L - c) on ln P.

    Parameters
    ----------
    parameters, loss
        One per run (n_runs,).
    points
        Points of the grid, both ends included.

    Raises
    ------
    ValueError
        As `fit_power_law`.
    """
    x, y = _checked(parameters, loss)
    grid = np.linspace(0, 0.99 * y.min(), points)
    log_x, response = np.log(x[:, 0]), np.log(y[:, None] - grid)
    centred_x, centred = log_x - log_x.mean(), response - response.mean(axis=0)
    slope = centred_x @ centred / (centred_x @ centred_x)
    r2 = slope**2 * (centred_x @ centred_x) / (centred**2).sum(axis=0)
    best = int(r2.argmax())
    return GridFit(
        c=float(grid[best]),
        a=float(np.exp(response[:, best].mean() - slope[best] * log_x.mean())),
        alpha=float(-slope[best]),
        r2=float(r2[best]),
        at_edge=best == points - 1,
    )


def lack_of_fit(
    values: ArrayLike, fitted: ArrayLike, groups: NDArray[np.intp], n_parameters: int
) -> LackOfFit:
    """Test a curve against the scatter of the runs of a size.

    Parameters
    ----------
    values, fitted
        One per run (n_runs,), on the scale on which the curve was fitted by least squares.
    groups
        0 ... n_groups - 1: runs of equal size (n_runs,).
    n_parameters
        Of the curve.
    """
    y, curve = np.asarray(values, dtype=float), np.asarray(fitted, dtype=float)
    n_groups = int(groups.max()) + 1
    df_curve, df_runs = n_groups - n_parameters, len(y) - n_groups
    if df_curve < 1 or df_runs < 1:
        what = f"{n_groups} sizes, {len(y)} runs and {n_parameters} parameters leave nothing to test with"
        return LackOfFit(f=None, p=None, df_curve=df_curve, df_runs=df_runs, reason=what)
    pure = float(np.sum((y - group_means(y, groups)[groups]) ** 2))
    about = float(np.sum((y - curve) ** 2))
    if pure <= len(y) * (1e-12 * float(np.abs(y).max())) ** 2:  # rounding of equal runs is no scatter
        return LackOfFit(
            f=None, p=None, df_curve=df_curve, df_runs=df_runs, reason="runs of a size are equal"
        )
    f = max((about - pure) / df_curve, 0.0) / (pure / df_runs)
    return LackOfFit(f=f, p=float(fdtrc(df_curve, df_runs, f)), df_curve=df_curve, df_runs=df_runs)


# -- the search ----------------------------------------------------------------------------------------


class _Problem:
    """Log axes and log losses, and the objective over (e, a_1 ..., alpha_1 ...).

    Inside, a_i belongs to the mean of its log axis, which parts it from alpha_i; and residuals are counted in
    units of the threshold, so that the search's tolerances mean the same on every data set.
    """

    def __init__(self, log_x: Floats, log_y: Floats, delta: float) -> None:
        self.log_x, self.log_y, self.delta = log_x, log_y, delta
        self.middle = log_x.mean(axis=0)
        self.steps = log_x - self.middle
        self.unit = delta if np.isfinite(delta) else HUBER

    def starts(self, number: int) -> list[Floats]:
        """Return the grid's points of smallest objective."""
        n_axes = self.log_x.shape[1]
        ranges = [START_E, *[START_A] * n_axes, *[START_EXPONENT] * n_axes]
        total = int(np.prod([len(values) for values in ranges]))
        if total <= MOST_STARTS:
            grid = np.array(list(product(*ranges)))
        else:
            rng = np.random.default_rng(0)
            grid = np.stack([rng.choice(values, MOST_STARTS) for values in ranges], axis=1)
        terms = grid[:, None, 1 : 1 + n_axes] - grid[:, None, 1 + n_axes :] * self.log_x
        fitted = logsumexp(
            np.concatenate([np.broadcast_to(grid[:, None, :1], (*terms.shape[:2], 1)), terms], axis=2), axis=2
        )
        worth = self._huber(fitted - self.log_y).sum(axis=1)
        return list(grid[np.argsort(worth, kind="stable")[:number]])

    def minimum(self, starts: Sequence[Floats], at: float | None = None) -> Floats:
        """Return the best parameters that L-BFGS reaches from the starts; ``at`` holds e where it is."""
        found = [self._descend(start, at) for start in starts]
        return min(found, key=self.value)

    def value(self, parameters: Floats) -> float:
        """Return the objective in the units of the published one."""
        return float(self._huber(self._fitted(self._inside(parameters))[0] - self.log_y).sum())

    def law(self, parameters: Floats) -> PowerLaw:
        """Return the parameters as a law."""
        n_axes = self.log_x.shape[1]
        return PowerLaw(
            limit=float(np.exp(parameters[0])),
            log_amplitudes=tuple(parameters[1 : 1 + n_axes].tolist()),
            exponents=tuple(parameters[1 + n_axes :].tolist()),
            objective=self.value(parameters),
        )

    def _huber(self, residual: Floats) -> Floats:
        size = np.abs(residual)
        inner = np.minimum(size, self.delta)
        return np.asarray(inner * (size - inner / 2))

    def _inside(self, parameters: Floats, sign: int = -1) -> Floats:
        moved = parameters.copy()
        n_axes = self.log_x.shape[1]
        moved[1 : 1 + n_axes] += sign * parameters[1 + n_axes :] * self.middle
        return moved

    def _fitted(self, inside: Floats) -> tuple[Floats, Floats]:
        """Return the log losses (n,) and the share of each term in the loss (n, 1 + n_axes)."""
        n_axes = self.log_x.shape[1]
        terms = np.empty((len(self.log_y), 1 + n_axes))
        terms[:, 0] = inside[0]
        terms[:, 1:] = inside[1 : 1 + n_axes] - inside[1 + n_axes :] * self.steps
        largest = terms.max(axis=1)
        parts = np.exp(terms - largest[:, None])
        total = parts.sum(axis=1)
        return largest + np.log(total), parts / total[:, None]

    def _objective(self, inside: Floats) -> tuple[float, Floats]:
        fitted, parts = self._fitted(inside)
        residual = fitted - self.log_y
        pull = np.clip(residual, -self.delta, self.delta) / self.unit**2
        by_term = pull @ parts
        by_exponent = -(pull @ (parts[:, 1:] * self.steps))
        return float(self._huber(residual).sum()) / self.unit**2, np.concatenate([by_term, by_exponent])

    def _descend(self, start: Floats, at: float | None) -> Floats:
        inside = self._inside(np.asarray(start, dtype=float))
        free = np.eye(len(inside))
        if at is not None:
            inside[0], free = at, free[:, 1:]
        across = free @ self._rounding(inside, free)

        def objective(moved: Floats) -> tuple[float, Floats]:
            value, gradient = self._objective(inside + across @ moved)
            return value, across.T @ gradient

        found = minimize(
            objective,
            np.zeros(across.shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 2_000, "maxfun": 5_000, "ftol": 1e-14, "gtol": 1e-9},
        )
        return self._inside(inside + across @ found.x, sign=1)

    def _rounding(self, inside: Floats, free: Floats) -> Floats:
        """Return the directions along which the objective is about equally steep at a point.

        Without them the search is slow: E, A and a trade places along narrow valleys.
        """
        fitted, parts = self._fitted(inside)
        slopes = np.hstack([parts, -parts[:, 1:] * self.steps]) @ free
        weight = (
            self.unit / np.maximum(np.abs(fitted - self.log_y), self.unit) if np.isfinite(self.delta) else 1.0
        )
        values, vectors = np.linalg.eigh((slopes.T * weight) @ slopes / self.unit**2)
        return np.asarray(vectors / np.sqrt(np.maximum(values, STEEPEST * values[-1])))


# -- intervals -----------------------------------------------------------------------------------------


def _resampled_laws(
    law: PowerLaw,
    x: Floats,
    y: Floats,
    groups: NDArray[np.intp],
    delta: float,
    n: int,
    seed: int,
    pooled: bool,
) -> list[PowerLaw]:
    if too_few_runs(groups):
        return []
    losses = np.exp(resampled_runs(np.log(y), groups, n, seed, pooled=pooled))
    return [fit_power_law(x, each, delta=delta, start=law) for each in losses]


def _estimate(value: float, drawn: Sequence[float], level: float, groups: NDArray[np.intp]) -> Estimate:
    obstacle = too_few_runs(groups)
    if obstacle:
        return Estimate(value=value, level=level, reason=obstacle)
    return percentile(value, drawn, level, df=len(groups) - int(groups.max()) - 1)


def _exponent(
    axis: int, x: Floats, law: PowerLaw, drawn: Sequence[PowerLaw], level: float, groups: NDArray[np.intp]
) -> Estimate:
    reason = too_short(x[:, axis]) or _together(x, axis)
    if reason:
        return Estimate(value=None, level=level, reason=reason)
    return _estimate(law.exponents[axis], [each.exponents[axis] for each in drawn], level, groups)


def _together(x: Floats, axis: int) -> str | None:
    """Return why an axis cannot be told from the others, if it cannot."""
    if x.shape[1] == 1:
        return None
    correlation = np.abs(np.corrcoef(np.log(x), rowvar=False)[axis])
    correlation[axis] = 0
    if correlation.max() < TOGETHER:
        return None
    return f"the axis moves together with another one (correlation of their logs {correlation.max():.3f})"


def _crossing(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Return where a profile leaves the interval between two limits; 0 or infinity where it does not."""
    if excess(outside) <= 0:
        return 0.0 if outside < inside else np.inf
    return float(brentq(excess, min(inside, outside), max(inside, outside), xtol=1e-6 * inside))


# -- checks --------------------------------------------------------------------------------------------


def _checked(axes: ArrayLike, loss: ArrayLike) -> tuple[Floats, Floats]:
    x, y = _axes(axes), np.asarray(loss, dtype=float)
    if y.shape != x.shape[:1]:
        raise ValueError(f"one loss per run is needed: {len(x)} rows of axes, losses of shape {y.shape}")
    for what, numbers in (("axes", x), ("losses", y)):
        if not (np.isfinite(numbers).all() and (numbers > 0).all()):
            raise ValueError(f"{what} must be positive and finite; leave runs without a score out")
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    if len(constant):
        raise ValueError(f"axis {constant[0]} has one value: no law can be fitted along it")
    if len(y) < 1 + 2 * x.shape[1]:
        raise ValueError(f"{len(y)} runs are fewer than the {1 + 2 * x.shape[1]} parameters")
    return x, y


def _axes(axes: ArrayLike) -> Floats:
    x = np.asarray(axes, dtype=float)
    return x[:, None] if x.ndim == 1 else x


def _groups(x: Floats) -> NDArray[np.intp]:
    """Return 0 ... n_groups - 1: runs that agree on all axes (n_runs,)."""
    return np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)


def _packed(law: PowerLaw) -> Floats:
    return np.array([np.log(law.limit), *law.log_amplitudes, *law.exponents])
