"""Doses: what other doses predict, and whether effects are predicted to grow as they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import Misuse
from harness.measures.response.profiles import spearman

Floats = NDArray[np.float64]

FEWEST_DOSES = 3


def nearest_dose(asked: float, doses: ArrayLike, effects: ArrayLike) -> Floats:
    """Predict the effect at the nearest training dose on a logarithmic scale; the mean of two as near.

    Parameters
    ----------
    asked
        Dose to predict, above 0.
    doses
        Training doses of the same perturbation (doses,), above 0.
    effects
        Effects at these doses (doses x genes).
    """
    away = np.abs(_log(doses) - _log(asked))
    nearest = np.isclose(away, away.min(), rtol=0, atol=1e-9)
    return np.asarray(np.asarray(effects)[nearest].mean(axis=0))


def log_dose_line(asked: float, doses: ArrayLike, effects: ArrayLike) -> Floats:
    """Predict the effect on the line between the two training doses beside the asked one, over log dose.

    Beyond the ends the line of the two outermost doses goes on. Parameters as in :func:`nearest_dose`; one
    training dose only gives its effect.
    """
    at, effects, place = _log(doses), np.asarray(effects, dtype=float), _log(asked)
    order = np.argsort(at)
    at, effects = at[order], effects[order]
    if len(at) == 1:
        return np.asarray(effects[0])
    left = int(np.clip(np.searchsorted(at, place) - 1, 0, len(at) - 2))
    step = (place - at[left]) / (at[left + 1] - at[left])
    return np.asarray(effects[left] + step * (effects[left + 1] - effects[left]))


def dose_response(effect: Floats, truth: Floats, doses: ArrayLike) -> float:
    """Return Spearman's correlation over doses between the size of predicted and measured effects.

    Parameters
    ----------
    effect, truth
        Predicted and measured effects of one perturbation at each dose (doses x genes).
    doses
        One per row; fewer than :data:`FEWEST_DOSES` different ones say nothing.

    Returns
    -------
    From -1 to 1, larger is better; unchanged by scaling. NaN with too few doses or where sizes do not differ.
    Every answer that grows with the dose has the same value, so it is to be read beside the other scores.
    """
    if len(np.unique(np.asarray(doses))) < FEWEST_DOSES:
        return float("nan")
    sizes = [np.round(np.linalg.norm(each, axis=1), 9) for each in (effect, truth)]
    return float(spearman(*sizes))


def _log(dose: ArrayLike) -> Floats:
    dose = np.asarray(dose, dtype=float)
    if (dose <= 0).any():
        raise Misuse(
            f'a dose of "{dose.min():g}" has no logarithm; doses are above 0, untreated cells are the control'
        )
    return np.asarray(np.log(dose))
