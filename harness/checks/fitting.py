"""What is fitted to a learning curve: its saturation by R5, and its law."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.checks.curve import Curve
from harness.parallel import over
from harness.statistics import (
    HEADLINE,
    Estimate,
    FittedSaturation,
    HeldOut,
    Selection,
    fitted_saturation,
    held_out_largest,
    offset_law,
    select_family,
)
from harness.statistics import curve as by_size

R5_SHARE = 0.9
"""Share of the gain that R5 answers for, as R3 does."""
FEW = 60
"""Curves that are fitted, at 9 ms (four sizes) to 85 ms (six), before others would have started."""


@dataclass(frozen=True, kw_only=True)
class Fits:
    """What was fitted to one curve.

    Attributes
    ----------
    saturation
        By R5, with the families behind it; None without an untrained control.
    law
        The law of the curve.
    """

    saturation: FittedSaturation | None
    law: Law


@dataclass(frozen=True, kw_only=True)
class Law:
    """The law of a curve.

    Attributes
    ----------
    answer
        ``"flat"``: no effect of size; ``"log-linear"``: no sign of saturation; ``"offset"``: a finite
        asymptote, E + A n^-a. The one of most weight by AICc; None, with a ``reason``, without a fit.
    weights
        Their weights.
    families
        Weights of all families.
    limit, exponent
        Of the offset law E + A n^-a, whatever its weight, with bootstrap intervals; None, with a reason,
        where the sizes do not tell them. No exponent over fewer than 1.5 decades.
    held_out
        The largest size as predicted from the smaller ones; None for fewer than three sizes.
    """

    answer: str | None
    weights: Mapping[str, float]
    families: Mapping[str, float]
    limit: Estimate
    exponent: Estimate
    held_out: HeldOut | None
    reason: str | None = None


WORDS = dict(zip(HEADLINE, ("flat", "log-linear", "offset"), strict=True))


def law(curve: Curve, selection: Selection | None = None) -> Law:
    """Return which law the runs of a curve follow, and how well it predicts the largest size.

    Parameters
    ----------
    selection
        Of the families, where they have been fitted to this curve already.
    """
    sizes, values = _trained(curve)
    found = selection or select_family(by_size(sizes, values))
    weights = {WORDS[name]: weight for name, weight in found.headline.items()}
    limit, exponent = offset_law(sizes, values, selection=found)
    return Law(
        answer=max(weights, key=lambda name: weights[name], default=None),
        weights=weights,
        families=found.weights,
        limit=limit,
        exponent=exponent,
        held_out=held_out_largest(sizes, values) if len(curve.sizes) > 2 else None,
        reason=None if weights else "; ".join(sorted(set(found.left_out.values()))),
    )


def fit_all(curves: Sequence[Curve]) -> Generator[Fits, None, None]:
    """Fit every curve in turn, many of them on all cores, where work begins before anybody asks."""
    return over(curves, fit, alone=FEW)


def fit(curve: Curve) -> Fits:
    """Fit one curve.

    Scatter is pooled over sizes, as in the other tests of a verdict; `fitted_saturation` says what it covers.
    """
    if 0 not in curve.runs:
        return Fits(saturation=None, law=law(curve))
    sizes, values = _trained(curve)
    saturation = fitted_saturation(
        sizes, values, curve.scores(0), direction=curve.direction, shares=(R5_SHARE,), pooled=True
    )
    return Fits(saturation=saturation, law=law(curve, saturation.selection))


def _trained(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return size and score of every trained run."""
    scores = [curve.scores(size) for size in curve.sizes]
    sizes = np.repeat(np.array(curve.sizes, dtype=float), [len(of_size) for of_size in scores])
    return sizes, np.concatenate(scores)
