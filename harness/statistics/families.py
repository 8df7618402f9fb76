"""Parametric families of learning curves, fitted by least squares and weighed by AICc.

All of them are c0 + c1 g(n; shape) with g(n_1) = 1, so that only the shape is searched for: given the shape
the two coefficients are a linear regression (variable projection: Golub and Pereyra 1973, doi
10.1137/0710036). The families are those of LCDB (Mohr et al. 2022, doi 10.1007/978-3-031-26419-1_1; Viering
and Loog 2023, doi 10.1109/TPAMI.2022.3220744), and ``bnsl`` with one break (Caballero et al. 2023, arXiv
2210.14891), which needs seven sizes. A rising score and a falling loss differ in the sign of c1
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize, minimize_scalar

from harness.statistics.estimates import Floats, group_means

EXPONENTS = (0.01, 5.0)
"""Exponents tried: below, a power law is a straight line in log n; above, a step behind the smallest size."""

STRETCHES = (0.05, 5.0)
"""Exponents of n tried inside ``mmf4`` and ``wbl4``."""

BREAKS = ((0.0, 1.0), (0.01, 2.0), (float(np.log(0.05)), float(np.log(2.0))))
"""What ``bnsl`` tries: exponents before and behind its break, and logs of how wide the break is."""

MIN_DECADES = 1.5
"""Over fewer decades no exponent is quoted: laws with quite different ones then fit alike."""


def too_short(sizes: ArrayLike) -> str | None:
    """Return why no exponent may be quoted over a range of sizes, if so."""
    at = np.asarray(sizes, dtype=float)
    decades = float(np.log10(at.max() / at.min()))
    if decades >= MIN_DECADES:
        return None
    return f"the sizes span {decades:.2f} decades; an exponent is quoted from {MIN_DECADES} on"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The runs of a curve, put together by size, which is all that least squares needs of them.

    Attributes
    ----------
    sizes, counts, means
        Distinct sizes in ascending order, runs and mean of each (n_sizes,).
    pure_error
        Sum of squares of the runs about the mean of their size.
    """

    sizes: Floats
    counts: Floats
    means: Floats
    pure_error: float

    @cached_property
    def share(self) -> Floats:
        """Share of each size in all runs (n_sizes,)."""
        return np.asarray(self.counts / self.counts.sum())

    @cached_property
    def total(self) -> float:
        """Mean of all runs."""
        return float(self.counts @ self.means / self.counts.sum())

    @property
    def reach(self) -> float:
        """Largest size as a multiple of the smallest."""
        return float(self.sizes[-1] / self.sizes[0])

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return int(self.counts.sum())


def curve(sizes: ArrayLike, values: ArrayLike) -> Curve:
    """Put runs together by size.

    Parameters
    ----------
    sizes, values
        One per run (n_runs,); the untrained control (size 0) belongs to no family and is not handed in.

    Raises
    ------
    ValueError
        The arrays differ in length or are empty, a value is not finite, or a size is not positive.
    """
    at, value = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    if at.shape != value.shape or at.ndim != 1 or not len(at):
        raise ValueError(f"one size and one value per run are needed, not {at.shape} and {value.shape}")
    if not np.isfinite(value).all():
        raise ValueError("a run has no finite value; leave runs without a score out")
    if not (np.isfinite(at).all() and (at > 0).all()):
        raise ValueError(f'sizes must be positive and finite, not "{at.min():g}"')
    distinct, groups = np.unique(at, return_inverse=True)
    means = group_means(value, groups)
    return Curve(
        sizes=distinct,
        counts=np.bincount(groups).astype(float),
        means=means,
        pure_error=float(np.sum((value - means[groups]) ** 2)),
    )


Shape = Callable[[Floats, Floats], Floats]
"""(n / n_1, shape parameters) -> g, 1 at n_1 and, but for ``log_linear``, towards 0 where n grows."""


def _power(x: Floats, shape: Floats) -> Floats:
    return np.asarray(x ** -shape[0])


def _shifted_power(x: Floats, shape: Floats) -> Floats:
    shift = np.expm1(shape[1])
    return np.asarray(((x + shift) / (1 + shift)) ** -shape[0])


def _exponential(x: Floats, shape: Floats) -> Floats:
    return np.asarray(np.exp(-np.exp(shape[0]) * (x - 1)))


def _sigmoid(x: Floats, shape: Floats) -> Floats:
    rate = np.exp(shape[0])
    return np.asarray((1 + rate) / (1 + rate * x ** shape[1]))


def _weibull(x: Floats, shape: Floats) -> Floats:
    return np.asarray(np.exp(-np.exp(shape[0]) * (x ** shape[1] - 1)))


def _broken_power(x: Floats, shape: Floats) -> Floats:
    early, late, log_break, log_width = shape
    width = np.exp(log_width)
    turn = np.logaddexp(0, (np.log(x) - log_break) / width) - np.logaddexp(0, -log_break / width)
    return np.asarray(np.exp(-early * np.log(x) - (late - early) * width * turn))


def _onset(shape: Floats) -> Floats:
    """Return what a broken power law is divided by to be 1 at the smallest size."""
    early, late, log_break, log_width = shape
    width = np.exp(log_width)
    return np.asarray(np.exp((late - early) * width * np.logaddexp(0, -log_break / width)))


def _logarithm(x: Floats, shape: Floats) -> Floats:
    return np.asarray(1 - np.log10(x))


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of curves.

    Attributes
    ----------
    name, formula
        As in the literature, with the names of ``parameters``.
    g
        Its shape; None for a constant.
    ranges
        Bounds of the shape parameters, given the largest size as a multiple of the smallest.
    points
        Grid points per shape parameter from which the best is refined.
    intercept
        Whether c0 is free; else it is 0.
    parameters
        From coefficients to the parameters of the formula.
    bounded
        Whether the curve has a limit where n grows.
    """

    name: str
    formula: str
    g: Shape | None
    parameters: Callable[[float, float, Floats, float], Mapping[str, float]]
    ranges: Callable[[float], tuple[tuple[float, float], ...]] = lambda reach: ()
    points: int = 1
    intercept: bool = True
    bounded: bool = True

    def __reduce__(self) -> tuple[Callable[[str], Family], tuple[str]]:
        """Travel to other processes by name."""
        return _named, (self.name,)

    @property
    def n_parameters(self) -> int:
        """Parameters of the mean."""
        return int(self.intercept) + (self.g is not None) + len(self.ranges(10.0))


def _named(name: str) -> Family:
    return FAMILIES[name]


def _rates(reach: float, highest: float) -> tuple[float, float]:
    """Bounds of the log of a rate at n_1: low enough for a change far behind the largest size."""
    return (float(-2 * np.log(100 * reach)), highest)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(name="flat", formula="E", g=None, parameters=lambda c0, c1, s, n: {"E": c0}),
            Family(
                name="log_linear",
                formula="E + A log10(n)",
                g=_logarithm,
                parameters=lambda c0, c1, s, n: {"E": c0 + c1 * (1 + np.log10(n)), "A": -c1},
                bounded=False,
            ),
            Family(
                name="pow2",
                formula="A n^-a",
                g=_power,
                ranges=lambda reach: ((-EXPONENTS[1], EXPONENTS[1]),),
                points=401,
                parameters=lambda c0, c1, s, n: {"A": c1 * n ** s[0], "a": s[0]},
                intercept=False,
            ),
            Family(
                name="pow3",
                formula="E + A n^-a",
                g=_power,
                ranges=lambda reach: (EXPONENTS,),
                points=100,
                parameters=lambda c0, c1, s, n: {"E": c0, "A": c1 * n ** s[0], "a": s[0]},
            ),
            Family(
                name="pow4",
                formula="E + A (n + d)^-a",
                g=_shifted_power,
                ranges=lambda reach: (EXPONENTS, (0.0, float(np.log1p(reach)))),
                points=30,
                parameters=lambda c0, c1, s, n: {
                    "E": c0,
                    "A": c1 * (n * np.exp(s[1])) ** s[0],
                    "a": s[0],
                    "d": n * np.expm1(s[1]),
                },
            ),
            Family(
                name="exp",
                formula="E + A exp(-b n)",
                g=_exponential,
                ranges=lambda reach: (_rates(reach, 2.5),),
                points=100,
                parameters=lambda c0, c1, s, n: {
                    "E": c0,
                    "A": c1 * np.exp(np.exp(s[0])),
                    "b": np.exp(s[0]) / n,
                },
            ),
            Family(
                name="mmf4",
                formula="(a b + c n^d) / (b + n^d)",
                g=_sigmoid,
                ranges=lambda reach: (_rates(reach, 8.0), STRETCHES),
                points=30,
                parameters=lambda c0, c1, s, n: {
                    "a": c0 + c1 * (1 + np.exp(s[0])),
                    "b": n ** s[1] / np.exp(s[0]),
                    "c": c0,
                    "d": s[1],
                },
            ),
            Family(
                name="wbl4",
                formula="c - b exp(-a n^d)",
                g=_weibull,
                ranges=lambda reach: (_rates(reach, 2.5), STRETCHES),
                points=30,
                parameters=lambda c0, c1, s, n: {
                    "a": np.exp(s[0]) / n ** s[1],
                    "b": -c1 * np.exp(np.exp(s[0])),
                    "c": c0,
                    "d": s[1],
                },
            ),
            Family(
                name="bnsl",
                formula="a + b n^-c0 (1 + (n / d)^(1 / f))^(-c1 f)",
                g=_broken_power,
                ranges=lambda reach: (*BREAKS[:2], (0.0, float(np.log(reach))), BREAKS[2]),
                points=7,
                parameters=lambda c0, c1, s, n: {
                    "a": c0,
                    "b": c1 * n ** s[0] * float(_onset(s)),
                    "c0": s[0],
                    "c1": s[1] - s[0],
                    "d": n * np.exp(s[2]),
                    "f": np.exp(s[3]),
                },
            ),
        )
    }
)

HEADLINE = ("flat", "log_linear", "pow3")
"""The three answers that matter: no effect of size, no sign of saturation, a finite asymptote."""


@dataclass(frozen=True, kw_only=True)
class FamilyFit:
    """A family fitted to a curve.

    Attributes
    ----------
    family, c0, c1, shape, smallest
        The curve is c0 + c1 g(n / smallest; shape).
    rss
        Sum of squared residuals over runs.
    aicc
        n ln(rss / n) + 2 k + 2 k (k + 1) / (n - k - 1), k counting the variance too (Hurvich and Tsai 1989,
        doi 10.1093/biomet/76.2.297).
    at_edge
        Whether a shape parameter lies on the edge of what was searched: it is then not identified. Of shapes
        that fit equally the first one stands for all, which need not lie on an edge.
    unquotable
        Why the exponents among the parameters may be computed with but not quoted, if so.
    """

    family: Family
    c0: float
    c1: float
    shape: Floats = field(repr=False)
    smallest: float
    rss: float
    aicc: float
    at_edge: bool
    unquotable: str | None = None

    def __call__(self, sizes: ArrayLike) -> Floats:
        """Return the fitted value at sizes of any shape."""
        x = np.asarray(sizes, dtype=float) / self.smallest
        g = self.family.g(x, self.shape) if self.family.g else np.zeros_like(x)
        return np.asarray(self.c0 + self.c1 * g)

    @property
    def parameters(self) -> Mapping[str, float]:
        """Parameters under the names of the family's formula."""
        named = self.family.parameters(self.c0, self.c1, self.shape, self.smallest)
        return {name: float(value) for name, value in named.items()}

    @property
    def limit(self) -> float | None:
        """What the curve tends to where n grows; None where it has no limit."""
        limit = float(limits(self.family, np.array(self.c0), self.shape))
        return limit if np.isfinite(limit) else None


def limits(family: Family, c0: Floats, shape: Floats) -> Floats:
    """Return what curves (...,) with shapes (..., n_shape) tend to where n grows; NaN where to nothing."""
    if not family.bounded:
        return np.full(np.shape(c0), np.nan)
    if family.intercept:
        return np.asarray(c0)
    return np.where(shape[..., 0] > 0, 0.0, np.nan)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Families side by side.

    Attributes
    ----------
    fits
        By name, those that the data admit.
    weights
        Share of each by AICc, exp(-difference / 2), normalised (Burnham and Anderson 2002, Model Selection
        and Multimodel Inference, section 2.9).
    headline
        The same among ``flat``, ``log_linear`` and ``pow3`` alone: no effect, no sign of saturation, a finite
        asymptote.
    best
        Name of the family with the smallest AICc; None where none could be fitted.
    left_out
        Name -> why it was not fitted.
    """

    fits: Mapping[str, FamilyFit]
    weights: Mapping[str, float]
    headline: Mapping[str, float]
    best: str | None
    left_out: Mapping[str, str]


def fit_family(runs: Curve, name: str) -> FamilyFit:
    """Fit one family by least squares.

    Raises
    ------
    ValueError
        The curve has too few sizes or runs for it.
    """
    family = FAMILIES[name]
    obstacle = _obstacle(runs, family)
    if obstacle:
        raise ValueError(f"{name} cannot be fitted: {obstacle}")
    shape = _polish(runs, family)
    c0, c1, misfit = regression(runs, family, shape, runs.means)
    rss = float(misfit) + runs.pure_error
    return FamilyFit(
        family=family,
        c0=float(c0),
        c1=float(c1),
        shape=shape,
        smallest=float(runs.sizes[0]),
        rss=rss,
        aicc=float(aicc(rss, runs.n_runs, family.n_parameters, float(np.abs(runs.means).max()))),
        at_edge=any(
            min(s - low, high - s) < 1e-3 * (high - low)
            for s, (low, high) in zip(shape, family.ranges(runs.reach), strict=True)
        ),
        unquotable=too_short(runs.sizes),
    )


def select_family(runs: Curve, names: Sequence[str] = tuple(FAMILIES)) -> Selection:
    """Fit families and weigh them by AICc; of two equally good ones the first listed is the best."""
    left_out = {name: why for name in names if (why := _obstacle(runs, FAMILIES[name]))}
    fits = {name: fit_family(runs, name) for name in names if name not in left_out}
    return Selection(
        fits=fits,
        weights=_weights(fits),
        headline=_weights({name: fits[name] for name in HEADLINE if name in fits}),
        best=min(fits, key=lambda name: fits[name].aicc, default=None),
        left_out=left_out,
    )


def aicc(rss: ArrayLike, n: int, n_parameters: int, magnitude: float) -> Floats:
    """Return AICc of least-squares fits to ``n`` runs; rounding of values of a ``magnitude`` is no misfit."""
    k = n_parameters + 1
    error = np.maximum(np.asarray(rss) / n, (1e-12 * magnitude) ** 2 + 1e-300)
    return np.asarray(n * np.log(error) + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def _weights(fits: Mapping[str, FamilyFit]) -> Mapping[str, float]:
    if not fits:
        return {}
    criterion = np.array([fit.aicc for fit in fits.values()])
    share = np.exp(-(criterion - criterion.min()) / 2)
    return dict(zip(fits, (share / share.sum()).tolist(), strict=True))


def _obstacle(runs: Curve, family: Family) -> str | None:
    needed = family.n_parameters + 1
    if len(runs.sizes) < needed:
        return f"it needs {needed} sizes, and there are {len(runs.sizes)}"
    if runs.n_runs < needed + 2:
        return f"it needs {needed + 2} runs, and there are {runs.n_runs}"
    return None


def regression(runs: Curve, family: Family, shape: Floats, means: Floats) -> tuple[Floats, Floats, Floats]:
    """Return c0, c1 and the weighted sum of squares of the means about the curve, each (n,).

    Shape parameters are (n, n_shape), means (n, n_sizes), or one of each without the n.
    """
    value = np.asarray(means @ runs.share if family.intercept else np.zeros(means.shape[:-1]))
    goal = means.T - value
    if family.g is None:
        return value, np.zeros(value.shape), runs.counts @ goal**2
    middle, steps, norm = _steps(runs, family, shape.T)
    c1 = runs.counts @ (steps * goal) / norm
    return value - c1 * middle, c1, runs.counts @ (goal - c1 * steps) ** 2


NO_STEP = 1e-18
"""Sum of squares of g below which a shape is as good as flat over the sizes seen."""


TIE = 1e-10
"""Share of what is explained up to which two shapes are equally good, so that rounding does not choose."""


@dataclass(frozen=True)
class Zoom:
    """Finer and finer grids: points per parameter, by which factor the step narrows, and how often."""

    points: int
    narrower: float
    times: int


ALONG_A_LINE = Zoom(9, 0.25, 4)
ALONG_A_VALLEY = Zoom(5, 0.65, 12)
AMONG_VALLEYS = Zoom(3, 0.65, 12)
"""For one, two and more shape parameters: slow enough to walk along a valley."""


def search(runs: Curve, family: Family, means: Floats, *, zoomed: bool = True) -> Floats:
    """Return the best shape parameters (n, n_shape) for many means (n, n_sizes) at the sizes of a curve.

    A grid over the bounds, then finer and finer grids about the best point: all of them at once. The best
    explains most: the sum of squares of a regression on g is that of the goal less (g . goal)^2 / |g|^2.
    """
    ranges = family.ranges(runs.reach)
    if not ranges:
        return np.empty((len(means), 0))
    columns = np.ascontiguousarray(means.T)
    goal = (columns - (runs.share @ columns if family.intercept else 0.0)) * runs.counts[:, None]
    grid, steps = _grid(family.name, tuple(runs.sizes.tolist()), tuple(runs.counts.tolist()))
    explained = goal.T @ steps
    shapes = grid[:, _first_best(np.abs(explained, out=explained), axis=1)]
    low, high = np.array(ranges).T[..., None, None]
    width = (high - low) / (family.points - 1)
    zoom = (ALONG_A_LINE, ALONG_A_VALLEY, AMONG_VALLEYS)[min(len(ranges), 3) - 1]
    around = _mesh(((-1.0, 1.0),) * len(ranges), zoom.points)[..., None]
    for _ in range(zoom.times if zoomed else 0):
        near = np.clip(shapes[:, None] + around * width, low, high)
        _, steps, norm = _steps(runs, family, near)
        explained = np.einsum("scn,sn->cn", steps, goal) ** 2 / norm
        shapes = near[:, _first_best(explained, axis=0), np.arange(len(means))]
        width = width * zoom.narrower
    return shapes.T


def _first_best(explained: Floats, axis: int) -> NDArray[np.intp]:
    """Return the place of the first of the best."""
    least = explained.max(axis=axis, keepdims=True) * (1 - TIE)
    return np.asarray((explained >= least).argmax(axis=axis))


@lru_cache(maxsize=64)
def _grid(name: str, sizes: tuple[float, ...], counts: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return shapes (n_shape, n_candidates) over the bounds of a family and their steps of length 1.

    Kept for the next curve: those of a board have the same sizes and seeds.
    """
    family, design = FAMILIES[name], np.array([sizes, counts])
    runs = Curve(sizes=design[0], counts=design[1], means=np.zeros(len(sizes)), pure_error=0.0)
    shapes = _mesh(family.ranges(runs.reach), family.points)
    _, steps, norm = _steps(runs, family, shapes)
    return shapes, steps / np.sqrt(norm)


@lru_cache(maxsize=64)
def _mesh(bounds: tuple[tuple[float, float], ...], points: int) -> Floats:
    """Return the points of a grid (n_parameters, n_points)."""
    axes = np.meshgrid(*[np.linspace(low, high, points) for low, high in bounds], indexing="ij")
    return np.stack([axis.ravel() for axis in axes])


def _steps(runs: Curve, family: Family, shapes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the mean over runs of g of shapes (n_shape, ...), g less it (n_sizes, ...), that one's square.

    The mean is 0 for a family without c0; the square is infinite where there is no step, so that nothing is
    explained. Sizes come first, as numpy is slow to sum over a short last axis.
    """
    assert family.g is not None
    g = family.g((runs.sizes / runs.sizes[0]).reshape(-1, *[1] * (shapes.ndim - 1)), shapes)
    middle = np.einsum("s,s...->...", runs.share, g) if family.intercept else np.zeros(g.shape[1:])
    steps = g - middle
    norm = np.einsum("s,s...->...", runs.counts, steps**2)
    return middle, steps, np.where(norm > NO_STEP, norm, np.inf)


def _polish(runs: Curve, family: Family) -> Floats:
    """Return the best shape parameters of a curve's own means: those of the search, refined."""
    bounds = np.array(family.ranges(runs.reach)).reshape(-1, 2)
    start: Floats = search(runs, family, runs.means[None], zoomed=len(bounds) > 1)[0]
    if not len(start):
        return start
    step, misfit = (bounds[:, 1] - bounds[:, 0]) / (family.points - 1), _misfit(runs, family)
    if len(start) == 1:
        near = np.clip([start[0] - step[0], start[0] + step[0]], *bounds[0])
        if start[0] in near and misfit(start) + 1e-8 < misfit(start + 1e-3 * (near.mean() - start)):
            return start  # on the edge of what is searched, and worse behind it by more than rounding
        found = minimize_scalar(misfit, bounds=near, method="bounded", options={"xatol": 1e-10})
        return np.array([found.x]) if found.fun <= misfit(start) else start
    corners = np.clip(np.vstack([start, start + np.diag(step / 4)]), bounds[:, 0], bounds[:, 1])
    corners[1:] -= np.diag(np.where(corners[1:].diagonal() == start, step / 4, 0.0))
    found = minimize(
        misfit,
        start,
        method="Nelder-Mead",
        bounds=bounds,
        options={"initial_simplex": corners, "xatol": 1e-8, "fatol": 1e-13},
    )
    return np.asarray(found.x)


def _misfit(runs: Curve, family: Family) -> Callable[[Floats], float]:
    """Return shape -> what `regression` leaves of a curve's means, as a share, in a third of its time."""
    g, counts, x = family.g, runs.counts, runs.sizes / runs.sizes[0]
    share, goal = runs.share, runs.means - (runs.total if family.intercept else 0.0)
    scale = float(counts @ (runs.means - runs.total) ** 2) or 1.0
    assert g is not None

    def misfit(shape: Floats) -> float:
        steps = g(x, np.atleast_1d(shape))
        if family.intercept:
            steps = steps - steps @ share
        weighted = steps * counts
        norm = weighted @ steps
        rest = goal - (weighted @ goal / norm if norm > NO_STEP else 0.0) * steps
        return float(rest * rest @ counts) / scale

    return misfit
