"""Dunnett's comparison of many groups with one control, without simulation."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import interpolate, special, stats

from harness.statistics.trend import FloatArray, Groups, pooled_spread

FAR = float(np.arcsinh(1e6))
"""End of the tables: a t beyond it is taken for it."""


def dunnett_p(
    groups: Groups, control: FloatArray, *, constant: bool = False, less: bool = False
) -> FloatArray:
    """Return one-sided p-values, adjusted over groups, for every group being better than the control.

    p_j = P(max_i T_i >= t_j), where T has the multivariate t distribution of the differences to one control
    with the pooled variance of all runs (Dunnett 1955, doi 10.1080/01621459.1955.10501294).

    Parameters
    ----------
    groups
        One array (..., seeds) per group.
    control
        Scores of the control (..., seeds).
    constant
        The control is known without error (its mean is taken), so it adds neither variance nor degrees of
        freedom.
    less
        Test for being worse instead.

    Returns
    -------
    numpy.ndarray
        p-values (groups, ...); NaN where no group has two runs.
    """
    t, df, loadings = _many_to_one(groups, control, constant)
    return tail(-t if less else t, df, loadings)


def _many_to_one(
    groups: Groups, control: FloatArray, constant: bool
) -> tuple[FloatArray, int, tuple[float, ...]]:
    """Return t (groups, ...), degrees of freedom, and each difference's correlation with the control."""
    spread = pooled_spread(groups if constant else [*groups, control])
    base = control.mean(axis=-1)
    difference = np.stack([group.mean(axis=-1) - base for group in groups])
    of_control = 0.0 if constant else 1 / control.shape[-1]
    variances = np.array([1 / group.shape[-1] + of_control for group in groups])
    scale = np.sqrt(variances).reshape(-1, *([1] * (difference.ndim - 1))) * spread.sd
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(difference == 0, 0.0, difference / scale)
    return t, spread.df, tuple(np.sqrt(of_control / variances).tolist())


def tail(t: FloatArray, df: int, loadings: tuple[float, ...]) -> FloatArray:
    """Return P(max T >= t) for multivariate t with correlations ``loadings[i] * loadings[j]``.

    Interpolated from a table of the double integral, to a relative 1e-5 where it is above 1e-9.
    """
    if df < 1:
        return np.full(np.shape(t), np.nan)
    table = _table(df, tuple(sorted(loadings)))
    inside = np.clip(np.arcsinh(np.nan_to_num(t, nan=0.0)), table.x[0], table.x[-1])
    return np.where(np.isnan(t), np.nan, np.minimum(np.exp(table(inside)), 1.0))


@lru_cache(maxsize=64)
def _table(df: int, loadings: tuple[float, ...]) -> interpolate.CubicSpline:
    """Return log P(max T >= t) as a spline in arcsinh t, to where the probability is no number any more."""
    knots = np.concatenate([np.linspace(-FAR, -3.1, 8), np.linspace(-3, 5, 100), np.linspace(5.1, FAR, 24)])
    tails = np.array([_integral(np.sinh(knot), df, loadings) for knot in knots])
    return interpolate.CubicSpline(knots[tails > 0], np.log(tails[tails > 0]))


def _integral(t: float, df: int, loadings: tuple[float, ...]) -> float:
    """Return E[1 - prod Phi((t S + l Z) / sqrt(1 - l^2))], S^2 ~ chi2(df) / df and Z ~ N(0, 1).

    Trapezoids over log S and Z: the integrand falls off on both sides, where they converge fastest.
    """
    spread, of_spread = _spread_nodes(df)
    common, of_common = _normal_nodes()
    below = np.zeros((len(spread), len(common)))
    for loading, how_many in zip(*np.unique(loadings, return_counts=True), strict=True):
        argument = (t * spread[:, None] + loading * common) / np.sqrt(1 - loading**2)
        below += how_many * special.log_ndtr(argument)
    return float(of_spread @ -np.expm1(below) @ of_common)


@lru_cache(maxsize=64)
def _spread_nodes(df: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes of S: fine for its width, from where it no more matters at the end of the tables."""
    step = min(0.1, 1 / np.sqrt(2 * df))
    logs = np.arange(max(-FAR * (1 + 1 / df), -700 / df), min(2.5, 12 / np.sqrt(2 * df)), step)
    nodes = np.exp(logs)
    return nodes, stats.chi.pdf(nodes * np.sqrt(df), df) * np.sqrt(df) * nodes * step


@lru_cache(maxsize=1)
def _normal_nodes() -> tuple[FloatArray, FloatArray]:
    nodes = np.linspace(-8.4, 8.4, 57)
    return nodes, stats.norm.pdf(nodes) * (nodes[1] - nodes[0])
